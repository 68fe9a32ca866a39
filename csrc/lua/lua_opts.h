/* One reader for every table of named values. Raw access only: no metamethod runs in the middle. */
#ifndef LCAB_LUA_OPTS_H
#define LCAB_LUA_OPTS_H

#include <stddef.h>

#include <lua.h>

#include "cab/url.h"
#include "lua/lua_error.h"

#pragma GCC visibility push(hidden)

/* Seconds, a year: beyond, a limit is a mistake. */
#define LCAB_LONGEST_S 31536000.0

typedef enum {
    LCAB_TEXT,    /* cab_text: valid UTF-8 without control characters, not empty */
    LCAB_NUMBER,  /* double, min <= it <= max */
    LCAB_WHOLE,   /* the same, and integral */
    LCAB_BOOLEAN, /* bool */
    LCAB_OTHER    /* known; the caller reads it himself */
} lcab_opt_type;

typedef struct {
    const char *name; /* NULL ends the rows */
    lcab_opt_type type;
    size_t at; /* offset in the struct that is filled */
    double min, max;
} lcab_opt_row;

/* Puts a shallow copy in the place of the table at `index`. While Lua allocates, finalizers run,
 * and those may change the caller's; nobody knows of the copy. */
void lcab_own_table(lua_State *L, int index);

/* Fills `into`, which holds the defaults. Unknown names, wrong types and numbers out of range are
 * usage errors. The texts stay valid as long as the table is not changed. */
void lcab_read_options(lua_State *L, int index, const lcab_where *where, const lcab_opt_row *rows,
                       void *into);

/* Pushes a value for each name, in their order: nil for those that are not given; answers a bit for
 * each that is. NULL ends the names; others are usage errors. */
unsigned lcab_push_options(lua_State *L, int index, const lcab_where *where,
                           const char *const *names);

/* A key as fields show it: its text, or [1], [true], [table]. */
const char *lcab_key_text(lua_State *L, int index, char out[48]);

/* Raw lua_getfield; pushes the value and answers its type. */
int lcab_getfield(lua_State *L, int index, const char *name);

/* Pushes the list of these names, which end with NULL and are of static life: the same one each
 * time. A string of Lua's takes longer to make than to find. */
void lcab_push_names(lua_State *L, const char *const *names);

/* Raises when a text that goes into a header or a path has a byte that may not stand there.
 * `blank` allows spaces and tabs. */
void lcab_check_line(lua_State *L, const lcab_where *where, const char *name, cab_text text,
                     bool blank);

#pragma GCC visibility pop

#endif
