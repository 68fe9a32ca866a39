#include "cab/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cab/descriptor.h"
#include "cab/held_signal.h"
#include "cab/list.h"
#include "cab/locale.h"
#ifdef __linux__
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#elif defined(__NetBSD__)
#include <sys/statvfs.h>
#define statfs statvfs
#define fstatfs fstatvfs
#else
#include <sys/mount.h>
#include <sys/param.h>
#endif

/* Says that the folder and all above it were synced: what is in it is found after a power cut. */
#define MARK ".synced"
#define DEEPEST 64

struct cab_journal {
    cab_link link; /* in `journals` */
    int refs;
    int fd, folder;
    pid_t owner; /* of which a forked child has no more than the memory */
    dev_t device;
    ino_t inode;
    size_t end;  /* of the last complete line */
    bool placed; /* its folder was synced with a line of it */
    bool busy, broken;
    char vanishing[64]; /* the name of its file system, if that vanishes */
    char path[];
};

/* ---- forks ---------------------------------------------------------------------------------- */

static pthread_once_t watch_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t journals_lock = PTHREAD_MUTEX_INITIALIZER;
static cab_list journals; /* every journal of the process */

static void before_fork(void) { (void)pthread_mutex_lock(&journals_lock); }
static void after_fork(void) { (void)pthread_mutex_unlock(&journals_lock); }

static void close_files(cab_journal *j) {
    if (j->fd >= 0) {
        (void)close(j->fd);
    }
    if (j->folder >= 0) {
        (void)close(j->folder);
    }
    j->fd = j->folder = -1;
}

/* Closes the child's copies: a lock lasts as long as any of them, also beyond the parent's death.
 */
static void after_fork_in_child(void) {
    for (cab_link *link = journals.first; link != NULL; link = link->next) {
        close_files(CAB_CONTAINER_OF(link, cab_journal, link));
    }
    after_fork();
}

static void watch_forks(void) {
    (void)pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

static void remember(cab_journal *j) {
    (void)pthread_once(&watch_once, watch_forks);
    before_fork();
    cab_list_add(&journals, &j->link);
    after_fork();
}

/* ---- errors --------------------------------------------------------------------------------- */

static bool fail(cab_error *err, const char *path, const char *what) {
    return cab_fail(err, CAB_KIND_KEY, CAB_REASON_STORE, "key_store", "key store %.500s: %s", path,
                    what);
}

/* ---- file systems --------------------------------------------------------------------------- */

typedef enum { KEEPS, VANISHES, UNKNOWN } keeping;

#ifdef __linux__
static keeping judge_system(int fd, char *name, size_t size) {
    static const struct {
        unsigned long magic;
        const char *name;
        keeping keeping;
    } systems[] = {
        {0xEF53, "ext4", KEEPS},         {0x58465342, "xfs", KEEPS},
        {0x9123683E, "btrfs", KEEPS},    {0xF2F52010, "f2fs", KEEPS},
        {0x2FC12FC1, "zfs", KEEPS},      {0x794C7630, "overlayfs", VANISHES},
        {0x01021994, "tmpfs", VANISHES}, {0x858458F6, "ramfs", VANISHES},
        {0x6969, "nfs", UNKNOWN},        {0xFF534D42, "cifs", UNKNOWN},
        {0xFE534D42, "smb2", UNKNOWN},   {0x65735546, "fuse", UNKNOWN},
        {0x01021997, "9p", UNKNOWN},     {0x00C36400, "ceph", UNKNOWN},
        {0x4D44, "vfat", UNKNOWN},       {0x5346544E, "ntfs", UNKNOWN},
        {0x0BD00BD0, "lustre", UNKNOWN}, {0x6165676C, "pstore", UNKNOWN},
        {0xF15F, "ecryptfs", UNKNOWN},   {0x5346414F, "afs", UNKNOWN},
    };
    struct statfs about;
    (void)snprintf(name, size, "an unknown file system");
    if (fstatfs(fd, &about) != 0) {
        return UNKNOWN;
    }
    unsigned long magic = (unsigned long)about.f_type & 0xFFFFFFFFUL;
    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++) {
        if (systems[i].magic == magic) {
            (void)snprintf(name, size, "%s", systems[i].name);
            return systems[i].keeping;
        }
    }
    (void)snprintf(name, size, "an unknown file system (%#lx)", magic);
    return UNKNOWN;
}
#else
static keeping judge_system(int fd, char *name, size_t size) {
    static const char *const keep[] = {"apfs", "hfs", "ufs", "ffs", "zfs", "hammer2"};
    struct statfs about;
    (void)snprintf(name, size, "an unknown file system");
    if (fstatfs(fd, &about) != 0) {
        return UNKNOWN;
    }
    (void)snprintf(name, size, "%s", about.f_fstypename);
    for (size_t i = 0; i < sizeof keep / sizeof *keep; i++) {
        if (strcmp(about.f_fstypename, keep[i]) == 0) {
            return KEEPS;
        }
    }
    return strcmp(about.f_fstypename, "tmpfs") == 0 ? VANISHES : UNKNOWN;
}
#endif

