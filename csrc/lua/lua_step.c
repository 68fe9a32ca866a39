#include "lua/lua_step.h"

#include <string.h>

#include "lua/compat.h"
#include "lua/lua_call.h"
#include "lua/lua_error.h"
#include "lua/lua_file.h"

/* ---- calling back --------------------------------------------------------------------------- */

/* Whether a callback came back in a forked child, where all that is left to do is the parent's. */
static bool is_left_behind(const lcab_client *u) { return u->c != NULL && cab_client_forked(u->c); }

/* Whether a callback left nothing to do: it may also have closed the client. */
static bool is_gone(const lcab_client *u) { return u->c == NULL || is_left_behind(u); }

static int add_traceback(lua_State *L) {
    if (lua_isnil(L, 1)) {
        lua_pushliteral(L, "a callback raised nil");
        lua_replace(L, 1);
    } else if (lua_type(L, 1) != LUA_TSTRING) {
        return 1;
    }
    lcab_rawglobal(L, "debug");
    if (lua_istable(L, -1)) {
        lua_getfield(L, -1, "traceback");
        lua_pushvalue(L, 1);
        lua_pushinteger(L, 2);
        lua_call(L, 2, 1);
        return 1;
    }
    lua_pushvalue(L, 1);
    return 1;
}

/* Calls the function below its n arguments. The first error of all is kept at `first`. Answers
 * whether it returned false. */
static bool call_back(lua_State *L, lcab_client *u, int n, int first) {
    int function = lua_gettop(L) - n;
    lcab_phase phase = u->phase;
    lua_pushcfunction(L, add_traceback);
    lua_insert(L, function);
    u->phase = LCAB_CALLING_BACK;
    int rc = lua_pcall(L, n, 1, function);
    u->phase = phase;
    if (rc != 0 && lua_isnil(L, first)) {
        lua_pushvalue(L, -1);
        lua_replace(L, first);
    }
    bool refused = rc == 0 && lua_isboolean(L, -1) && !lua_toboolean(L, -1);
    lua_settop(L, function - 1);
    return refused;
}

static void push_event(lua_State *L, const cab_event *e) {
    static const char *const types[] = {"request", "response", "retry"};
    lua_createtable(L, 0, 6);
    lua_pushstring(L, types[e->type]);
    lua_setfield(L, -2, "type");
    lua_pushstring(L, e->operation);
    lua_setfield(L, -2, "operation");
    lua_pushinteger(L, e->attempt);
    lua_setfield(L, -2, "attempt");
    if (e->status != 0) {
        lua_pushinteger(L, e->status);
        lua_setfield(L, -2, "status");
    }
    if (e->kind != CAB_KIND_NONE) {
        lua_pushstring(L, cab_kind_name(e->kind));
        lua_setfield(L, -2, "kind");
    }
    if (e->reason != CAB_REASON_NONE) {
        lua_pushstring(L, cab_reason_name(e->reason));
        lua_setfield(L, -2, "reason");
    }
    if (e->type == CAB_EVENT_RESPONSE) {
        lua_pushnumber(L, e->elapsed);
        lua_setfield(L, -2, "elapsed");
    } else if (e->type == CAB_EVENT_RETRY) {
        lua_pushnumber(L, e->delay);
        lua_setfield(L, -2, "delay");
    }
}

static void deliver_events(lua_State *L, lcab_client *u, int uv, int first) {
    size_t told = 0;
    for (size_t i = 0; u->c != NULL && !is_left_behind(u) && i < u->c->event_count; i++) {
        cab_event e = u->c->events[i];
        lcab_rawgeti(L, uv, U_CALL_EVENTS);
        lcab_rawgeti(L, -1, e.slot);
        lua_remove(L, -2);
        lcab_rawgeti(L, uv, U_ON_EVENT);
        for (int n = 0; n < 2; n++) {
            if (lua_isfunction(L, -1)) {
                push_event(L, &e);
                call_back(L, u, 1, first);
            } else {
                lua_pop(L, 1);
            }
        }
        told = i + 1;
        if (u->c != NULL && told < u->c->event_count && cab_budget_is_over(&u->budget)) {
            break;
        }
    }
    if (u->c != NULL && told > 0) {
        u->c->event_count -= told;
        memmove(u->c->events, u->c->events + told, u->c->event_count * sizeof *u->c->events);
    }
}

/* Hands over what came of a streamed body. From then on the request is not repeated: its receiver
 * would see the beginning twice. One that returned false is called in each step until it does not,
 * and nothing more is read meanwhile. */
