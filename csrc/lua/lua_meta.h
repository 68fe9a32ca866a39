/* How an answer came to be: kept beside results and errors, which show data only. */
#ifndef LCAB_LUA_META_H
#define LCAB_LUA_META_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "cab/call.h"

#pragma GCC visibility push(hidden)

/* Adds `meta` to the table on top of the stack. */
void lcab_meta_open(lua_State *L);

/* For the result or error on top of the stack. `request_id`: "" when there is none. `date`: what
 * the answer's Date says, in seconds since 1970; -1 when that is not known. `age`: seconds that a
 * cache has kept the answer; 0 when none has, as far as is known. */
void lcab_remember_meta(lua_State *L, cab_call *c, const char *job_id, double started_at,
                        const char *request_id, int64_t date, int age);

/* Pushes the signature that the value at `index`, an answer, was asked for with, if there is one.
 */
bool lcab_push_signature(lua_State *L, int index);

/* Pops what meta is to tell as `members` of the value below it. */
void lcab_remember_members(lua_State *L);

#pragma GCC visibility pop

#endif
