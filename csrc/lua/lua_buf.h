/* A buffer that Lua owns: whatever is raised, the collector wipes and frees it. */
#ifndef LCAB_LUA_BUF_H
#define LCAB_LUA_BUF_H

#include <lua.h>

#include "cab/buf.h"

#pragma GCC visibility push(hidden)

/* Pushes an empty one. Who has done with it may free it earlier. */
cab_buf *lcab_new_buf(lua_State *L);

/* Makes them known. */
void lcab_buf_open(lua_State *L);

#pragma GCC visibility pop

#endif
