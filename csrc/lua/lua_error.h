/* Structured errors: the one place that makes, masks and raises them. */
#ifndef LCAB_LUA_ERROR_H
#define LCAB_LUA_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#include <lua.h>

#include "cab/error.h"
#include "cab/secret.h"

#pragma GCC visibility push(hidden)

/* Adds `error`, `is_error` and `mask` to the table on top of the stack. */
void lcab_error_open(lua_State *L);

/* Pushes an empty table with the metatable of errors; or the error that `e` describes. */
void lcab_push_new_error(lua_State *L);
void lcab_push_error(lua_State *L, const cab_error *e);
bool lcab_is_error(lua_State *L, int index);

/* Pushes `text` with every secret masked. NUL and what is not UTF-8 become "?". */
void lcab_push_masked(lua_State *L, const char *text, size_t len, const cab_secrets *secrets);

/* Adds the texts of the list at `index`, which keeps them. */
void lcab_read_secrets(lua_State *L, int index, cab_secrets *secrets);

/* All raise and never return; the type lets callers write `return lcab_...`. `cold` keeps the ways
 * to them apart from what every call runs through. */
__attribute__((noreturn, cold)) int lcab_raise(lua_State *L, const cab_error *e);
int lcab_usage_error(lua_State *L, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), noreturn, cold));
__attribute__((noreturn, cold)) int lcab_raise_memory(lua_State *L);

/* Where an argument stands: in which table, and whether a build was to be started with it. */
typedef struct {
    const char *prefix; /* "", "scm.", "retry." … */
    bool starts_build;
} lcab_where;
/* A usage error about prefix .. name. */
int lcab_bad(lua_State *L, const lcab_where *where, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5), noreturn, cold));

#pragma GCC visibility pop

#endif
