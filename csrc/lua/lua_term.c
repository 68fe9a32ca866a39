#include "lua/lua_term.h"

#include <lauxlib.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* A signal belongs to the process, so this one flag may be shared by all Lua states in it. */
static volatile sig_atomic_t interrupt_seen;

static void on_interrupt(int signal_number) {
    (void)signal_number;
    interrupt_seen = 1;
}

static int is_terminal(lua_State *L) {
    lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
    return 1;
}

static int terminal_size(lua_State *L) {
    struct winsize size;
    if (ioctl((int)luaL_checkinteger(L, 1), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, size.ws_col);
    lua_pushinteger(L, size.ws_row);
    return 2;
}

static int catch_interrupt(lua_State *L) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    /* Without SA_RESTART a blocking wait returns at once; with SA_RESETHAND a second Ctrl-C is
     * final. */
    action.sa_flags = (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    interrupt_seen = 0;
    if (sigaction(SIGINT, &action, NULL) != 0) {
        return luaL_error(L, "cannot install the handler of SIGINT");
    }
    return 0;
}

static int interrupted(lua_State *L) {
    lua_pushboolean(L, interrupt_seen != 0);
    return 1;
}

void lcab_term_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"isatty", is_terminal},
                                         {"terminal_size", terminal_size},
                                         {"catch_interrupt", catch_interrupt},
                                         {"interrupted", interrupted},
                                         {NULL, NULL}};
    for (const luaL_Reg *f = functions; f->name != NULL; f++) {
        lua_pushcfunction(L, f->func);
        lua_setfield(L, -2, f->name);
    }
}
