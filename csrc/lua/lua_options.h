/* The options of clients and calls: Lua's tables read into what the core takes. */
#ifndef LCAB_LUA_OPTIONS_H
#define LCAB_LUA_OPTIONS_H

#include <lua.h>

#include "cab/client.h"

#pragma GCC visibility push(hidden)

/* Reads the table at `options`, which must be the caller's own (lcab_own_table). Raises usage and
 * config errors; what `o` holds by then is its owner's to free. Texts in `e` stay valid
 * while the table and what this leaves on the stack do. */
void lcab_read_client_options(lua_State *L, int options, cab_client_options *o,
                              cab_engine_options *e);

/* Reads `tls` of the request at `index`: a trust of its own. nil is fine. */
void lcab_read_call_trust(lua_State *L, int index, cab_call *c);
/* Has the call trust whom its client trusts, but show nobody the client's certificate. What it
 * shows of its own stays. The client must be there. */
void lcab_withhold_certificate(lua_State *L, cab_call *c);

/* Reads the options of one call (contract 2): timeout, deadline, retry, headers, auth, run_id. The
 * functions on_event and, of a request, stream stay in their tables. nil is fine. */
void lcab_read_call_options(lua_State *L, int index, cab_call *c);

/* Has the call go out as somebody else; takes the reference over. */
void lcab_replace_identity(cab_call *c, cab_identity *i);

#pragma GCC visibility pop

#endif