/* ---- folders -------------------------------------------------------------------------------- */

/* Like mkdir -p, but that nobody else may enter what it makes. */
static bool make_folders(const char *folder) {
    char path[4096];
    size_t len = strlen(folder);
    if (len >= sizeof path) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(path, folder, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] == '/' || path[i] == '\0') {
            char c = path[i];
            path[i] = '\0';
            if (mkdir(path, 0700) != 0 && errno != EEXIST) {
                return false;
            }
            path[i] = c;
        }
    }
    return true;
}

/* `vanishing` (or NULL) becomes the name of a system that vanishes, else empty. */
static bool check_folder(int fd, const char *folder, bool any_system, char vanishing[64],
                         cab_error *err) {
    struct stat st;
    char name[64], text[256];
    if (fstat(fd, &st) != 0) {
        return fail(err, folder, cab_errno_text(errno));
    }
    if (st.st_uid != geteuid() || (st.st_mode & 022) != 0) {
        return fail(err, folder,
                    "the folder must belong to this user, and nobody else may write to it "
                    "(chmod 700)");
    }
    keeping k = judge_system(fd, name, sizeof name);
    if (vanishing != NULL) {
        (void)snprintf(vanishing, 64, "%s", k == VANISHES ? name : "");
    }
    if (k == VANISHES && !any_system) {
        (void)snprintf(text, sizeof text,
                       "it is on %s, which vanishes with its container or the next boot; name a "
                       "folder to use it all the same",
                       name);
        return fail(err, folder, text);
    }
    if (k == UNKNOWN) {
        (void)snprintf(text, sizeof text, "it is on %s, which may not keep what it says is written",
                       name);
        return fail(err, folder, text);
    }
    return true;
}

