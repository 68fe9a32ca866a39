#include "lua/lua_waker.h"

#include <lauxlib.h>

#include "cab/waker.h"
#include "lua/compat.h"
#include "lua/lua_client.h"
#include "lua/lua_error.h"

static const char WAKER_TYPE[] = "codearts.build.waker";

typedef struct {
    cab_waker *waker; /* NULL once closed */
} lcab_waker;

static cab_waker *check_waker(lua_State *L) {
    lcab_waker *w = lcab_testudata(L, 1, WAKER_TYPE);
    if (w == NULL || w->waker == NULL) {
        lcab_usage_error(L, "self", "must be an open waker");
    }
    return w->waker;
}

/* core.waker() -> waker | nil, what the system does not grant */
static int new_waker(lua_State *L) {
    cab_error err;
    lcab_waker *w = lua_newuserdata(L, sizeof *w);
    w->waker = NULL;
    lcab_kept(L, WAKER_TYPE);
    lua_setmetatable(L, -2);
    w->waker = cab_waker_new(&err);
    if (w->waker != NULL) {
        return 1;
    }
    if (err.kind == CAB_KIND_MEMORY) {
        return lcab_raise_memory(L);
    }
    lua_pushnil(L);
    lua_pushstring(L, err.message);
    return 2;
}

/* waker:port() -> where on 127.0.0.1 to send the nonce */
static int waker_port(lua_State *L) {
    lua_pushinteger(L, cab_waker_port(check_waker(L)));
    return 1;
}

/* waker:nonce() -> bytes */
static int waker_nonce(lua_State *L) {
    const cab_waker *w = check_waker(L);
    lua_pushlstring(L, (const char *)cab_waker_nonce(w), CAB_WAKER_NONCE);
    return 1;
}

/* waker:accept() -> whether somebody sent the nonce, who has it sent back and is told from now on
 */
static int waker_accept(lua_State *L) {
    lua_pushboolean(L, cab_waker_accept(check_waker(L)));
    return 1;
}

/* waker:arm(client, id) -> whether the descriptor of the core's client is watched: once it is
 * readable, `id` (from 1 to 65535) is told in two bytes, and it is watched no more */
static int waker_arm(lua_State *L) {
    cab_waker *w = check_waker(L);
    const lcab_client *u = lcab_check_client(L, 2);
    lua_Integer id = luaL_checkinteger(L, 3);
    luaL_argcheck(L, id >= 1 && id <= UINT16_MAX, 3, "from 1 to 65535");
    lua_pushboolean(L, cab_waker_arm(w, cab_client_watched_fd(u->c), (uint16_t)id));
    return 1;
}

/* waker:disarm(client): before it is closed */
static int waker_disarm(lua_State *L) {
    cab_waker *w = check_waker(L);
    const lcab_client *u = lcab_check_any_client(L, 2);
    if (u->c != NULL) {
        cab_waker_disarm(w, cab_client_watched_fd(u->c));
    }
    return 0;
}

/* waker:poke(): two bytes of zero to whoever listens */
static int waker_poke(lua_State *L) {
    cab_waker_poke(check_waker(L));
    return 0;
}

static int waker_close(lua_State *L) {
    lcab_waker *w = lcab_testudata(L, 1, WAKER_TYPE);
    if (w != NULL) {
        cab_waker *waker = w->waker;
        w->waker = NULL;
        cab_waker_free(waker);
    }
    return 0;
}

void lcab_waker_open(lua_State *L) {
    static const luaL_Reg methods[] = {{"port", waker_port},     {"nonce", waker_nonce},
                                       {"accept", waker_accept}, {"arm", waker_arm},
                                       {"disarm", waker_disarm}, {"poke", waker_poke},
                                       {"close", waker_close},   {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", waker_close}, {NULL, NULL}};
    lcab_newtype(L, WAKER_TYPE, methods, meta);
    lua_pushcfunction(L, new_waker);
    lua_setfield(L, -2, "waker");
}
