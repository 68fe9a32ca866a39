/* Credentials from Lua: tokens, key pairs, and identities that Lua fills in later. */
#ifndef LCAB_LUA_IDENTITY_H
#define LCAB_LUA_IDENTITY_H

#include <lua.h>

#include "cab/identity.h"
#include "lua/lua_error.h"

#pragma GCC visibility push(hidden)

/* Adds `identity` to the table on top of the stack. */
void lcab_identity_open(lua_State *L);

/* Reads an auth value: a token, { token = }, { ak =, sk =, security_token =, project_id =,
 * algorithm =, region =, service = } or an identity. Raises usage errors about `auth`. Answers a
 * reference that the caller owns from the moment of return: store it before the next Lua call. */
cab_identity *lcab_read_auth(lua_State *L, int index, const lcab_where *where);

/* Pushes the error that Lua gave for a sign-in that failed, or nil. */
void lcab_push_sign_in_error(lua_State *L, const cab_identity *i);

#pragma GCC visibility pop

#endif
