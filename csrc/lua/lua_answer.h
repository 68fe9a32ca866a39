/* From an answer to what the caller gets: the result, or the structured error. */
#ifndef LCAB_LUA_ANSWER_H
#define LCAB_LUA_ANSWER_H

#include <stdbool.h>

#include <lua.h>

#include "cab/call.h"
#include "lua/lua_args.h"

#pragma GCC visibility push(hidden)

typedef enum {
    LCAB_ANSWER_RUN,
    LCAB_ANSWER_JSON,
    LCAB_ANSWER_BYTES,
    LCAB_ANSWER_RAW
} lcab_answer_kind;

/* What the binding remembers of a call beside the C call itself. */
typedef struct {
    lcab_answer_kind answer;
    char job_id[LCAB_JOB_ID_LEN + 1]; /* "" when it is no RunJob */
    double started_at;                /* UTC */
} lcab_call_facts;

/* Reads the body of the attempt that ended. Pushes three values: the decoded body, the service's
 * error code and its message; nil where there is none. */
void lcab_read_body(lua_State *L, cab_call *c, const lcab_call_facts *facts, cab_body_facts *body);

/* With those three at `decoded`, and the call judged to have ended: pushes the result and answers
 * true, or the error and false: a structured one, or the text "not enough memory" when that is
 * what happened and nothing was sent. */
bool lcab_push_outcome(lua_State *L, cab_call *c, const lcab_call_facts *facts, int decoded);

#pragma GCC visibility pop

#endif
