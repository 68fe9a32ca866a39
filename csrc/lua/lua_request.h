/* Tables that say how and what to send, read into a C call. */
#ifndef LCAB_LUA_REQUEST_H
#define LCAB_LUA_REQUEST_H

#include <stdbool.h>

#include <lua.h>

#include "cab/client.h"
#include "lua/lua_answer.h"
#include "lua/lua_error.h"

#pragma GCC visibility push(hidden)

/* Reads `retry` of the table at `index`: false, or { max_attempts =, base_delay =, max_delay = }.
 */
void lcab_read_retry(lua_State *L, int index, const lcab_where *where, cab_retry_policy *policy);

/* Reads `headers` of the table at `index`, name -> value, into lines. Refuses what is no header,
 * and those that the library sets itself. */
void lcab_read_headers(lua_State *L, int index, const lcab_where *where, cab_buf *lines,
                       cab_buf *secrets);

/* Reads the options of one call (contract 2): timeout, deadline, retry, headers, auth, run_id. The
 * functions on_event and, of a request, stream stay in their tables. nil is fine. */
void lcab_read_call_options(lua_State *L, int index, cab_call *c, lcab_call_facts *facts);

/* Reads client:request's specification. */
void lcab_read_request(lua_State *L, int index, cab_call *c, lcab_call_facts *facts);

#pragma GCC visibility pop

#endif
