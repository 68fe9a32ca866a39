/* Runs a Lua script in a state of its own, closes the state, and lives on until the threads that
 * were started meanwhile have ended: state_ends SCRIPT. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

static int threads(void) {
    int n = 0;
    DIR *tasks = opendir("/proc/self/task");
    while (tasks != NULL && readdir(tasks) != NULL) {
        n++;
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
    return n - 2; /* "." and ".." */
}

int main(int argc, char **argv) {
    lua_State *L = luaL_newstate();
    if (argc != 2 || L == NULL) {
        return 2;
    }
    luaL_openlibs(L);
    if (luaL_loadfile(L, argv[1]) != 0 || lua_pcall(L, 0, 0, 0) != 0) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        return 1;
    }
    lua_close(L);
    while (threads() > 1) {
        usleep(1000);
    }
    puts("it lives on");
    return 0;
}
