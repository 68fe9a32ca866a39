/* Call objects for Lua: made, sent, concluded, told. */
#ifndef LCAB_LUA_CALL_H
#define LCAB_LUA_CALL_H

#include <stdbool.h>

#include <lauxlib.h>
#include <lua.h>

#include "cab/call.h"
#include "lua/lua_client.h"
#include "lua/lua_outcome.h"

#pragma GCC visibility push(hidden)

typedef enum { LCAB_CALL_OPEN, LCAB_CALL_RESULT, LCAB_CALL_ERROR } lcab_call_end;

/* What the call userdata holds of Lua; see lcab_newpair. */
enum { LCAB_CALL_CLIENT = 1 /* its client's user value */, LCAB_CALL_OUTCOME };

typedef struct {
    cab_call *call; /* NULL once it has ended */
    lcab_call_end end;
    bool has_callbacks;
    bool reconciles; /* by a function of its own, in U_RECONCILES */
    bool of_run;     /* nobody but `run` sees it, which uses it again: */
    bool kept;       /* the client has it for that */
    bool idle;       /* no run uses it now */
    lcab_context context;
} lcab_call;

/* Registers the type and adds `start`, `request` and `sleep` to the methods of clients. */
void lcab_call_open(lua_State *L);
/* Adds methods to all calls. */
void lcab_call_add_methods(lua_State *L, const luaL_Reg *methods);

/* The call at `index`; raises a usage error when it is none. */
lcab_call *lcab_check_call(lua_State *L, int index);
/* Pushes the user value of the client of the call at 1. Answers the client, or NULL when it is
 * closed or another process's. */
lcab_client *lcab_client_of_call(lua_State *L);

/* Pushes a call that would start a build, ready but not sent. The client stands at 1, the
 * arguments at 2, the options at 3, the operation's name or nil at `operation`, and above it what
 * its errors get as `reconcile`, in place of what the client's have, or nil. Unless it is `of_run`,
 * above that are those of a key, or nil: who is told that an attempt waits for call:admit, and the
 * run id. */
lcab_call *lcab_call_prepare_start(lua_State *L, lcab_client *u, int operation, bool of_run);
/* Sends the call at `call` on its way; `client` is its client. Only memory can lack, and nothing
 * is sent then. */
void lcab_call_send(lua_State *L, lcab_client *u, int client, int call);
/* Keeps the call at `call`, of a run that has ended, for the next. Until then it is none. */
void lcab_call_reuse(lua_State *L, int call);

/* Judges the call at `call`, which was answered; when it has ended, keeps its outcome and queues
 * its callbacks. `uv` is the index of the client's user value. */
void lcab_call_conclude(lua_State *L, lcab_client *u, int uv, int call);
/* Adds to the error on top of the stack what is known of the open call at `call`, which may go on:
 * in the parent of a forked child, whatever the child saw of it. */
void lcab_call_describe(lua_State *L, int call);
/* Pushes what callbacks get: result and nil, or nil and error. */
void lcab_push_callback_arguments(lua_State *L, int call);

#pragma GCC visibility pop

#endif
