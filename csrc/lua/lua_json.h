/* JSON through a private lua-cjson instance, so that nobody's settings leak in or out, with the
 * differences between its variants evened out: integers, null, slashes, NaN, UTF-8, depth. */
#ifndef LCAB_LUA_JSON_H
#define LCAB_LUA_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <lua.h>

#include "cab/buf.h"

#pragma GCC visibility push(hidden)

#define LCAB_JSON_MAX_DEPTH 64

/* Adds `encode`, `decode`, `sorted` and `null` to the table on top of the stack. */
void lcab_json_open(lua_State *L);

/* Loads lua-cjson unless it is there: with the first client and not with the core, of whose time it
 * would take half. Where it is missing, Neovim's vim.json serves. Raises kind "config" when there
 * is neither. */
void lcab_json_load(lua_State *L);

/* After lcab_json_load. Pushes the decoded value and answers true; or pushes a message and answers
 * false. Whole numbers up to 2^53 are integers where Lua has them. */
bool lcab_json_decode(lua_State *L, const char *text, size_t len);

/* The same of a text in which characters may be broken (lua_mend.h): they stay so, or become
 * U+FFFD. */
bool lcab_json_decode_broken(lua_State *L, const char *text, size_t len, bool keep);

/* build.null, or Neovim's vim.NIL. */
bool lcab_is_null(lua_State *L, int index);

/* Appends a JSON string. The text must be valid UTF-8. False when memory ran out. Written here and
 * not by lua-cjson because the check for UTF-8 has read every byte already: a call into Lua for
 * each string would cost more than the string. */
bool lcab_json_put_string(cab_buf *out, const char *text, size_t len);

/* Pushes the `count` strings of the list at `list` as a list in the order of their bytes, which is
 * not that of a locale. */
void lcab_push_sorted(lua_State *L, int list, int count);

/* A number's shortest plain text that reads back equal (contract 2): 20, 0.1, 1e+21. False for
 * NaN and infinities. */
bool lcab_number_text(lua_State *L, int index, char out[40]);

#pragma GCC visibility pop

#endif