/* The folder's descriptor, or -1. */
static int open_folder(const char *folder, bool make, bool any_system, char vanishing[64],
                       cab_error *err) {
    static const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    int fd = open(folder, flags);
    if (fd < 0 && errno == ENOENT && make) {
        fd = make_folders(folder) ? open(folder, flags) : -1;
    }
    fd = cab_above_standard(fd);
    if (fd < 0) {
        if (!make && errno == ENOENT) {
            err->kind = CAB_KIND_NONE; /* nothing there is no trouble */
        } else {
            (void)fail(err, folder, cab_errno_text(errno));
        }
        return -1;
    }
    if (!check_folder(fd, folder, any_system, vanishing, err)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* Syncs the folder and all above it, and makes the mark. False with errno. */
static bool sync_above(int folder) {
    int fd = dup(folder);
    bool ok = fd >= 0;
    for (int depth = 0; ok && depth < DEEPEST; depth++) {
        struct stat here, above;
        ok = fsync(fd) == 0 || errno == EINVAL || errno == EROFS; /* what is not ours to sync */
        int up = ok ? openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        if (up < 0) {
            break; /* no further: folders that may not be read were not made by this user */
        }
        bool last = fstat(fd, &here) != 0 || fstat(up, &above) != 0 ||
                    here.st_dev != above.st_dev || here.st_ino == above.st_ino;
        (void)close(fd);
        fd = up;
        if (last) {
            break;
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (ok) {
        int mark = openat(folder, MARK, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        ok = mark >= 0;
        if (ok) {
            (void)close(mark);
        }
    }
    return ok;
}

static bool sync_folders(int folder) {
    return (faccessat(folder, MARK, F_OK, 0) == 0 || sync_above(folder)) && fsync(folder) == 0;
}

/* ---- reading -------------------------------------------------------------------------------- */

/* The last complete line of the file, which is as `st` says, and where it ends. */
static bool read_last(int fd, const struct stat *st, const char *path, cab_buf *line, size_t *end,
                      cab_error *err) {
    if (!S_ISREG(st->st_mode) || st->st_uid != geteuid() || (st->st_mode & 077) != 0) {
        return fail(err, path,
                    "it must be a file of this user that nobody else may touch "
                    "(chmod 600)");
    }
    /* A torn line after a whole one. */
    size_t most = 2 * (CAB_JOURNAL_LONGEST_LINE + 1);
    size_t size = (size_t)st->st_size, want = size < most ? size : most, got = 0;
    cab_buf_clear(line);
    if (!cab_buf_reserve(line, want + 1)) {
        return cab_fail_memory(err);
    }
    while (got < want) {
        ssize_t n = pread(fd, line->data + got, want - got, (off_t)(size - want + got));
        if (n < 0 && errno != EINTR) {
            return fail(err, path, cab_errno_text(errno));
        }
        if (n == 0) {
            break;
        }
        got += n > 0 ? (size_t)n : 0;
    }
    size_t stop = got;
    while (stop > 0 && line->data[stop - 1] != '\n') {
        stop--;
    }
    if (stop == 0) {
        *end = 0;
        cab_buf_clear(line);
        return size - want == 0 || fail(err, path, "it is a file of another kind");
    }
    *end = size - want + stop;
    size_t start = stop - 1;
    while (start > 0 && line->data[start - 1] != '\n') {
        start--;
    }
    memmove(line->data, line->data + start, stop - 1 - start);
    line->len = stop - 1 - start;
    line->data[line->len] = '\0';
    return true;
}

/* The same of the file as it is now. */
static bool look_at_last(int fd, const char *path, cab_buf *line, size_t *end, cab_error *err) {
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return fail(err, path, cab_errno_text(errno));
    }
    return read_last(fd, &st, path, line, end, err);
}

bool cab_journal_is_own(const cab_journal *j) { return j->owner == getpid(); }

const char *cab_journal_vanishes(const cab_journal *j) {
    return j->vanishing[0] != '\0' ? j->vanishing : NULL;
}

bool cab_journal_read(const cab_journal *j, cab_buf *line, size_t *end, cab_error *err) {
    if (j->broken) { /* what is there may be seen though it is not on the disk */
        return fail(err, j->path, "writing failed before, so what it shows is not to be relied on");
    }
    return look_at_last(j->fd, j->path, line, end, err);
}

bool cab_journal_peek(const char *folder, const char *name, bool any_system, cab_buf *line,
                      size_t *end, cab_error *err) {
    *end = 0;
    cab_buf_clear(line);
    int dir = open_folder(folder, false, any_system, NULL, err);
    if (dir < 0) {
        return err->kind == CAB_KIND_NONE;
    }
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    int code = errno;
    (void)close(dir);
    if (fd < 0) {
        return code == ENOENT || fail(err, path, cab_errno_text(code));
    }
    bool ok = look_at_last(fd, path, line, end, err);
    (void)close(fd);
    return ok;
}

/* ---- holders -------------------------------------------------------------------------------- */

#ifdef __linux__
/* Linux tells each lock as "1: FLOCK  ADVISORY  WRITE 367 fe:00:10952757 0 EOF". */
static pid_t pid_of_lock(const char *line, const struct stat *file) {
    int pid;
    unsigned int high, low;
    unsigned long long number;
    return sscanf(line, "%*9[0-9]: FLOCK %*15s %*15s %9d %8x:%8x:%20llu", &pid, &high, &low,
                  &number) == 4 &&
                   high == major(file->st_dev) && low == minor(file->st_dev) &&
                   number == file->st_ino
               ? pid
               : 0;
}

long cab_journal_holder(const char *folder, const char *name) {
    char path[512], line[256];
    struct stat file;
    pid_t pid = 0;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *locks = lstat(path, &file) == 0 ? fopen("/proc/locks", "re") : NULL;
    while (locks != NULL && pid <= 0 && fgets(line, sizeof line, locks) != NULL) {
        pid = pid_of_lock(line, &file);
    }
    if (locks != NULL) {
        (void)fclose(locks);
    }
    return pid > 0 ? pid : 0;
}
#else
long cab_journal_holder(const char *folder, const char *name) {
    (void)folder;
    (void)name;
    return 0;
}
#endif

/* ---- opening -------------------------------------------------------------------------------- */

static void unref(cab_journal *j) {
    if (--j->refs > 0) {
        return;
    }
    before_fork();
    cab_list_remove(&journals, &j->link);
    if (j->fd >= 0 && cab_journal_is_own(j)) {
        (void)flock(j->fd, LOCK_UN); /* whoever else has a copy: no lock */
    }
    close_files(j);
    after_fork();
    free(j);
}

void cab_journal_close(cab_journal *j) {
    if (j != NULL) {
        unref(j);
    }
}

/* Whether the path still names what was opened and locked: who moved or removed the file, or a
 * folder above it, has set others free to begin anew. `size` becomes its length. */
static bool is_current(const cab_journal *j, size_t *size) {
    struct stat there;
    bool same =
        lstat(j->path, &there) == 0 && j->device == there.st_dev && j->inode == there.st_ino;
    *size = same ? (size_t)there.st_size : 0;
    return same;
}

static bool is_opened(cab_journal *j, struct stat *mine) {
    size_t size;
    if (fstat(j->fd, mine) != 0) {
        return false;
    }
    j->device = mine->st_dev;
    j->inode = mine->st_ino;
    return is_current(j, &size);
}

/* `mine` becomes what the file is once it is locked: nobody else changes that then. */
static cab_journal_opened open_and_lock(cab_journal *j, const char *name, struct stat *mine,
                                        cab_error *err) {
    for (int tries = 0; tries < 8; tries++) {
        j->fd =
            openat(j->folder, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
        j->fd = cab_above_standard(j->fd);
        if (j->fd < 0) {
            (void)fail(err, j->path, cab_errno_text(errno));
            return CAB_JOURNAL_FAILED;
        }
        while (flock(j->fd, LOCK_EX | LOCK_NB) != 0) {
            int code = errno;
            if (code == EINTR) {
                continue;
            }
            if (code == EWOULDBLOCK) {
                return CAB_JOURNAL_BUSY;
            }
            (void)fail(err, j->path, cab_errno_text(code));
            return CAB_JOURNAL_FAILED;
        }
        if (is_opened(j, mine)) {
            return CAB_JOURNAL_OPEN;
        }
        (void)close(j->fd); /* somebody put another file there meanwhile */
        j->fd = -1;
    }
    return CAB_JOURNAL_BUSY;
}

/* Finds the end, and cuts off what a crash left of a line: it would swallow the next one. */
static bool find_end(cab_journal *j, const struct stat *mine, cab_error *err) {
    cab_buf line = {0};
    bool ok = read_last(j->fd, mine, j->path, &line, &j->end, err);
    cab_buf_free(&line);
    if (ok && (size_t)mine->st_size != j->end && ftruncate(j->fd, (off_t)j->end) != 0) {
        ok = fail(err, j->path, cab_errno_text(errno));
    }
    return ok;
}

cab_journal_opened cab_journal_open(cab_journal **out, const char *folder, const char *name,
                                    bool any_system, cab_error *err) {
    *out = NULL;
    size_t size = strlen(folder) + strlen(name) + 2;
    cab_journal *j = calloc(1, sizeof *j + size);
    if (j == NULL) {
        (void)cab_fail_memory(err);
        return CAB_JOURNAL_FAILED;
    }
    j->refs = 1;
    j->fd = j->folder = -1;
    j->owner = getpid();
    remember(j);
    (void)snprintf(j->path, size, "%s/%s", folder, name);
    j->folder = open_folder(folder, true, any_system, j->vanishing, err);
    struct stat mine;
    cab_journal_opened opened =
        j->folder < 0 ? CAB_JOURNAL_FAILED : open_and_lock(j, name, &mine, err);
    if (opened == CAB_JOURNAL_OPEN && !find_end(j, &mine, err)) {
        opened = CAB_JOURNAL_FAILED;
    }
    if (opened == CAB_JOURNAL_OPEN) {
        *out = j;
    } else {
        if (j->fd >= 0 && opened == CAB_JOURNAL_BUSY) {
            (void)close(j->fd); /* not ours to unlock */
            j->fd = -1;
        }
        unref(j);
    }
    return opened;
}

/* ---- adding --------------------------------------------------------------------------------- */

typedef struct {
    cab_work work;
    cab_journal *journal;
    size_t at, len;
    bool ran;
    char text[];
} append_work;

/* False with errno. */
static bool write_at(int fd, const char *text, size_t len, size_t at) {
    cab_held_signal limit;
    bool ok = true;
    cab_hold_signal(&limit, SIGXFSZ);
    while (len > 0 && ok) {
        ssize_t n = pwrite(fd, text, len, (off_t)at);
        ok = n >= 0 || errno == EINTR;
        if (n > 0) {
            text += n;
            at += (size_t)n;
            len -= (size_t)n;
        }
    }
    cab_release_signal(&limit);
    return ok;
}

static void run_append(cab_work *work) {
    append_work *a = (append_work *)(void *)work;
    const cab_journal *j = a->journal;
    a->ran = true;
    size_t size;
    bool current = is_current(j, &size);
    if (current && size != a->at) {
        (void)fail(&work->error, j->path, "it was changed while it was held");
        return; /* what is there is not ours */
    }
    /* The line first: most file systems have its folder on the disk by that, too. */
    bool ok = current && write_at(j->fd, a->text, a->len, a->at) && fdatasync(j->fd) == 0 &&
              (j->placed || sync_folders(j->folder));
    int code = errno;
    current = current && (!ok || is_current(j, &size));
    if (!ok || !current) {
        /* Nobody has acted on the line, so it is better gone; if not, it only stands in the way. */
        int undone = ftruncate(j->fd, (off_t)a->at);
        (void)undone;
        (void)fail(&work->error, j->path,
                   current ? cab_errno_text(code) : "it was moved or removed while it was held");
    }
}

static void append_done(cab_work *work) {
    append_work *a = (append_work *)(void *)work;
    a->journal->busy = false;
    if (work->error.kind == CAB_KIND_NONE) {
        a->journal->end = work->answer = a->at + a->len;
        a->journal->placed = true;
    } else {
        a->journal->broken = true;
    }
}

static void append_free(cab_work *work) {
    append_work *a = (append_work *)(void *)work;
    if (!a->ran) {
        a->journal->busy = false; /* nobody will write it any more */
    }
    unref(a->journal);
    free(a);
}

size_t cab_journal_end(const cab_journal *j) { return j->end; }

cab_work *cab_journal_append(cab_journal *j, const char *line, size_t len, cab_error *err) {
    if (len > CAB_JOURNAL_LONGEST_LINE || memchr(line, '\n', len) != NULL) {
        (void)fail(err, j->path, "a record must be one line of at most 64 KiB");
        return NULL;
    }
    if (j->busy || j->broken || !cab_journal_is_own(j)) {
        (void)fail(err, j->path,
                   j->broken ? "writing failed before, so it is not tried again"
                   : j->busy ? "the line before is being written still"
                             : "it belongs to the process that this one was forked from");
        return NULL;
    }
    append_work *a = calloc(1, sizeof *a + len + 1);
    if (a == NULL) {
        (void)cab_fail_memory(err);
        return NULL;
    }
    a->work.run = run_append;
    a->work.done = append_done;
    a->work.free = append_free;
    a->journal = j;
    a->at = j->end;
    memcpy(a->text, line, len);
    a->text[len] = '\n';
    a->len = len + 1;
    j->refs++;
    j->busy = true;
    return (cab_work *)(void *)a;
}
