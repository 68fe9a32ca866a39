/* The least that the records of a keyed run cost in files: two lines of a new file, each on the
 * disk before it counts, and the file's name with the first. Nothing is checked, nothing waits for
 * another thread. A module for Lua, so that a run stands between them in the same process:
 *
 *   place = floor_keys.open(folder)
 *   record = floor_keys.begin(place, name)    opens, locks, writes, syncs file and folder
 *   floor_keys.finish(record)                 writes, syncs, closes */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

static char line[450];

static bool add(int fd, off_t at) {
    return pwrite(fd, line, sizeof line, at) == (ssize_t)sizeof line && fdatasync(fd) == 0;
}

static int open_folder(lua_State *L) {
    int fd = open(luaL_checkstring(L, 1), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    lua_pushinteger(L, fd);
    return fd >= 0 ? 1 : luaL_error(L, "there is no such folder");
}

static int begin(lua_State *L) {
    int folder = (int)luaL_checkinteger(L, 1);
    int fd = openat(folder, luaL_checkstring(L, 2), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && add(fd, 0) && fsync(folder) == 0;
    lua_pushinteger(L, fd);
    return ok ? 1 : luaL_error(L, "the record was not written");
}

static int finish(lua_State *L) {
    int fd = (int)luaL_checkinteger(L, 1);
    bool ok = add(fd, sizeof line);
    return close(fd) == 0 && ok ? 0 : luaL_error(L, "the record was not written");
}

int luaopen_floor_keys(lua_State *L) {
    memset(line, 'x', sizeof line);
    lua_newtable(L);
    lua_pushcfunction(L, open_folder);
    lua_setfield(L, -2, "open");
    lua_pushcfunction(L, begin);
    lua_setfield(L, -2, "begin");
    lua_pushcfunction(L, finish);
    lua_setfield(L, -2, "finish");
    return 1;
}
