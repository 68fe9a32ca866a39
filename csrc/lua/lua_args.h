/* RunJob: the caller's table to wire bytes (API reference 1.2). */
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

#pragma GCC visibility pop

#endif
