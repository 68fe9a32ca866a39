/* A table of headers, read into lines. */
#ifndef LCAB_LUA_HEADERS_H
#define LCAB_LUA_HEADERS_H

#include <stdbool.h>

#include <lua.h>

#include "cab/buf.h"
#include "lua/lua_error.h"
#include "lua/lua_opts.h"

#pragma GCC visibility push(hidden)

/* Whether a header of that name, or what an address gives that name, is likely to hold something
 * that must not be shown. */
bool lcab_is_telling(cab_text name);
/* Whether one of these lines is such a header. */
bool lcab_holds_telling(const cab_buf *lines);

/* Reads `headers` of the table at `index`, name -> value, into lines, each with its NUL; `secrets`
 * gets the values that must not be shown. Refuses what is no header and, unless `trusted` (a
 * request of this library's own Lua side), those that the library sets itself. */
void lcab_read_headers(lua_State *L, int index, const lcab_where *where, bool trusted,
                       cab_buf *lines, cab_buf *secrets);

#pragma GCC visibility pop

#endif