static void stream_body(lua_State *L, lcab_client *u, int uv, cab_call *call, int first) {
    cab_buf *body = &cab_call_answer(call)->body;
    if (body->len == 0 && !call->held) {
        return;
    }
    lcab_rawgeti(L, uv, U_STREAMS);
    lcab_rawgeti(L, -1, call->slot);
    lua_remove(L, -2);
    call->retry.max_attempts = 1;
    if (lcab_is_spool(L, -1)) {
        bool written = lcab_spool_put(L, -1, body->data, body->len);
        cab_buf_clear(body);
        lua_pop(L, 1);
        if (!written) {
            cab_client_cancel(u->c, call);
        }
        return;
    }
    lua_pushlstring(L, body->data, body->len);
    cab_buf_clear(body);
    int before = lua_isnil(L, first);
    call->held = false;
    bool refused = call_back(L, u, 1, first);
    if (before && !lua_isnil(L, first) && u->c != NULL) {
        cab_client_cancel(u->c, call); /* nobody takes the rest */
    }
    /* For who waits and who closes there is no next step. */
    if (refused && u->c != NULL && cab_budget_is_limited(&u->budget)) {
        cab_client_hold(u->c, call);
        u->budget.over = true;
    }
}

static void deliver_streams(lua_State *L, lcab_client *u, int uv, int first) {
    cab_call *call;
    while (!is_gone(u) && (call = cab_client_next_streaming(u->c)) != NULL) {
        stream_body(L, u, uv, call, first);
        if (u->budget.over || cab_budget_is_over(&u->budget)) {
            break;
        }
    }
}

/* Tells that attempts wait for admission. */
static void deliver_admissions(lua_State *L, lcab_client *u, int uv, int first) {
    cab_call *call;
    while (!is_gone(u) && (call = cab_client_next_admission(u->c)) != NULL) {
        lcab_rawgeti(L, uv, U_ADMISSIONS);
        lcab_rawgeti(L, -1, call->slot);
        call_back(L, u, 0, first);
        lua_pop(L, 1);
        if (u->c != NULL && u->c->states.unannounced > 0 && cab_budget_is_over(&u->budget)) {
            return;
        }
    }
}

/* Runs what is on top of the stack: the callback of the call at `call`, or a list of them. */
static void tell_callbacks(lua_State *L, lcab_client *u, int call, int first) {
    if (lua_isfunction(L, -1)) {
        lcab_push_callback_arguments(L, call);
        call_back(L, u, 2, first);
        return;
    }
    int list = lua_gettop(L), count = lua_istable(L, list) ? (int)lcab_rawlen(L, list) : 0;
    for (int i = 1; i <= count && !is_left_behind(u); i++) {
        lcab_rawgeti(L, list, i);
        lcab_push_callback_arguments(L, call);
        call_back(L, u, 2, first);
    }
}

/* Runs what is due now; what the callbacks themselves make due comes in the next step, so that a
 * callback that always starts another call cannot hold the step. A closed client has no next. */
static void deliver_ready(lua_State *L, lcab_client *u, int uv, int first) {
    int last = u->ready_last;
    while (u->ready_first <= (u->c != NULL ? last : u->ready_last)) {
        int n = u->ready_first++;
        lcab_rawgeti(L, uv, U_READY);
        lcab_rawgeti(L, -1, n);
        lua_pushnil(L);
        lcab_rawseti(L, -3, n);
        lua_remove(L, -2);
        int call = lua_gettop(L);
        lcab_rawgeti(L, uv, U_CALLBACKS);
        lua_pushvalue(L, call);
        lua_rawget(L, -2);
        lua_pushvalue(L, call);
        lua_pushnil(L);
        lua_rawset(L, -4);
        tell_callbacks(L, u, call, first);
        lua_settop(L, call - 1);
        if (is_left_behind(u) ||
            (u->c != NULL && u->ready_first <= last && cab_budget_is_over(&u->budget))) {
            break;
        }
    }
    if (u->ready_first > u->ready_last) {
        u->ready_first = 1;
        u->ready_last = 0;
    }
}

/* Whether the answer's body is a stream's; who has cancelled it takes no more of it. */
static bool has_streamed(cab_call *call) {
    const cab_answer *a = cab_call_answer(call);
    return call->stream && a != NULL && a->status >= 200 && a->status < 300 &&
           a->error.kind != CAB_KIND_CANCELLED;
}

/* What is answered gets its outcome; callbacks run afterwards. */
static void conclude(lua_State *L, lcab_client *u, int uv, int first) {
    cab_call *call;
    while ((call = cab_client_next_answered(u->c)) != NULL) {
        if (has_streamed(call) && !lcab_is_error_for_bytes(L, call, cab_call_answer(call))) {
            stream_body(L, u, uv, call, first);
            if (is_gone(u) || call->held) {
                return;
            }
        }
        lcab_rawgeti(L, uv, U_CALLS);
        lcab_rawgeti(L, -1, call->slot);
        if (call->owned) {
            lcab_call_conclude(L, u, uv, lua_gettop(L));
        } else { /* collected together with the client, which a finalizer still uses */
            cab_client_finish(u->c, call);
        }
        lua_pop(L, 2);
        if (cab_client_next_answered(u->c) != NULL && cab_budget_is_over(&u->budget)) {
            return;
        }
    }
}

