#include "lua/lua_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cab/crypto.h"
#include "cab/descriptor.h"
#include "cab/held_signal.h"
#include "cab/locale.h"
#include "cab/texts.h"
#include "lua/compat.h"
#include "lua/lua_buf.h"
#include "lua/lua_error.h"

static const char LOCK[] = "codearts.build.lock";

enum { MAX_SIZE = 1 << 18 };

typedef struct {
    int fd;      /* -1: released */
    pid_t owner; /* a forked child must not release what its parent holds */
} file_lock;

static int fail_errno(lua_State *L, int code) {
    lua_pushnil(L);
    lua_pushstring(L, cab_errno_text(code));
    lua_pushboolean(L, code == ENOENT);
    return 3;
}

static const char *check_path(lua_State *L) {
    size_t len = 0;
    const char *path = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &len) : NULL;
    if (path == NULL || len == 0 || strlen(path) != len) {
        lcab_usage_error(L, "path", "must be a string without NUL");
        return ""; /* never reached */
    }
    return path;
}

/* Reads the whole file into `text`; answers an errno, or 0. */
static int read_all(int fd, char *text, size_t size, size_t *got) {
    *got = 0;
    while (*got < size) {
        ssize_t n = read(fd, text + *got, size - *got);
        if (n == 0) {
            break;
        }
        if (n > 0) {
            *got += (size_t)n;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

static int file_read(lua_State *L) {
    const char *path = check_path(L);
    struct stat st;
    size_t len = 0;
    if (stat(path, &st) !=
        0) { /* most files that are looked for do not exist: no memory for those */
        return fail_errno(L, errno);
    }
    char *text = lua_newuserdata(L, MAX_SIZE + 1);
    /* O_NONBLOCK: opening a pipe that nobody writes to must not hang. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return fail_errno(L, errno);
    }
    int code = fstat(fd, &st) != 0 ? errno : 0;
    if (code == 0 && !S_ISREG(st.st_mode)) {
        code = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
    }
    if (code == 0) {
        code = read_all(fd, text, MAX_SIZE + 1, &len);
    }
    (void)close(fd);
    if (code == 0 && len > MAX_SIZE) {
        code = EFBIG;
    }
    if (code != 0) {
        cab_wipe(text, len);
        return fail_errno(L, code);
    }
    lua_pushlstring(L, text, len);
    cab_wipe(text, len);
    lua_createtable(L, 0, 2);
    lua_pushinteger(L, (lua_Integer)(st.st_mode & 07777));
    lua_setfield(L, -2, "mode");
    lua_pushboolean(L, st.st_uid == geteuid());
    lua_setfield(L, -2, "mine");
    return 2;
}

/* The names in a folder, each with its NUL; answers an errno, or 0. */
static int read_names(const char *path, cab_buf *names) {
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return errno;
    }
    int code = 0;
    const struct dirent *entry;
    while (code == 0 && (errno = 0, entry = readdir(dir)) != NULL) {
        if (!cab_texts_add(names, entry->d_name, strlen(entry->d_name))) {
            code = ENOMEM;
        }
    }
    code = code != 0 ? code : errno;
    (void)closedir(dir);
    return code;
}

/* file.names(folder) -> array of names, in no order | nil, reason, missing */
static int file_names(lua_State *L) {
    const char *path = check_path(L);
    cab_buf *names = lcab_new_buf(L);
    int code = read_names(path, names);
    if (code != 0) {
        return fail_errno(L, code);
    }
    lua_newtable(L);
    int n = 0;
    for (const char *name = NULL; (name = cab_texts_next(names, name)) != NULL;) {
        lua_pushstring(L, name);
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}

/* Answers an errno, or 0. */
static int write_all(int fd, const char *text, size_t len) {
    cab_held_signal limit;
    int code = 0;
    cab_hold_signal(&limit, SIGXFSZ);
    while (len > 0 && code == 0) {
        ssize_t n = write(fd, text, len);
        if (n >= 0) {
            text += n;
            len -= (size_t)n;
        } else if (errno != EINTR) {
            code = errno;
        }
    }
    cab_release_signal(&limit);
    return code;
}

#define SUFFIX 17 /* with its NUL */

/* What no other file's name ends with. False: the system has no random bytes to give. */
static bool make_suffix(char suffix[SUFFIX]) {
    unsigned char random[SUFFIX / 2];
    if (!cab_random(random, sizeof random)) {
        return false;
    }
    cab_hex(random, sizeof random, suffix);
    suffix[SUFFIX - 1] = '\0';
    return true;
}

/* core.file.replace(path, text) -> true | nil, reason, missing: whoever reads sees the old text or
 * the new one. For what can be fetched again: the disk is not waited for, and after a power cut the
 * file may be empty. */
static int file_replace(lua_State *L) {
    const char *path = check_path(L);
    size_t len = 0;
    char suffix[SUFFIX];
    if (lua_type(L, 2) != LUA_TSTRING) {
        return lcab_usage_error(L, "text", "must be a string");
    }
    const char *text = lua_tolstring(L, 2, &len);
    if (!make_suffix(suffix)) {
        return fail_errno(L, EIO);
    }
    const char *part = lua_pushfstring(L, "%s.%s", path, suffix);
    int fd = cab_above_standard(open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (fd < 0) {
        return fail_errno(L, errno);
    }
    int code = write_all(fd, text, len);
    if (close(fd) != 0 && code == 0) {
        code = errno;
    }
    if (code == 0 && rename(part, path) != 0) {
        code = errno;
    }
    if (code != 0) {
        (void)unlink(part);
        return fail_errno(L, code);
    }
    lua_pushboolean(L, 1);
    return 1;
}

static int lock_release(lua_State *L) {
    file_lock *lock = lcab_testudata(L, 1, LOCK);
    if (lock != NULL && lock->fd >= 0) {
        if (lock->owner == getpid()) {
            /* Said aloud, because a forked child may still share the descriptor. */
            (void)flock(lock->fd, LOCK_UN);
        }
        (void)close(lock->fd);
        lock->fd = -1;
    }
    return 0;
}

static int file_lock_try(lua_State *L) {
    const char *path = check_path(L);
    file_lock *lock = lua_newuserdata(L, sizeof *lock);
    lock->fd = -1;
    lock->owner = getpid();
    lcab_kept(L, LOCK);
    lua_setmetatable(L, -2);
    lock->fd = cab_above_standard(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (lock->fd < 0) {
        return fail_errno(L, errno);
    }
    if (flock(lock->fd, LOCK_EX | LOCK_NB) == 0) {
        return 1;
    }
    int code = errno;
    (void)close(lock->fd);
    lock->fd = -1;
    if (code == EWOULDBLOCK) {
        lua_pushnil(L);
        return 1;
    }
    return fail_errno(L, code);
}

/* ---- spool ---------------------------------------------------------------------------------- */

static const char SPOOL[] = "codearts.build.spool";

/* A file that gets its name when it is complete. Where the system knows files without a name it
 * disappears however the process ends; elsewhere it has the name `part` until then. */
typedef struct {
    int fd; /* -1: committed or discarded */
    bool named;
    int problem; /* errno of the write that failed */
    pid_t owner;
    lua_Number bytes;
} spool;

/* What the userdata holds of Lua. */
enum { SPOOL_PATH = 1, SPOOL_PART };

static int open_nameless(const char *path) {
#ifdef O_TMPFILE
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    if (len < sizeof folder && access("/proc/self/fd", X_OK) == 0) {
        memcpy(folder, len > 0 ? path : ".", len > 0 ? len : 1);
        folder[len > 0 ? len : 1] = '\0';
        return cab_above_standard(open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666));
    }
#endif
    (void)path;
    return -1;
}

/* core.file.spool(path) -> spool | nil, reason */
static int file_spool(lua_State *L) {
    const char *path = check_path(L);
    char suffix[SUFFIX];
    lua_settop(L, 1);
    spool *f = lcab_newpair(L, sizeof *f);
    memset(f, 0, sizeof *f);
    f->fd = -1;
    f->owner = getpid();
    lcab_kept(L, SPOOL);
    lua_setmetatable(L, 2);
    if (!make_suffix(suffix)) {
        return fail_errno(L, EIO);
    }
    lua_pushvalue(L, 1);
    lcab_setpair(L, 2, SPOOL_PATH);
    const char *part = lua_pushfstring(L, "%s.%s.part", path, suffix);
    lcab_setpair(L, 2, SPOOL_PART); /* which keeps the text alive */
    f->fd = open_nameless(path);
    if (f->fd < 0) {
        f->fd = cab_above_standard(open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
        f->named = f->fd >= 0;
    }
    return f->fd >= 0 ? 1 : fail_errno(L, errno);
}

static spool *check_spool(lua_State *L) {
    spool *f = lcab_testudata(L, 1, SPOOL);
    if (f == NULL || f->fd < 0) {
        lcab_usage_error(L, "self", "must be a spool that is still open");
    }
    return f;
}

bool lcab_is_spool(lua_State *L, int index) { return lcab_testudata(L, index, SPOOL) != NULL; }

bool lcab_spool_put(lua_State *L, int index, const char *data, size_t len) {
    spool *f = lua_touserdata(L, index);
    if (f->fd < 0 || f->problem != 0) {
        return false;
    }
    f->problem = write_all(f->fd, data, len);
    f->bytes += (lua_Number)len;
    return f->problem == 0;
}

static const char *text_of(lua_State *L, int which) {
    lcab_getpair(L, 1, which);
    return lua_tostring(L, -1);
}

static int name_spool(const spool *f, const char *part) {
#ifdef O_TMPFILE
    if (!f->named) {
        char nameless[32];
        (void)snprintf(nameless, sizeof nameless, "/proc/self/fd/%d", f->fd);
        return linkat(AT_FDCWD, nameless, AT_FDCWD, part, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
    }
#endif
    (void)f;
    (void)part;
    return 0;
}

/* spool:commit() -> bytes | nil, reason: an older file of that name is replaced at once */
static int spool_commit(lua_State *L) {
    spool *f = check_spool(L);
    const char *path = text_of(L, SPOOL_PATH);
    const char *part = text_of(L, SPOOL_PART);
    int code = f->problem != 0 ? f->problem : name_spool(f, part);
    if (close(f->fd) != 0 && code == 0) {
        code = errno;
    }
    f->fd = -1;
    if (code == 0 && rename(part, path) != 0) {
        code = errno;
    }
    if (code != 0) {
        (void)unlink(part);
        return fail_errno(L, code);
    }
    lcab_pushwhole(L, f->bytes);
    return 1;
}

/* spool:discard() -> nil | why the last write failed: harmless after commit; a forked child only
 * lets go of the descriptor. */
static int spool_discard(lua_State *L) {
    spool *f = lcab_testudata(L, 1, SPOOL);
    if (f != NULL && f->fd >= 0) {
        (void)close(f->fd);
        f->fd = -1;
        if (f->named && f->owner == getpid()) {
            (void)unlink(text_of(L, SPOOL_PART));
        }
    }
    if (f != NULL && f->problem != 0) {
        lua_pushstring(L, cab_errno_text(f->problem));
        return 1;
    }
    return 0;
}

void lcab_file_open(lua_State *L) {
    static const luaL_Reg methods[] = {{"release", lock_release}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", lock_release}, {NULL, NULL}};
    static const luaL_Reg spool_methods[] = {
        {"commit", spool_commit}, {"discard", spool_discard}, {NULL, NULL}};
    static const luaL_Reg spool_meta[] = {{"__gc", spool_discard}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"spool", file_spool},   {"read", file_read},
                                         {"names", file_names},   {"replace", file_replace},
                                         {"lock", file_lock_try}, {NULL, NULL}};
    lcab_newtype(L, LOCK, methods, meta);
    lcab_newtype(L, SPOOL, spool_methods, spool_meta);
    lua_newtable(L);
    lcab_setfuncs(L, functions);
    lua_setfield(L, -2, "file");
}
