/* RunJob: the caller's table to wire bytes (API reference 1.2), and the answer's members back. */
#ifndef LCAB_LUA_ARGS_H
#define LCAB_LUA_ARGS_H

#include <stdbool.h>

#include <lua.h>

#include "cab/buf.h"
#include "cab/url.h"

#pragma GCC visibility push(hidden)

#define LCAB_JOB_ID_LEN 32

/* Checks the arguments at `index` and appends the request's body; `job_id` gets the id.
 * `run_id_name`, when not empty, is one more parameter, with `run_id` as its value. Raises usage
 * errors with the exact field; nothing of the caller's is changed. */
void lcab_write_run_job(lua_State *L, int index, cab_text run_id_name, const char *run_id,
                        cab_buf *body, char job_id[LCAB_JOB_ID_LEN + 1]);

/* Turns the decoded answer on top of the stack, which came as `text`, into the result: unwraps
 * `result`, makes the three members strings, and takes out those that are called as the methods of
 * results are. Answers how many values it left: 1, the result; 2, with a table of those above it;
 * 0, with the stack as it was, when none of the three is there. */
int lcab_read_run_job_answer(lua_State *L, cab_text text);

#pragma GCC visibility pop

#endif
