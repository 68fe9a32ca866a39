/* core.sign: request signing for Lua. */
#ifndef LCAB_LUA_SIGN_H
#define LCAB_LUA_SIGN_H

#include <lua.h>

#include "cab/sign.h"
#include "lua/lua_error.h"

#pragma GCC visibility push(hidden)

/* The algorithm of that name, of an empty one the first. Raises where there is none, and where V11
 * lacks a region or service that its scope may hold. */
cab_sign_algorithm lcab_check_algorithm(lua_State *L, const lcab_where *where, cab_text name,
                                        cab_text region, cab_text service);

/* Adds `sign` to the table on top of the stack. */
void lcab_sign_open(lua_State *L);

#pragma GCC visibility pop

#endif
