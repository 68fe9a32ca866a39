/* A Lua interpreter that the specs run under when the module is instrumented (make asan, make
 * tsan).
 *
 * A sanitizer's runtime must be in the program itself. Preloading it into the system's interpreter
 * would also preload it into every shell and compiler that a spec starts, and find their leaks.
 * This one lies first on the PATH under the name of the Lua it is linked with, so that a spec which
 * starts an interpreter gets an instrumented one, and everything else stays as it is.
 *
 * Understands what the specs use of lua(1): -e CODE, -l MODULE, -v, a script or "-", arguments,
 * code in LUA_INIT, or a file with an @ before it.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By what scripts have, too: not every Lua brings luaL_traceback and luaL_tolstring. */
static int with_traceback(lua_State *L) {
    if (lua_type(L, 1) == LUA_TSTRING) {
        lua_getglobal(L, "debug");
        lua_getfield(L, -1, "traceback");
        lua_pushvalue(L, 1);
        lua_pushinteger(L, 2);
        lua_call(L, 2, 1);
    } else {
        lua_getglobal(L, "tostring");
        lua_pushvalue(L, 1);
        lua_call(L, 1, 1);
    }
    return 1;
}

/* Calls the function under `args` arguments on the stack; false when it failed, said on stderr. */
static int call(lua_State *L, const char *name, int args) {
    int at = lua_gettop(L) - args;
    lua_pushcfunction(L, with_traceback);
    lua_insert(L, at);
    if (lua_pcall(L, args, 0, at) != 0) {
        fprintf(stderr, "%s: %s\n", name, lua_tostring(L, -1));
        return 0;
    }
    lua_remove(L, at);
    return 1;
}

/* Leaves a loaded chunk on the stack; false when it has none to run, said on stderr. */
static int loaded(lua_State *L, const char *name, int status) {
    if (status != 0) {
        fprintf(stderr, "%s: %s\n", name, lua_tostring(L, -1));
    }
    return status == 0;
}

static void set_arg(lua_State *L, int argc, char **argv, int script) {
    lua_createtable(L, argc - script, script);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i - script);
    }
    lua_setglobal(L, "arg");
}

static int option(lua_State *L, char letter, const char *value, const char *name) {
    if (letter == 'e') {
        return loaded(L, name, luaL_loadbuffer(L, value, strlen(value), "=(command line)")) &&
               call(L, name, 0);
    }
    lua_getglobal(L, "require");
    lua_pushstring(L, value);
    return call(L, name, 1);
}

static int run(lua_State *L, int argc, char **argv) {
    int script = 1;
    const char *init = getenv("LUA_INIT");
    if (init != NULL && init[0] == '@') {
        if (!loaded(L, argv[0], luaL_loadfile(L, init + 1)) || !call(L, argv[0], 0)) {
            return 0;
        }
    } else if (init != NULL && !option(L, 'e', init, argv[0])) {
        return 0;
    }
    while (script < argc && argv[script][0] == '-' && argv[script][1] != '\0') {
        char letter = argv[script][1];
        if (letter == 'v') {
            puts(LUA_RELEASE);
            script++;
            continue;
        }
        if ((letter != 'e' && letter != 'l') || (argv[script][2] == '\0' && script + 1 >= argc)) {
            fprintf(stderr, "%s: cannot take the option %s\n", argv[0], argv[script]);
            return 0;
        }
        script += argv[script][2] == '\0' ? 2 : 1;
    }
    set_arg(L, argc, argv, script < argc ? script : 0);
    for (int i = 1; i < script; i++) {
        char letter = argv[i][1];
        if (letter != 'v') {
            const char *value = argv[i][2] != '\0' ? argv[i] + 2 : argv[++i];
            if (!option(L, letter, value, argv[0])) {
                return 0;
            }
        }
    }
    if (script >= argc) {
        return 1;
    }
    const char *file = strcmp(argv[script], "-") == 0 ? NULL : argv[script];
    if (!loaded(L, argv[0], luaL_loadfile(L, file))) {
        return 0;
    }
    if (!lua_checkstack(L, argc)) {
        return 0;
    }
    for (int i = script + 1; i < argc; i++) {
        lua_pushstring(L, argv[i]);
    }
    return call(L, argv[0], argc - script - 1);
}

int main(int argc, char **argv) {
    lua_State *L = luaL_newstate();
    if (L == NULL) {
        return EXIT_FAILURE;
    }
    luaL_openlibs(L);
    int ok = run(L, argc, argv);
    lua_close(L);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
