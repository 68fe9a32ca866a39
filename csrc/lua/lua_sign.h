/* core.sign: request signing for Lua. */
#ifndef LCAB_LUA_SIGN_H
#define LCAB_LUA_SIGN_H

#include <lua.h>

#pragma GCC visibility push(hidden)

/* Adds `sign` to the table on top of the stack. */
void lcab_sign_open(lua_State *L);

#pragma GCC visibility pop

#endif
