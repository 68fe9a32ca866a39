/* Wakers for Lua; see cab/waker.h. */
#ifndef LCAB_LUA_WAKER_H
#define LCAB_LUA_WAKER_H

#include <lua.h>

#pragma GCC visibility push(hidden)

/* Adds `waker` to the table on top of the stack. */
void lcab_waker_open(lua_State *L);

#pragma GCC visibility pop

#endif
