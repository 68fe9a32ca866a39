/* Journals for Lua; see cab/journal.h. */
#ifndef LCAB_LUA_JOURNAL_H
#define LCAB_LUA_JOURNAL_H

#include <lua.h>

#include "cab/worker.h"

#pragma GCC visibility push(hidden)

/* Adds `journal` to the table on top of the stack: open and peek. */
void lcab_journal_open(lua_State *L);

/* The work that journal:append answered at `index`, which is the caller's from then on. Raises a
 * usage error when there is none. */
cab_work *lcab_take_work(lua_State *L, int index);

#pragma GCC visibility pop

#endif
