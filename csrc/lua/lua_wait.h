/* Waiting in C: for a call, and for the whole of a run. */
#ifndef LCAB_LUA_WAIT_H
#define LCAB_LUA_WAIT_H

#include <lua.h>

#pragma GCC visibility push(hidden)

/* Adds `run` and `try_run` to the methods of clients, `wait` and `try_wait` to those of calls. */
void lcab_wait_open(lua_State *L);

#pragma GCC visibility pop

#endif
