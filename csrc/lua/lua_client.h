/* Clients for Lua: options in, calls out, and the step that delivers what is ready. */
#ifndef LCAB_LUA_CLIENT_H
#define LCAB_LUA_CLIENT_H

#include <stdbool.h>

#include <lua.h>

#include "cab/client.h"

#pragma GCC visibility push(hidden)

#define LCAB_NOT_IN_CALLBACK "a callback must not step or wait: it already runs inside a step"

/* The client userdata. Its user value is a table of the things below, so that Lua's collector
 * sees every reference and nothing is kept in C. */
typedef struct {
    cab_client *c;     /* NULL after close */
    bool delivering;   /* callbacks are running: no step, no wait */
    bool moving;       /* calls are being ended: only a finalizer can run, `c` must stay */
    bool close_wanted; /* after this step */
    int ready_first, ready_last; /* the queue in U_READY */
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
    U_CALL_META,         /* metatables of calls: of open ones */
    U_ENDED_META,        /* of ended ones */
    U_DELIVER,           /* C functions that end calls and run callbacks: in a step */
    U_DELIVER_CANCELLED, /* in close */
    U_TAKEN_BACK,        /* an ended call that was lent, for the next; or nil */
    U_RAISED,            /* the first error of a callback that nobody was told, or nil */
    U_CLIENT             /* the userdata itself: calls share this table and so keep their client */
};

/* Whether a step is under way: no other step and no wait. */
static inline bool lcab_client_is_busy(const lcab_client *u) { return u->delivering || u->moving; }

/* Adds `new` to the table on top of the stack. */
void lcab_client_open(lua_State *L);

/* The open client at `index`; raises a usage error when it is none, closed or another process's. */
lcab_client *lcab_check_client(lua_State *L, int index);
/* The same, for what would have started a build: the error then says that none was. */
lcab_client *lcab_check_client_to(lua_State *L, int index, bool start);

/* One step of an open client: moves, judges, delivers. `client` is the userdata's stack index,
 * `call` that of a call to be sent first if it was not yet, or 0. What callbacks raise is kept for
 * lcab_client_take_raised. Answers what lua_pcall would: when it is not 0, stack or memory ran out,
 * which the text on top tells. */
int lcab_client_step(lua_State *L, lcab_client *u, int client, int64_t wait_ms, int call);
/* Pushes the first error of a callback since the last time, if there is one. */
bool lcab_client_take_raised(lua_State *L, int client);

/* Puts the call at `call` into the queue of those whose callbacks are due. `uv` is the index of
 * the client's user value. */
void lcab_client_ready(lua_State *L, lcab_client *u, int uv, int call);

/* Seconds from Lua to the engine's milliseconds; nil is -1: without limit. */
int64_t lcab_check_wait(lua_State *L, int index);

#pragma GCC visibility pop

#endif