/* As far as the budget goes. Who is told of events hears of them before the call's end. */
static void deliver_open(lua_State *L, lcab_client *u, int uv, int first) {
    deliver_events(L, u, uv, first);
    if (is_gone(u) || u->c->event_count > 0) {
        return;
    }
    deliver_streams(L, u, uv, first);
    if (!is_gone(u)) {
        conclude(L, u, uv, first);
    }
    deliver_events(L, u, uv, first);
    deliver_admissions(L, u, uv, first);
}

static void deliver(lua_State *L, int client) {
    lcab_client *u = lua_touserdata(L, client);
    int top = lua_gettop(L);
    lua_getuservalue(L, client);
    int uv = top + 1, first = top + 2;
    lcab_rawgeti(L, uv, U_RAISED);
    if (u->c != NULL) {
        deliver_open(L, u, uv, first);
    }
    if (!is_left_behind(u) && (u->c == NULL || u->c->event_count == 0)) {
        deliver_ready(L, u, uv, first);
    }
    if (!lua_isnil(L, first)) {
        lua_pushvalue(L, first);
        lcab_rawseti(L, uv, U_RAISED);
    }
    lua_settop(L, top);
}

static int deliver_all(lua_State *L) {
    luaL_checkstack(L, 32, "step");
    deliver(L, 1);
    return 0;
}

static int deliver_cancelled(lua_State *L) {
    luaL_checkstack(L, 32, "close");
    lua_getuservalue(L, 1);
    lcab_rawgeti(L, 2, U_RAISED);
    conclude(L, lua_touserdata(L, 1), 2, 3);
    lua_settop(L, 3);
    lcab_rawseti(L, 2, U_RAISED);
    return 0;
}

/* ---- moving --------------------------------------------------------------------------------- */

/* Runs function `which` of the client's user value, protected: only memory can lack there. */
static int run_protected(lua_State *L, lcab_client *u, int client, int which) {
    lua_getuservalue(L, client);
    lcab_rawgeti(L, -1, which);
    lua_remove(L, -2);
    lua_pushvalue(L, client);
    lcab_phase phase = u->phase;
    u->phase = LCAB_MOVING;
    int rc = lua_pcall(L, 1, 0, 0);
    u->phase = phase;
    return rc;
}

/* Ends open calls as cancelled and tells them so; in a callback, the step around it does that. */
static void close_now(lua_State *L, lcab_client *u, int client) {
    luaL_checkstack(L, 4, "close");
    cab_budget_begin(&u->budget, false);
    if (is_left_behind(u)) { /* what has ended is told by the parent */
        u->ready_first = 1;
        u->ready_last = 0;
    } else {
        cab_client_cancel_all(u->c);
        if (run_protected(L, u, client, U_DELIVER_CANCELLED) != 0) {
            lua_error(L);
        }
    }
    cab_client_free(u->c);
    u->c = NULL;
    if (!lcab_client_is_busy(u)) {
        deliver(L, client);
    }
}

/* Answers what run_protected does. */
static int move_and_deliver(lua_State *L, lcab_client *u, int client, int64_t wait_ms,
                            bool limited) {
    bool rest = u->budget.over, ends = false;
    cab_budget_begin(&u->budget, limited);
    if (rest) {
        int rc = run_protected(L, u, client, U_DELIVER);
        u->budget.over = u->budget.over || rc != 0;
        ends = u->budget.over || cab_budget_is_over(&u->budget);
        /* Callbacks that always make others due must not keep the connections still for ever. */
        u->stood_still = ends && !u->stood_still;
        /* A callback may have come back in a forked child. */
        if (u->c == NULL || u->close_wanted || rc != 0 || u->stood_still || is_left_behind(u)) {
            return rc;
        }
    }
    bool waits = !rest && !lcab_client_has_rest(u) && u->c->open > 0;
    cab_client_step(u->c, waits ? wait_ms : 0, &u->budget);
    return ends ? 0 : run_protected(L, u, client, U_DELIVER);
}

int lcab_step(lua_State *L, lcab_client *u, int client, int64_t wait_ms, bool limited) {
    if (!lua_checkstack(L, LCAB_STEP_STACK)) { /* enough for delivering, too */
        lua_pushliteral(L, "stack overflow");
        return LUA_ERRRUN;
    }
    if (lcab_client_is_busy(u)) {
        lcab_usage_error(L, "step", LCAB_NOT_IN_CALLBACK);
    }
    int rc = move_and_deliver(L, u, client, wait_ms, limited);
    if (u->close_wanted && u->c != NULL) {
        close_now(L, u, client);
    }
    if (u->budget.over && u->c != NULL) {
        cab_client_wake(u->c);
    }
    return rc;
}

