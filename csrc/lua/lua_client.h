/* Clients for Lua: the userdata, what it keeps, and the checks that each method begins with. */
#ifndef LCAB_LUA_CLIENT_H
#define LCAB_LUA_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include <lauxlib.h>
#include <lua.h>

#include "cab/client.h"

#pragma GCC visibility push(hidden)

/* Where a client is within a step; lua_step.h says what holds in each. */
typedef enum { LCAB_IDLE, LCAB_MOVING, LCAB_CALLING_BACK } lcab_phase;

/* The client userdata. Its user value is a table of the things below, so that Lua's collector
 * sees every reference and nothing is kept in C. */
typedef struct {
    cab_client *c; /* NULL after close */
    lcab_phase phase;
    bool close_wanted;           /* by a finalizer while calls were being ended */
    bool stood_still;            /* the last step only delivered what another had left */
    int ready_first, ready_last; /* the queue in U_READY */
    cab_budget budget;           /* of the step that is under way, or of the last */
    cab_client_options options;  /* while it is being made */
} lcab_client;

enum {
    U_CALLS = 1,         /* slot -> call userdata, while it is open: so no outcome is lost */
    U_CALLBACKS,         /* call userdata -> function, or list of several */
    U_READY,             /* queue of call userdata whose callbacks are due */
    U_RESULT_META,       /* metatable for results, or nil */
    U_ON_EVENT,          /* function or nil */
    U_CALL_EVENTS,       /* slot -> function */
    U_STREAMS,           /* slot -> function or spool */
    U_ADMISSIONS,        /* slot -> function */
    U_RECONCILES,        /* slot -> function, of starts with credentials or headers of their own */
    U_ANSWER_NAMES,      /* shared: see lcab_push_answer_names */
    U_CALL_META,         /* shared: metatable of open calls */
    U_ENDED_META,        /* shared: metatable of ended calls */
    U_DELIVER,           /* shared: C function that ends calls and runs callbacks, in a step */
    U_DELIVER_CANCELLED, /* shared: the same in close */
    U_RUN_CALL,          /* the call of an ended run, for the next; or nil */
    U_RAISED,            /* the first error of a callback that nobody was told, or nil */
    U_CLIENT             /* the userdata itself: calls share this table and so keep their client */
};

/* Whether a step is under way: no other step and no wait. */
static inline bool lcab_client_is_busy(const lcab_client *u) { return u->phase != LCAB_IDLE; }

/* Registers the type and adds `new` to the table on top of the stack. */
void lcab_client_open(lua_State *L);
/* Adds methods to all clients. */
void lcab_client_add_methods(lua_State *L, const luaL_Reg *methods);
/* Has a variable with attribute `close` (Lua 5.4) end its client by that function. */
void lcab_client_close_by(lua_State *L, lua_CFunction close);
/* Pops a value that every client is to have in that slot of its user value. */
void lcab_client_share(lua_State *L, int slot);

/* The client at `index`, open or not; raises a usage error when it is none. */
lcab_client *lcab_check_any_client(lua_State *L, int index);
/* The open client at `index`; raises a usage error when it is none, closed or another process's. */
lcab_client *lcab_check_client(lua_State *L, int index);
/* The same, for what would have started a build: the error then says that none was. */
lcab_client *lcab_check_client_to(lua_State *L, int index, bool start);

/* Puts the call at `call` into the queue of those whose callbacks are due. `uv` is the index of
 * the client's user value. */
void lcab_client_ready(lua_State *L, lcab_client *u, int uv, int call);
/* Whether a step finds work at once: callbacks that are due, or what the last one left. */
static inline bool lcab_client_has_rest(const lcab_client *u) {
    return u->budget.over || u->ready_first <= u->ready_last;
}

/* Seconds from Lua to the engine's milliseconds; nil is -1: without limit. */
int64_t lcab_check_wait(lua_State *L, int index);

#pragma GCC visibility pop

#endif
