/* What of a call must not be shown, and texts without it. */
#ifndef LCAB_LUA_SECRETS_H
#define LCAB_LUA_SECRETS_H

#include <lua.h>

#include "cab/call.h"
#include "cab/client.h"
#include "cab/secret.h"

#pragma GCC visibility push(hidden)

/* Once for a Lua state. */
void lcab_secrets_open(lua_State *L);

#define LCAB_LOOKED_AT 131072   /* bytes of a text, at most */
#define LCAB_LOOKED_BEYOND 4096 /* what is shown: there goes on what was cut */

/* Everything that the call was sent with, or may be sent with next, and the client's. */
void lcab_collect_secrets(const cab_call *c, cab_secrets *s);

/* What the client signs with, and its last calls did, for texts that outlive the call they came
 * with. */
void lcab_collect_client_secrets(const cab_client *c, cab_secrets *s);

/* Keeps what the call knows beside its answer, which is on top of the stack, for whoever tells of
 * it later. No member of it: who prints the answer does not print that. */
void lcab_remember_secrets(lua_State *L, const cab_call *c);
/* Adds that, and the signature of any answer, of the value at `index`. Leaves on the stack what
 * keeps the texts: up to two values. */
void lcab_add_kept_secrets(lua_State *L, int index, cab_secrets *s);

/* Pushes at most `most` bytes of a text, masked. */
void lcab_push_short(lua_State *L, const char *text, size_t len, size_t most,
                     const cab_secrets *secrets);
/* Bytes of a text when it is cut to `most`, between two characters. */
size_t lcab_cut_length(const char *text, size_t len, size_t most);

#pragma GCC visibility pop

#endif
