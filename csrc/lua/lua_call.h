/* Call objects for Lua. */
#ifndef LCAB_LUA_CALL_H
#define LCAB_LUA_CALL_H

#include <stdbool.h>

#include <lua.h>

#include "cab/call.h"
#include "lua/lua_answer.h"
#include "lua/lua_client.h"

#pragma GCC visibility push(hidden)

typedef enum { LCAB_CALL_OPEN, LCAB_CALL_RESULT, LCAB_CALL_ERROR } lcab_call_end;

/* What the call userdata holds of Lua; see lcab_newpair. */
enum { LCAB_CALL_CLIENT = 1 /* its client's user value */, LCAB_CALL_OUTCOME };

typedef struct {
    cab_call *call; /* NULL once it has ended */
    lcab_call_end end;
    bool has_callbacks;
    bool lent; /* to somebody who waits and gives it back */
    lcab_call_facts facts;
} lcab_call;

/* Registers the type and adds `start`, `request`, `sleep`, `run` and `try_run` to the table on top
 * of the stack, the methods of clients. */
void lcab_call_open(lua_State *L);
/* Pushes the metatables of calls: of open ones, of ended ones. */
void lcab_push_call_metas(lua_State *L);
lcab_call *lcab_check_call(lua_State *L, int index);

/* Judges the call at `call`, which was answered; when it has ended, keeps its outcome and queues
 * its callbacks. `uv` is the index of the client's user value. */
void lcab_call_conclude(lua_State *L, lcab_client *u, int uv, int call);

/* Pushes what callbacks get: result and nil, or nil and error. */
void lcab_push_callback_arguments(lua_State *L, int call);

/* Sends the call at `call` on its way when that was left to who waits for it. `uv` is the index of
 * the client's user value. Only memory can lack, and nothing is sent then. */
void lcab_call_send(lua_State *L, lcab_client *u, int uv, int call);

/* client:advance(timeout, call): a step of the client at 1, for who waits for the call at 3. */
int lcab_call_advance(lua_State *L);

#pragma GCC visibility pop

#endif
