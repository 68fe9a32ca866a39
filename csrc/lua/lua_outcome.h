/* What the caller gets in the end: the result, or the structured error. */
#ifndef LCAB_LUA_OUTCOME_H
#define LCAB_LUA_OUTCOME_H

#include <stdbool.h>

#include <lua.h>

#include "cab/call.h"
#include "lua/lua_args.h"
#include "lua/lua_body.h"

#pragma GCC visibility push(hidden)

/* What the binding remembers of a call beside the C call itself. */
typedef struct {
    lcab_answer_kind answer;
    char job_id[LCAB_JOB_ID_LEN + 1]; /* "" when it starts no build */
    double started_at;                /* UTC */
} lcab_context;

/* With what lcab_read_body pushed at `decoded`, and the call judged to have ended: pushes the
 * result and answers true, or the error and false: a structured one, or the text "not enough
 * memory" when that is what happened and nothing was sent. */
bool lcab_push_outcome(lua_State *L, cab_call *c, const lcab_context *context, int decoded);

#pragma GCC visibility pop

#endif
