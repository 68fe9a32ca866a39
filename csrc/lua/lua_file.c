#include "lua/lua_file.h"

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

#include "cab/buf.h"
#include "cab/crypto.h"
#include "lua/compat.h"
#include "lua/lua_error.h"

#define LOCK "codearts.build.lock"

enum { MAX_SIZE = 1 << 18 };

typedef struct {
    int fd;      /* -1: released */
    pid_t owner; /* a forked child must not release what its parent holds */
} file_lock;

static int fail_errno(lua_State *L, int code) {
    lua_pushnil(L);
    lua_pushstring(L, strerror(code));
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

static int write_all(int fd, const char *text, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n >= 0) {
            text += n;
            len -= (size_t)n;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return fsync(fd) != 0 ? errno : 0;
}

static int file_replace(lua_State *L) {
    const char *path = check_path(L);
    size_t len = 0;
    unsigned char random[8];
    char suffix[2 * sizeof random + 1] = {0};
    if (lua_type(L, 2) != LUA_TSTRING) {
        return lcab_usage_error(L, "text", "must be a string");
    }
    const char *text = lua_tolstring(L, 2, &len);
    if (!cab_random(random, sizeof random)) {
        return fail_errno(L, EIO);
    }
    cab_hex(random, sizeof random, suffix);
    const char *part = lua_pushfstring(L, "%s.%s", path, suffix);
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
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
    luaL_getmetatable(L, LOCK);
    lua_setmetatable(L, -2);
    lock->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
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

void lcab_file_open(lua_State *L) {
    static const luaL_Reg methods[] = {{"release", lock_release}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", lock_release}, {NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"read", file_read}, {"replace", file_replace}, {"lock", file_lock_try}, {NULL, NULL}};
    lcab_newtype(L, LOCK, methods, meta);
    lua_newtable(L);
    lcab_setfuncs(L, functions);
    lua_setfield(L, -2, "file");
}
