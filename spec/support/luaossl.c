/* What luaossl has no words for, on a TLS connection of its. */
#include <lauxlib.h>
#include <lua.h>
#include <openssl/ssl.h>

/* Says goodbye (close_notify). */
static int goodbye(lua_State *L) {
    SSL **ssl = lua_touserdata(L, 1);
    lua_pushinteger(L, SSL_shutdown(*ssl));
    return 1;
}

/* Asks for a certificate after the handshake (TLS 1.3); without one the next reading fails. */
static int ask(lua_State *L) {
    SSL **ssl = lua_touserdata(L, 1);
    SSL_set_verify(*ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    lua_pushboolean(L, SSL_verify_client_post_handshake(*ssl) == 1 && SSL_do_handshake(*ssl) == 1);
    return 1;
}

/* Of a context: has clients come back with sessions in which they showed a certificate, as servers
 * that ask for one have to. */
static int resume(lua_State *L) {
    SSL_CTX **context = lua_touserdata(L, 1);
    lua_pushboolean(L, SSL_CTX_set_session_id_context(*context, (const unsigned char *)"spec", 4));
    return 1;
}

int luaopen_luaossl(lua_State *L);
int luaopen_luaossl(lua_State *L) {
    lua_newtable(L);
    lua_pushcfunction(L, goodbye);
    lua_setfield(L, -2, "goodbye");
    lua_pushcfunction(L, ask);
    lua_setfield(L, -2, "ask");
    lua_pushcfunction(L, resume);
    lua_setfield(L, -2, "resume");
    return 1;
}
