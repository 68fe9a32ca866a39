/* The body of an answer: decoded, and what it says of a failure. */
#ifndef LCAB_LUA_BODY_H
#define LCAB_LUA_BODY_H

#include <lua.h>

#include "cab/call.h"

#pragma GCC visibility push(hidden)

/* What the caller takes for an answer. */
typedef enum {
    LCAB_ANSWER_RUN,   /* what starting a build answers (API reference 1.3) */
    LCAB_ANSWER_JSON,  /* the decoded body */
    LCAB_ANSWER_CUT,   /* the same; what is broken in its characters, as by a cut, stays so */
    LCAB_ANSWER_TEXT,  /* the body as it came, judged as if it were decoded */
    LCAB_ANSWER_BYTES, /* the body as it came */
    LCAB_ANSWER_RAW    /* status, headers and body, whatever the status */
} lcab_answer_kind;

#define LCAB_LONGEST_RAW_MESSAGE 1024

/* Adds `error_texts` to the table on top of the stack. */
void lcab_body_open(lua_State *L);

/* Whether a 2xx that was to be bytes is an error of the service in their place (API reference 6.5),
 * of which nothing was handed over. */
bool lcab_is_error_for_bytes(lua_State *L, const cab_call *c, const cab_answer *a);
/* Pushes what lcab_read_body needs, the same each time. */
void lcab_push_answer_names(lua_State *L);
/* Reads the body of the attempt that ended; `names`: where that is. Pushes three values: the
 * decoded body, the service's error code and its message; nil where there is none. */
void lcab_read_body(lua_State *L, int names, cab_call *c, lcab_answer_kind kind, cab_reading *body);

#pragma GCC visibility pop

#endif
