#include "lua/lua_wait.h"

#include "cab/clock.h"
#include "lua/compat.h"
#include "lua/lua_call.h"
#include "lua/lua_error.h"
#include "lua/lua_step.h"

/* ---- what the caller is told ---------------------------------------------------------------- */

static void push_still_waiting(lua_State *L, int call) {
    lcab_push_new_error(L);
    lua_pushstring(L, cab_kind_name(CAB_KIND_TIMEOUT));
    lua_setfield(L, -2, "kind");
    lua_pushstring(L, cab_reason_name(CAB_REASON_WAIT));
    lua_setfield(L, -2, "reason");
    lua_pushliteral(L, "the call has not ended yet; it goes on");
    lua_setfield(L, -2, "message");
    lcab_call_describe(L, call);
}

/* For the call at `call`: pushes result, or nil and error; answers how many. */
static int push_returns(lua_State *L, int call, const lcab_call *k) {
    if (k->end == LCAB_CALL_RESULT) {
        lcab_getpair(L, call, LCAB_CALL_OUTCOME);
        return 1;
    }
    lua_pushnil(L);
    if (k->end == LCAB_CALL_OPEN) {
        push_still_waiting(L, call);
        return 2;
    }
    lcab_getpair(L, call, LCAB_CALL_OUTCOME);
    if (!lcab_is_error(L, -1)) {
        lua_error(L); /* not enough memory */
    }
    return 2;
}

/* Pushes what who waits for the call at `call` is told when a step failed: no bare text, which
 * could not say that a build may have been started. Out of memory is raised. */
static void push_failed_step(lua_State *L, int call, int rc) {
    if (rc == LUA_ERRMEM) {
        lua_error(L);
    }
    cab_error err;
    if (lcab_is_error(L, -1)) { /* of a source of credentials */
        lua_getfield(L, -1, "message");
    }
    const char *problem = lua_tostring(L, -1);
    cab_fail(&err, CAB_KIND_TRANSPORT, CAB_REASON_INTERNAL, NULL,
             "the answer could not be waited for: %s", problem != NULL ? problem : "?");
    lcab_push_error(L, &err);
    lcab_call_describe(L, call);
}

/* Pushes what who waits for the call of another process is told. */
static void push_left_behind(lua_State *L, int call) {
    cab_error err;
    cab_fail(&err, CAB_KIND_USAGE, CAB_REASON_NONE, "self",
             "self: the client of this call belongs to another process");
    lcab_push_error(L, &err);
    lcab_call_describe(L, call);
}

