/* Small answers of plain texts, as most are, read without lua-cjson: for their few bytes it took as
 * much as all the rest of a call outside of libcurl. */
#ifndef LCAB_LUA_PLAIN_H
#define LCAB_LUA_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <lua.h>

#include "cab/buf.h"

#pragma GCC visibility push(hidden)

/* How many bytes of a valid text come before the next that needs an escape. */
size_t lcab_plain_run(const char *text, size_t len);

/* Pushes an object of plain texts, and of objects and lists of them; anything else is left to
 * lua-cjson: then this answers false and pushes nothing. The text must be valid UTF-8. */
bool lcab_plain_object(lua_State *L, const char *text, size_t len);

/* Whether a text is one that a failure may leave in an answer of fixed form. */
static inline bool lcab_is_filler(const char *text, size_t len) {
    return len == 0 || (len == 1 && *text == '0') || (len == 4 && memcmp(text, "null", 4) == 0);
}

/* Reads an object that has the members of these names and no others, each a text of ASCII without
 * escapes that is no filler: pushes it, or answers false and pushes nothing. Nothing else is to be
 * asked of such an answer, and none is more frequent. `list`: where lcab_push_names has the names
 * among others, from number `first` on. */
bool lcab_plain_texts(lua_State *L, const cab_buf *text, const char *const *names, int count,
                      int list, int first);

#pragma GCC visibility pop

#endif
