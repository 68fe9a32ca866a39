#include "lua/lua_buf.h"

#include <string.h>

#include "lua/compat.h"

static const char BUF_TYPE[] = "codearts.build.buf";

cab_buf *lcab_new_buf(lua_State *L) {
    cab_buf *b = lua_newuserdata(L, sizeof *b);
    memset(b, 0, sizeof *b);
    lcab_kept(L, BUF_TYPE);
    lua_setmetatable(L, -2);
    return b;
}

static int buf_gc(lua_State *L) {
    cab_buf_free(lua_touserdata(L, 1));
    return 0;
}

void lcab_buf_open(lua_State *L) {
    static const luaL_Reg no_methods[] = {{NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", buf_gc}, {NULL, NULL}};
    lcab_newtype(L, BUF_TYPE, no_methods, meta);
}
