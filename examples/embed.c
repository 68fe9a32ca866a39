/* A program of its own with Lua inside, which starts a build: the core is linked in, not loaded.
 *
 *     make LUA=lua5.4
 *     cc -Icsrc $(pkg-config --cflags lua5.4) -o embed examples/embed.c \
 *         build/lua5.4/libcodearts_build.a \
 *         $(pkg-config --libs lua5.4 libcurl libcrypto) -lm -ldl -pthread
 *     CODEARTS_BUILD_TOKEN=… ./embed ENDPOINT JOB_ID
 *
 * The core needs lua-cjson in the state: from package.cpath, as here, or preloaded likewise. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "lua/core.h"

static const char SCRIPT[] = "local endpoint, job_id = ...\n"
                             "local core = require 'codearts.build.core'\n"
                             "local token = os.getenv 'CODEARTS_BUILD_TOKEN'\n"
                             "local client = core.new { endpoint = endpoint, auth = token }\n"
                             "local result, err = client:try_run { job_id = job_id }\n"
                             "client:close()\n"
                             "if not result then\n"
                             "  return false, tostring(err)\n"
                             "end\n"
                             "return true, 'build ' .. result.actual_build_number .. ' started'\n";

static void preload(lua_State *L) {
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "preload");
    lua_pushcfunction(L, luaopen_codearts_build_core);
    lua_setfield(L, -2, "codearts.build.core");
    lua_pop(L, 2);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        (void)fprintf(stderr, "usage: CODEARTS_BUILD_TOKEN=... %s ENDPOINT JOB_ID\n", argv[0]);
        return EXIT_FAILURE;
    }
    lua_State *L = luaL_newstate();
    if (L == NULL) {
        return EXIT_FAILURE;
    }
    luaL_openlibs(L);
    preload(L);
    int failed = luaL_loadstring(L, SCRIPT);
    for (int i = 1; i < argc && failed == 0; i++) {
        lua_pushstring(L, argv[i]);
    }
    if (failed == 0) {
        failed = lua_pcall(L, argc - 1, 2, 0);
    }
    const char *text = lua_tostring(L, -1);
    bool started = failed == 0 && lua_toboolean(L, -2);
    (void)fprintf(started ? stdout : stderr, "%s\n", text != NULL ? text : "unknown error");
    lua_close(L);
    return started ? EXIT_SUCCESS : EXIT_FAILURE;
}
