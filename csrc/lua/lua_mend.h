/* Texts in which characters are broken: halves of a surrogate pair, as services write them that cut
 * a text by its UTF-16 (a page of a log, the title of a commit), and bytes that are no UTF-8. */
#ifndef LCAB_LUA_MEND_H
#define LCAB_LUA_MEND_H

#include <stddef.h>

#include <lua.h>

#pragma GCC visibility push(hidden)

/* Adds `repair` to the table on top of the stack. */
void lcab_mend_open(lua_State *L);

/* Pushes JSON with three bytes, as UTF-8 would have them if it had them, in the place of each
 * escape of half a pair: no decoder takes that, and the whole answer would be lost with it. */
void lcab_push_halves(lua_State *L, const char *json, size_t len);

/* Pushes a text as UTF-8: two such halves of a pair, one behind the other, as their character, and
 * U+FFFD for each other half and for each byte that belongs to no character. */
void lcab_push_repaired(lua_State *L, const char *text, size_t len);

#pragma GCC visibility pop

#endif
