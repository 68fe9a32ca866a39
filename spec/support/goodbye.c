/* The module is a function: says goodbye (close_notify) on a TLS connection of luaossl. */
#include <lauxlib.h>
#include <lua.h>
#include <openssl/ssl.h>

static int goodbye(lua_State *L) {
    SSL **ssl = lua_touserdata(L, 1);
    lua_pushinteger(L, SSL_shutdown(*ssl));
    return 1;
}

int luaopen_goodbye(lua_State *L);
int luaopen_goodbye(lua_State *L) {
    lua_pushcfunction(L, goodbye);
    return 1;
}
