/* A file that is moved, removed or replaced while a line of it is being synced: who did that has
 * set others free to begin anew, so that the line counts no more. Before and after the syncing is
 * the journal's own to look at; here somebody comes just between. */
#include "cab/journal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static char base[] = "/tmp/unit-journal-XXXXXX"; /* the working directory, too */
static bool (*coming)(void);                     /* who comes during the next sync */

static int folder_syncs;

/* These two go before the system's own. */
int fdatasync(int fildes) {
    (void)fildes;
    bool (*now)(void) = coming;
    coming = NULL;
    CHECK("comes", now == NULL || now());
    return 0;
}
int fsync(int fd) {
    (void)fd;
    folder_syncs++;
    return 0;
}

static bool make_file(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return fd >= 0 && close(fd) == 0;
}

static bool link_it(void) { return link("keys/k", "keys/other") == 0; }
static bool remove_it(void) { return unlink("keys/k") == 0; }
static bool move_it(void) { return rename("keys/k", "keys/other") == 0; }
static bool replace_it(void) { return make_file("new") && rename("new", "keys/k") == 0; }
static bool move_folder(void) { return rename("keys", "gone") == 0; }
static bool replace_folder(void) {
    return move_folder() && mkdir("keys", 0700) == 0 && make_file("keys/k");
}

static const struct {
    const char *what;
    bool (*coming)(void);
    bool kept;
} ROWS[] = {
    {"nobody comes", NULL, true},
    {"it gets another name, too", link_it, true},
    {"it is removed", remove_it, false},
    {"it is moved", move_it, false},
    {"it is replaced", replace_it, false},
    {"its folder is moved", move_folder, false},
    {"its folder is replaced", replace_folder, false},
};

static void clean(void) {
    static const char *const files[] = {"keys/k", "keys/other", "keys/.synced", "gone/k",
                                        "gone/.synced"};
    for (size_t i = 0; i < COUNT(files); i++) {
        (void)unlink(files[i]);
    }
    (void)rmdir("keys");
    (void)rmdir("gone");
}

/* Whether the journal takes a line. */
static bool append(cab_journal *j, const char *line) {
    cab_error err = {0};
    cab_work *work = cab_journal_append(j, line, strlen(line), &err);
    if (work == NULL) {
        return false;
    }
    work->run(work);
    work->done(work);
    bool ok = work->error.kind == CAB_KIND_NONE;
    CHECK(line, ok || strstr(work->error.message, "moved or removed") != NULL);
    work->free(work);
    return ok;
}

static void try(size_t row, const char *folder, bool is_first) {
    cab_journal *j = NULL;
    cab_error err = {0};
    bool open = cab_journal_open(&j, folder, "k", true, &err) == CAB_JOURNAL_OPEN;
    CHECK(ROWS[row].what, open);
    if (!open) {
        return;
    }
    CHECK(ROWS[row].what, is_first || append(j, "before"));
    coming = ROWS[row].coming;
    CHECK(ROWS[row].what, append(j, "line") == ROWS[row].kept);
    CHECK(ROWS[row].what, append(j, "after") == ROWS[row].kept);
    cab_journal_close(j);
    clean();
}

/* Who wrote what is there may have died before its folder was synced. */
static void try_folders(const char *folder) {
    for (int round = 0; round < 2; round++) {
        cab_journal *j = NULL;
        cab_error err = {0};
        CHECK("opens", cab_journal_open(&j, folder, "k", true, &err) == CAB_JOURNAL_OPEN);
        folder_syncs = 0;
        CHECK("takes a line", append(j, "line") && folder_syncs > 0);
        folder_syncs = 0;
        CHECK("takes another", append(j, "line") && folder_syncs == 0);
        cab_journal_close(j);
    }
    clean();
}

int main(void) {
    char folder[64];
    CHECK("a folder", mkdtemp(base) != NULL && chdir(base) == 0);
    (void)snprintf(folder, sizeof folder, "%s/keys", base);
    try_folders(folder);
    for (size_t row = 0; row < COUNT(ROWS); row++) {
        try(row, folder, true);
        try(row, folder, false);
    }
    CHECK("nothing is left", rmdir(base) == 0);
    return failures > 0;
}
