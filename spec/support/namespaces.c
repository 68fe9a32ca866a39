/* Mount and network namespaces of its own for the process that loads this; see dns_server.lua. */
#include <lauxlib.h>
#include <lua.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

int luaopen_namespaces(lua_State *L);

static int fail(lua_State *L, const char *what) {
    int code = errno;
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", what, strerror(code));
    return 2;
}

#ifdef __linux__
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

static int put(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));
    if (fd >= 0) {
        (void)close(fd);
    }
    return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* In a user namespace everybody may have the other two; each stays who he is there. */
static int enter_user(int others) {
    char uid[64], gid[64];
    (void)snprintf(uid, sizeof uid, "%u %u 1", (unsigned)geteuid(), (unsigned)geteuid());
    (void)snprintf(gid, sizeof gid, "%u %u 1", (unsigned)getegid(), (unsigned)getegid());
    return unshare(CLONE_NEWUSER | others) == 0 && put("/proc/self/setgroups", "deny") == 0 &&
                   put("/proc/self/uid_map", uid) == 0 && put("/proc/self/gid_map", gid) == 0
               ? 0
               : -1;
}

static int start_loopback(void) {
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    request.ifr_flags = IFF_UP;
    int status = ioctl(fd, SIOCSIFFLAGS, &request);
    (void)close(fd);
    return status;
}

/* enter() -> the options by which nsenter(1) follows; or nil, why not */
static int enter(lua_State *L) {
    int others = CLONE_NEWNS | CLONE_NEWNET;
    int alone = unshare(others) == 0 && start_loopback() == 0;
    if (!alone && (enter_user(others) != 0 || start_loopback() != 0)) {
        return fail(L, "no namespaces");
    }
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        return fail(L, "no mounts of its own");
    }
    lua_pushfstring(L, "%s --mount --net --target %d", alone ? "" : "--user --preserve-credentials",
                    (int)getpid());
    return 1;
}

/* cover(path, with): the file `with` is seen in the place of `path`. -> true; or nil, why not */
static int cover(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    if (mount(luaL_checkstring(L, 2), path, NULL, MS_BIND, NULL) != 0) {
        return fail(L, path);
    }
    lua_pushboolean(L, 1);
    return 1;
}
#else
static int enter(lua_State *L) {
    errno = ENOSYS;
    return fail(L, "no namespaces");
}

static int cover(lua_State *L) { return enter(L); }
#endif

int luaopen_namespaces(lua_State *L) {
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, enter);
    lua_setfield(L, -2, "enter");
    lua_pushcfunction(L, cover);
    lua_setfield(L, -2, "cover");
    return 1;
}
