/* What the system knows of this process, and fork, for specs. */
#include <lauxlib.h>
#include <lua.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int luaopen_probe(lua_State *L);

/* usage() -> { switches = times that this process went to sleep, seconds = processor time } */
static int usage(lua_State *L) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    lua_createtable(L, 0, 2);
    lua_pushnumber(L, (lua_Number)u.ru_nvcsw);
    lua_setfield(L, -2, "switches");
    lua_pushnumber(L, (lua_Number)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                          (lua_Number)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
    lua_setfield(L, -2, "seconds");
    return 1;
}

static void write_all(int fd, const char *data, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n <= 0) {
            return;
        }
        data += n;
        len -= (size_t)n;
    }
}

/* By libc, or past it, as libraries do that call the kernel themselves. */
static pid_t fork_so(bool unseen) {
    fflush(NULL); /* or the child would write it once more */
#ifdef __linux__
    if (unseen) {
        return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    }
#endif
    return unseen ? -1 : fork();
}

/* fork(f[, unseen]) -> the text that f answered, or raised, in a child process, and the child's
 * status. The child ends without its finalizers; f calls what is to be seen of them. Unseen: libc's
 * handlers do not run. */
static int fork_(lua_State *L) {
    int ends[2];
    luaL_checktype(L, 1, LUA_TFUNCTION);
    if (pipe(ends) != 0) {
        return luaL_error(L, "no pipe");
    }
    pid_t pid = fork_so(lua_toboolean(L, 2));
    if (pid < 0) {
        return luaL_error(L, "no process");
    }
    if (pid == 0) {
        close(ends[0]);
        lua_pushvalue(L, 1);
        (void)lua_pcall(L, 0, 1, 0);
        size_t len = 0;
        const char *text = lua_tolstring(L, -1, &len);
        if (text != NULL) {
            write_all(ends[1], text, len);
        }
        close(ends[1]);
        if (getenv("COVERAGE_DIR") != NULL) {
            exit(0); /* gcov writes what ran */
        }
        _exit(0);
    }
    close(ends[1]);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    char piece[1024];
    ssize_t n;
    while ((n = read(ends[0], piece, sizeof piece)) > 0) {
        luaL_addlstring(&b, piece, (size_t)n);
    }
    close(ends[0]);
    int status = -1;
    (void)waitpid(pid, &status, 0);
    luaL_pushresult(&b);
    lua_pushnumber(L, status);
    return 2;
}

/* split() -> whether this is the child of a fork, which goes on from here and has to `leave` */
static int split(lua_State *L) {
    fflush(NULL);
    pid_t pid = fork();
    lua_pushboolean(L, pid == 0);
    return pid < 0 ? luaL_error(L, "no process") : 1;
}

/* leave(): ends a child without its finalizers. join(): waits for one. */
static int leave(lua_State *L) {
    (void)L;
    _exit(0);
}
static int join(lua_State *L) {
    (void)L;
    (void)wait(NULL);
    return 0;
}

/* close(descriptor), of whatever it is */
static int close_(lua_State *L) {
    lua_pushboolean(L, close((int)luaL_checknumber(L, 1)) == 0);
    return 1;
}

int luaopen_probe(lua_State *L) {
    static const luaL_Reg of_forks[] = {
        {"split", split}, {"leave", leave}, {"join", join}, {"close", close_}};
    lua_createtable(L, 0, 6);
    for (size_t i = 0; i < 4; i++) {
        lua_pushcfunction(L, of_forks[i].func);
        lua_setfield(L, -2, of_forks[i].name);
    }
    lua_pushcfunction(L, usage);
    lua_setfield(L, -2, "usage");
    lua_pushcfunction(L, fork_);
    lua_setfield(L, -2, "fork");
    return 1;
}