bool lcab_take_raised(lua_State *L, int client) {
    lua_getuservalue(L, client);
    lcab_rawgeti(L, -1, U_RAISED);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 2);
        return false;
    }
    lua_pushnil(L);
    lcab_rawseti(L, -3, U_RAISED);
    lua_remove(L, -2);
    return true;
}

/* ---- methods -------------------------------------------------------------------------------- */

/* Whether it has nothing to do: no callback is due, and each open call waits to be admitted. */
static bool is_still(const lcab_client *u) {
    return u->c != NULL && !lcab_client_has_rest(u) && !cab_client_forked(u->c) &&
           cab_client_is_still(u->c);
}

/* client:advance([timeout [, whole]]) -> calls that have not ended, or whose callbacks are still to
 * run, whether nothing goes on any more: step, but keeps what callbacks raise. `whole`: for who
 * waits, however long it takes */
static int client_advance(lua_State *L) {
    lua_settop(L, 3);
    lcab_client *u = lcab_check_client(L, 1);
    if (lcab_step(L, u, 1, lcab_check_wait(L, 2), !lua_toboolean(L, 3)) != 0) {
        return lua_error(L);
    }
    int untold = u->ready_last - u->ready_first + 1;
    lua_pushinteger(L, u->c != NULL ? (lua_Integer)u->c->open + untold : 0);
    lua_pushboolean(L, is_still(u));
    return 2;
}

/* client:step([timeout]) -> calls that remain */
static int client_step(lua_State *L) {
    lua_settop(L, 2);
    (void)client_advance(L);
    lua_pop(L, 1);
    return lcab_take_raised(L, 1) ? lua_error(L) : 1;
}

/* client:raised() -> whether a callback raised, what: the first since the last time */
static int client_raised(lua_State *L) {
    (void)lcab_check_any_client(L, 1);
    bool raised = lcab_take_raised(L, 1);
    lua_pushboolean(L, raised);
    if (raised) {
        lua_insert(L, -2);
    }
    return raised ? 2 : 1;
}

/* client:delivering() -> whether a step is under way, which callbacks and finalizers must not wait
 * in */
static int client_delivering(lua_State *L) {
    lua_pushboolean(L, lcab_client_is_busy(lcab_check_client(L, 1)));
    return 1;
}

/* client:spent() -> whether the step has worked its 2 ms: who can leaves the rest to the next */
static int client_spent(lua_State *L) {
    const lcab_client *u = lcab_check_any_client(L, 1);
    lua_pushboolean(L, cab_budget_is_spent(&u->budget));
    return 1;
}

/* client:is_still() -> whether it has nothing to do, outside of steps: who waits may block then,
 * and holds up nobody else */
static int client_is_still(lua_State *L) {
    const lcab_client *u = lcab_check_any_client(L, 1);
    lua_pushboolean(L, !lcab_client_is_busy(u) && is_still(u));
    return 1;
}

/* client:cancel_all(): ends everything in flight as cancelled, which the next step tells */
static int client_cancel_all(lua_State *L) {
    lcab_client *u = lcab_check_client(L, 1);
    if (lcab_client_is_busy(u)) {
        return lcab_usage_error(L, "cancel_all", LCAB_NOT_IN_CALLBACK);
    }
    cab_client_cancel_all(u->c);
    return 0;
}

/* client:close(): ends everything in flight as cancelled and tells that; twice is fine */
static int client_close(lua_State *L) {
    lcab_client *u = lcab_check_any_client(L, 1);
    lua_settop(L, 1);
    if (u->c == NULL) {
        return 0;
    }
    if (u->phase == LCAB_MOVING) { /* a finalizer, in the middle of a step */
        u->close_wanted = true;
        return 0;
    }
    close_now(L, u, 1);
    if (!lcab_client_is_busy(u) && lcab_take_raised(L, 1)) {
        return lua_error(L);
    }
    return 0;
}

void lcab_step_open(lua_State *L) {
    static const luaL_Reg methods[] = {{"step", client_step},
                                       {"advance", client_advance},
                                       {"raised", client_raised},
                                       {"delivering", client_delivering},
                                       {"spent", client_spent},
                                       {"is_still", client_is_still},
                                       {"close", client_close},
                                       {"cancel_all", client_cancel_all},
                                       {NULL, NULL}};
    lua_pushcfunction(L, deliver_all);
    lcab_client_share(L, U_DELIVER);
    lua_pushcfunction(L, deliver_cancelled);
    lcab_client_share(L, U_DELIVER_CANCELLED);
    lcab_client_add_methods(L, methods);
    lcab_client_close_by(L, client_close);
}