/* Raises what a callback raised; never as a structured error, which would look like the call's. */
static int raise_callback_error(lua_State *L) {
    if (lcab_is_error(L, -1)) {
        lcab_rawglobal(L, "tostring");
        lua_insert(L, -2);
        lua_call(L, 1, 1);
        lua_pushliteral(L, "a callback raised: ");
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

/* Returns what a protected call has raised. */
static int return_error(lua_State *L) {
    if (!lcab_is_error(L, -1)) {
        return lua_error(L); /* out of memory */
    }
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

/* ---- waiting -------------------------------------------------------------------------------- */

static int no_op(lua_State *L) {
    (void)L;
    return 0;
}

/* Runs the function at `between`, protected, if there is one. Where there is none but a debug hook,
 * as the one that Ctrl-C sets in the standalone interpreter, gives it an occasion: the rest of a
 * wait runs no Lua. Answers what lua_pcall does. */
static int run_between(lua_State *L, int between) {
    if (between == 0 && lua_gethookmask(L) == 0) {
        return 0;
    }
    if (between != 0) {
        lua_pushvalue(L, between);
    } else {
        lua_pushcfunction(L, no_op);
    }
    return lua_pcall(L, 0, 0, 0);
}

/* What a wait is for. Stack indices; 0: there is none. */
typedef struct {
    int call;
    int client;
    int between;  /* function to be called after each step */
    bool reports; /* raises what callbacks raise meanwhile; else that is left to the next who can */
    bool admits;  /* waits no longer than until an attempt waits for admission */
} waiting;

/* Steps until what is waited for is there or the time is over, and then once more: what came by
 * then counts, however late a program looks that was stopped meanwhile. */
static void wait_for(lua_State *L, const lcab_call *k, const waiting *w, int64_t wait_ms) {
    int64_t until = wait_ms < 0 ? INT64_MAX : cab_clock_ms() + wait_ms;
    lcab_client *u = lua_touserdata(L, w->client);
    int top = lua_gettop(L);
    bool over = false;
    while (k->end == LCAB_CALL_OPEN && !over) {
        if (u->c == NULL || cab_client_forked(u->c)) { /* a callback may come back in a child */
            push_left_behind(L, w->call);
            lua_error(L);
        }
        if (w->admits && k->call->state == CAB_CALL_ADMITTING) {
            break;
        }
        int64_t left = until == INT64_MAX ? -1 : until - cab_clock_ms();
        if (until != INT64_MAX && left <= 0) {
            over = true;
            left = 0;
        }
        if (!over && w->between == 0 && k->call->state == CAB_CALL_PARKED &&
            k->call->deadline_ms == INT64_MAX && cab_client_is_stuck(u->c)) {
            cab_client_fail_parked(k->call->identity); /* nobody sets it while this waits */
        }
        int rc = lcab_step(L, u, w->client, left, false);
        if (rc == 0) {
            rc = run_between(L, w->between);
        }
        if (rc != 0 && k->end == LCAB_CALL_OPEN) {
            push_failed_step(L, w->call, rc);
            lua_error(L);
        }
        if (w->reports && lcab_take_raised(L, w->client)) {
            (void)raise_callback_error(L);
        }
        lua_settop(L, top);
    }
}

/* Waits for the call at 1, for as long as 2 says. */
static const lcab_call *wait_for_call(lua_State *L, bool reports) {
    const lcab_call *k = lcab_check_call(L, 1);
    int64_t wait_ms = lcab_check_wait(L, 2);
    lua_settop(L, 1);
    (void)lcab_client_of_call(L);
    lcab_rawgeti(L, -1, U_CLIENT);
    waiting w = {1, 3, 0, reports, false};
    wait_for(L, k, &w, wait_ms);
    return k;
}

/* call:wait([timeout]) -> result; raises. Blocks in C. */
static int call_wait(lua_State *L) {
    const lcab_call *k = wait_for_call(L, true);
    return push_returns(L, 1, k) == 1 ? 1 : lua_error(L);
}

static int wait_quietly(lua_State *L) {
    (void)wait_for_call(L, false);
    return 0;
}

/* call:try_wait([timeout]) -> result | nil, err. Without a time it never blocks. */
static int call_try_wait(lua_State *L) {
    const lcab_call *k = lcab_check_call(L, 1);
    if (!lua_isnoneornil(L, 2)) {
        lua_settop(L, 2);
        lua_pushcfunction(L, wait_quietly);
        lua_pushvalue(L, 1);
        lua_pushvalue(L, 2);
        if (lua_pcall(L, 2, 0, 0) != 0) {
            return return_error(L);
        }
    }
    return push_returns(L, 1, k);
}

/* call:settle([between]): waits until the call has ended, or an attempt of it waits for admission.
 * Raises why it cannot wait, else nothing. `between`: see client:run. */
static int call_settle(lua_State *L) {
    const lcab_call *k = lcab_check_call(L, 1);
    lua_settop(L, 2);
    (void)lcab_client_of_call(L);
    lcab_rawgeti(L, -1, U_CLIENT);
    waiting w = {1, 4, lua_isfunction(L, 2) ? 2 : 0, false, true};
    wait_for(L, k, &w, -1);
    return 0;
}

/* ---- running -------------------------------------------------------------------------------- */

/* client:run(args [, opts [, between [, operation [, reconcile]]]]) -> result; raises. Blocks in C.
 * For the library's own Lua side: `between`, a function that is called after each step, to do what
 * sources of credentials have to do, and `reconcile`, see lcab_call_prepare_start. */
static int client_run(lua_State *L) {
    static const lcab_where where = {"", true};
    lcab_client *u = lcab_check_client_to(L, 1, true);
    lua_settop(L, 6);
    if (lcab_client_is_busy(u)) { /* said before anything is sent */
        lcab_bad(L, &where, "run", LCAB_NOT_IN_CALLBACK);
    }
    lcab_call *k = lcab_call_prepare_start(L, u, 5, true);
    if (!lua_checkstack(L, LCAB_STEP_STACK)) { /* before anything is sent */
        lcab_raise_memory(L);
    }
    waiting w = {7, 1, lua_isfunction(L, 4) ? 4 : 0, false, false};
    lcab_call_send(L, u, 1, w.call);
    wait_for(L, k, &w, -1);
    bool ok = push_returns(L, w.call, k) == 1;
    lcab_call_reuse(L, w.call);
    return ok ? 1 : lua_error(L);
}

/* client:try_run(args [, opts [, between [, operation [, reconcile]]]]) -> result | nil, err */
static int client_try_run(lua_State *L) {
    lua_settop(L, 6);
    lua_pushcfunction(L, client_run);
    lua_insert(L, 1);
    if (lua_pcall(L, 6, 1, 0) == 0) {
        return 1;
    }
    return return_error(L);
}

void lcab_wait_open(lua_State *L) {
    static const luaL_Reg of_calls[] = {
        {"wait", call_wait}, {"try_wait", call_try_wait}, {"settle", call_settle}, {NULL, NULL}};
    static const luaL_Reg of_clients[] = {
        {"run", client_run}, {"try_run", client_try_run}, {NULL, NULL}};
    lcab_call_add_methods(L, of_calls);
    lcab_client_add_methods(L, of_clients);
}
