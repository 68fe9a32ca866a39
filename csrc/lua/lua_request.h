/* client:request's specification, read into a C call. */
#ifndef LCAB_LUA_REQUEST_H
#define LCAB_LUA_REQUEST_H

#include <stdbool.h>

#include <lua.h>

#include "cab/call.h"
#include "lua/lua_outcome.h"

#pragma GCC visibility push(hidden)

/* Reads the table at `index`: operation, method, path or url, query, headers, body, auth, answer,
 * read_only, secrets, stream. Answers whether the query has what is hidden as a secret. Raises
 * usage errors. */
bool lcab_read_request(lua_State *L, int index, cab_call *c, lcab_context *context);
/* Raises a usage error where its credentials, of whatever table, would go over plain http; headers
 * and a query that were `weighed` may. */
void lcab_check_way(lua_State *L, const cab_call *c, bool query_tells, bool weighed);

#pragma GCC visibility pop

#endif
