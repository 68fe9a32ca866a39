#include "lua/lua_call.h"

#include <string.h>

#include "cab/clock.h"
#include "lua/compat.h"
#include "lua/lua_args.h"
#include "lua/lua_error.h"
#include "lua/lua_opts.h"
#include "lua/lua_request.h"

static const char CALL_TYPE[] = "codearts.build.call";
/* The same without a finalizer, which an ended call has no use for and which costs 2 % of a call.
 */
static const char ENDED_TYPE[] = "codearts.build.call.ended";

/* ---- making --------------------------------------------------------------------------------- */

/* Allocating memory may have run a finalizer that closed the client at stack index 1. */
static void check_still_open(lua_State *L, const lcab_client *u, bool start) {
    if (u->c == NULL) {
        (void)lcab_check_client_to(L, 1, start);
    }
}

void lcab_push_call_metas(lua_State *L) {
    lcab_kept(L, CALL_TYPE);
    lcab_kept(L, ENDED_TYPE);
}

/* Pushes the lent call that the client at 1 took back, if there is one. */
static bool push_taken_back(lua_State *L) {
    lua_getuservalue(L, 1);
    lcab_rawgeti(L, -1, U_TAKEN_BACK);
    const lcab_call *k = lua_touserdata(L, -1);
    bool found = k != NULL && k->lent; /* not after its finalizer, which runs once */
    if (found) {
        lua_pushnil(L);
        lcab_rawseti(L, -3, U_TAKEN_BACK);
        lua_remove(L, -2);
    } else {
        lua_pop(L, 2);
    }
    return found;
}

/* Pushes a new call of the client at 1. From here on the collector owns the C call. A lent one
 * comes back with its answer and serves the next call: not to make and collect one is 1 % of the
 * time. */
static lcab_call *new_call(lua_State *L, lcab_client *u, bool start, bool lent) {
    bool again = lent && push_taken_back(L);
    lcab_call *k = again ? lua_touserdata(L, -1) : lcab_newpair(L, sizeof *k);
    k->call = NULL;
    k->end = LCAB_CALL_OPEN;
    k->has_callbacks = false;
    k->lent = lent;
    memset(&k->facts, 0, sizeof k->facts);
    if (!again) {
        lua_getuservalue(L, 1);
        lcab_rawgeti(L, -1, U_CALL_META);
        lua_setmetatable(L, -3);
        lcab_setpair(L, -2, LCAB_CALL_CLIENT);
    }
    check_still_open(L, u, start);
    k->call = cab_client_acquire(u->c);
    if (k->call == NULL) {
        lcab_raise_memory(L);
    }
    return k;
}

/* Keeps what has that name in `table` (0: no table), or that there is nothing. */
static bool keep_member(lua_State *L, int uv, int kind, size_t slot, int table, const char *name) {
    lcab_rawgeti(L, uv, kind);
    if (table == 0 || !lua_istable(L, table)) {
        lua_pushnil(L);
    } else {
        (void)lcab_getfield(L, table, name);
    }
    bool found = !lua_isnil(L, -1);
    lcab_rawseti(L, -2, slot);
    lua_pop(L, 1);
    return found;
}

void lcab_call_send(lua_State *L, lcab_client *u, int uv, int call) {
    lcab_call *k = lua_touserdata(L, call);
    if (k->call == NULL || k->call->state != CAB_CALL_NEW || k->call->client != u->c) {
        return;
    }
    lcab_rawgeti(L, uv, U_CALLS);
    lua_pushvalue(L, call);
    lcab_rawseti(L, -2, k->call->slot);
    lua_pop(L, 1);
    k->facts.started_at = cab_clock_utc();
    cab_client_submit(u->c, k->call); /* cannot fail */
}

/* Makes the call on top of the stack ready, and sends it unless it is lent: who waits for it does
 * that. So a wait that was never come to, because a debug hook raised before, starts no build. */
static int submit(lua_State *L, lcab_client *u, lcab_call *k, int spec, int opts) {
    int call = lua_gettop(L);
    size_t slot = k->call->slot;
    bool start = k->call->op == CAB_OP_START;
    lua_getuservalue(L, 1);
    int uv = call + 1;
    if (k->call->stream) {
        (void)keep_member(L, uv, U_STREAMS, slot, spec, "stream");
    }
    check_still_open(L, u, start);
    if ((opts != 0 && lua_istable(L, opts)) || u->c->options.events) {
        bool events = keep_member(L, uv, U_CALL_EVENTS, slot, opts, "on_event");
        check_still_open(L, u, start);
        u->c->options.events = u->c->options.events || events;
    }
    if (!k->lent) {
        lcab_call_send(L, u, uv, call);
    }
    lua_settop(L, call);
    return 1;
}

static void check_size(lua_State *L, const cab_call *c, const char *field) {
    if (c->body.len > CAB_MAX_REQUEST_BYTES) {
        lcab_where where = {"", c->op == CAB_OP_START};
        lcab_bad(L, &where, field, "the request has %d bytes; the service takes 12 MB at most",
                 (int)c->body.len);
    }
}

static int start(lua_State *L, lcab_client *u, bool lent) {
    lua_settop(L, 3);
    lcab_call *k = new_call(L, u, true, lent);
    cab_call *c = k->call;
    memcpy(c->operation, "RunJob", sizeof "RunJob");
    memcpy(c->method, "POST", sizeof "POST");
    c->op = CAB_OP_START;
    c->has_body = true;
    k->facts.answer = LCAB_ANSWER_RUN;
    lcab_read_call_options(L, 3, c, &k->facts);
    const char *run_id = c->note.len > 0 ? c->note.data : "";
    const char *name = c->note.len > 0 ? run_id + strlen(run_id) + 1 : "";
    cab_text run_id_name = {name, strlen(name)};
    lcab_write_run_job(L, 2, run_id_name, run_id, &c->body, k->facts.job_id);
    check_size(L, c, "parameter");
    if (!cab_buf_puts(&c->path, "/v3/jobs/build")) { /* API reference 1 */
        lcab_raise_memory(L);
    }
    return submit(L, u, k, 0, 3);
}

/* client:start(args [, opts]) -> call */
static int client_start(lua_State *L) { return start(L, lcab_check_client_to(L, 1, true), false); }

/* client:begin(args [, opts]) -> call: start for somebody who is going to wait, which a callback
 * must not. The call is lent: `advance` sends it, and takes it back when it answers, so nobody else
 * may see it. */
static int client_begin(lua_State *L) {
    static const lcab_where where = {"", true};
    lcab_client *u = lcab_check_client_to(L, 1, true);
    if (lcab_client_is_busy(u)) {
        lcab_bad(L, &where, "wait", LCAB_NOT_IN_CALLBACK);
    }
    return start(L, u, true);
}

/* client:request(spec [, opts]) -> call */
static int client_request(lua_State *L) {
    lcab_client *u = lcab_check_client(L, 1);
    lua_settop(L, 3);
    lcab_call *k = new_call(L, u, false, false);
    lcab_read_request(L, 2, k->call, &k->facts);
    lcab_read_call_options(L, 3, k->call, &k->facts);
    check_size(L, k->call, "body");
    return submit(L, u, k, 2, 3);
}

/* client:sleep(seconds) -> call */
static int client_sleep(lua_State *L) {
    lcab_client *u = lcab_check_client(L, 1);
    int64_t ms = lcab_check_wait(L, 2);
    if (ms < 0) {
        lcab_usage_error(L, "seconds", "must be a number of seconds, a year at most");
    }
    lua_settop(L, 1);
    lcab_call *k = new_call(L, u, false, false);
    memcpy(k->call->operation, "sleep", sizeof "sleep");
    k->call->sleeps = true;
    k->call->delay_ms = ms;
    k->facts.answer = LCAB_ANSWER_JSON;
    return submit(L, u, k, 0, 0);
}

/* ---- ending --------------------------------------------------------------------------------- */

static void forget(lua_State *L, int uv, int kind, size_t slot) {
    lcab_rawgeti(L, uv, kind);
    lua_pushnil(L);
    lcab_rawseti(L, -2, slot);
    lua_pop(L, 1);
}

/* Gives the outcome of a RunJob on top of the stack what its client's maker adds: the metatable to
 * a result, the method `reconcile` to an error that leaves open whether a build was started. */
static void attach(lua_State *L, int uv, bool ok, cab_outcome outcome) {
    lcab_rawgeti(L, uv, U_RESULT_META);
    if (!lua_istable(L, -1) || !lua_istable(L, -2)) {
        lua_pop(L, 1);
    } else if (ok) {
        lua_setmetatable(L, -2);
    } else if (outcome == CAB_OUTCOME_UNKNOWN) {
        (void)lcab_getfield(L, -1, "reconcile");
        lua_setfield(L, -3, "reconcile");
        lua_pop(L, 1);
    } else {
        lua_pop(L, 1);
    }
}

void lcab_call_conclude(lua_State *L, lcab_client *u, int uv, int call) {
    lcab_call *k = lua_touserdata(L, call);
    int top = lua_gettop(L);
    cab_body_facts body;
    lcab_read_body(L, k->call, &k->facts, &body);
    if (!cab_client_judge(u->c, k->call, &body)) {
        lua_settop(L, top);
        return;
    }
    bool ok = lcab_push_outcome(L, k->call, &k->facts, top + 1);
    if (k->facts.answer == LCAB_ANSWER_RUN) {
        attach(L, uv, ok, k->call->verdict.outcome);
    }
    size_t slot = k->call->slot;
    lcab_setpair(L, call, LCAB_CALL_OUTCOME);
    if (k->has_callbacks) {
        lcab_client_ready(L, u, uv, call);
    }
    if (k->call->stream) {
        forget(L, uv, U_STREAMS, slot);
    }
    if (u->c->options.events) {
        forget(L, uv, U_CALL_EVENTS, slot);
    }
    forget(L, uv, U_CALLS, slot); /* the last that may fail; the call stays on our stack */
    k->end = ok ? LCAB_CALL_RESULT : LCAB_CALL_ERROR;
    cab_call *done = k->call;
    k->call = NULL;
    if (!k->lent) {
        lcab_rawgeti(L, uv, U_ENDED_META);
        lua_setmetatable(L, call);
    }
    done->owned = false; /* the next call takes its memory, still warm */
    cab_client_finish(u->c, done);
    lua_settop(L, top);
}

void lcab_push_callback_arguments(lua_State *L, int call) {
    const lcab_call *k = lua_touserdata(L, call);
    if (k->end == LCAB_CALL_ERROR) {
        lua_pushnil(L);
        lcab_getpair(L, call, LCAB_CALL_OUTCOME);
    } else {
        lcab_getpair(L, call, LCAB_CALL_OUTCOME);
        lua_pushnil(L);
    }
}

/* ---- methods of calls ----------------------------------------------------------------------- */

lcab_call *lcab_check_call(lua_State *L, int index) {
    lcab_call *k = lcab_testudata(L, index, CALL_TYPE);
    if (k == NULL || (k->call == NULL && k->end == LCAB_CALL_OPEN)) {
        lcab_usage_error(L, "self", "must be a call; use its methods with a colon");
    }
    return k;
}

/* The client of the call at 1, or NULL when it is closed or another process's. Pushes its user
 * value. */
static lcab_client *client_of(lua_State *L) {
    lcab_getpair(L, 1, LCAB_CALL_CLIENT);
    lcab_rawgeti(L, -1, U_CLIENT);
    lcab_client *u = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return u->c != NULL && !cab_client_forked(u->c) ? u : NULL;
}

static int call_done(lua_State *L) {
    lua_pushboolean(L, lcab_check_call(L, 1)->end != LCAB_CALL_OPEN);
    return 1;
}

/* Adds to the error on top of the stack what is known of an open call, which may go on. */
static void add_facts(lua_State *L, const lcab_call *k) {
    lua_pushstring(L, k->call->operation);
    lua_setfield(L, -2, "operation");
    lua_pushinteger(L, k->call->attempts);
    lua_setfield(L, -2, "attempts");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "retryable");
    if (k->call->op == CAB_OP_START) {
        lua_pushstring(L, k->call->state == CAB_CALL_NEW ? "not_started" : "unknown");
        lua_setfield(L, -2, "outcome");
    }
}

static void push_still_waiting(lua_State *L, const lcab_call *k) {
    lcab_push_new_error(L);
    lua_pushliteral(L, "timeout");
    lua_setfield(L, -2, "kind");
    lua_pushliteral(L, "wait");
    lua_setfield(L, -2, "reason");
    lua_pushliteral(L, "the call has not ended yet; it goes on");
    lua_setfield(L, -2, "message");
    add_facts(L, k);
}

/* For the call at `call`: pushes result, or nil and error; answers how many. */
static int push_returns(lua_State *L, int call, const lcab_call *k) {
    if (k->end == LCAB_CALL_RESULT) {
        lcab_getpair(L, call, LCAB_CALL_OUTCOME);
        return 1;
    }
    lua_pushnil(L);
    if (k->end == LCAB_CALL_OPEN) {
        push_still_waiting(L, k);
        return 2;
    }
    lcab_getpair(L, call, LCAB_CALL_OUTCOME);
    if (!lcab_is_error(L, -1)) {
        lua_error(L); /* not enough memory */
    }
    return 2;
}

/* Until it is lent again, the call at `index` is none. */
static void take_back(lua_State *L, int index, lcab_call *k) {
    k->end = LCAB_CALL_OPEN;
    lua_pushnil(L);
    lcab_setpair(L, index, LCAB_CALL_OUTCOME);
    lcab_getpair(L, index, LCAB_CALL_CLIENT);
    lua_pushvalue(L, index);
    lcab_rawseti(L, -2, U_TAKEN_BACK);
    lua_pop(L, 1);
}

/* Pushes what who waits for a call is told when a step failed: no bare text, which could not say
 * that a build may have been started. Out of memory is raised. */
static void push_failed_step(lua_State *L, const lcab_call *k, int rc) {
    if (rc == LUA_ERRMEM) {
        lua_error(L);
    }
    cab_error err;
    const char *problem = lua_tostring(L, -1);
    cab_fail(&err, CAB_KIND_TRANSPORT, CAB_REASON_INTERNAL, NULL,
             "the answer could not be waited for: %s", problem != NULL ? problem : "?");
    lcab_push_error(L, &err);
    add_facts(L, k);
}

int lcab_call_advance(lua_State *L) {
    lcab_call *k = lcab_check_call(L, 3);
    if (k->end == LCAB_CALL_OPEN) {
        /* A close ends all calls that were sent. */
        bool unsent = k->call->state == CAB_CALL_NEW || k->call->client == NULL;
        lcab_client *u = lcab_check_client_to(L, 1, unsent && k->call->op == CAB_OP_START);
        int rc = lcab_client_step(L, u, 1, lcab_check_wait(L, 2), 3);
        if (rc != 0 && k->end == LCAB_CALL_OPEN) {
            push_failed_step(L, k, rc);
            lua_pushboolean(L, 1);
            lua_pushnil(L);
            lua_pushvalue(L, -3);
            return 3;
        }
    }
    lua_pushboolean(L, k->end != LCAB_CALL_OPEN);
    if (k->end == LCAB_CALL_OPEN) {
        return 1;
    }
    int count = 1 + push_returns(L, 3, k);
    if (k->lent && !k->has_callbacks) {
        take_back(L, 3, k);
    }
    return count;
}

/* call:try_wait() -> result | nil, err */
static int call_try_wait(lua_State *L) {
    const lcab_call *k = lcab_check_call(L, 1);
    return push_returns(L, 1, k);
}

/* Raises what a callback raised; never as a structured error, which would look like the call's. */
static int raise_callback_error(lua_State *L) {
    if (lcab_is_error(L, -1)) {
        lua_getglobal(L, "tostring");
        lua_insert(L, -2);
        lua_call(L, 1, 1);
        lua_pushliteral(L, "a callback raised: ");
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

/* Steps until the call at 1 has ended or the time is over. With `tells`, raises what callbacks
 * raise meanwhile; without, that is left to the next who can. */
static void wait_for(lua_State *L, const lcab_call *k, int64_t wait_ms, bool tells) {
    int64_t until = wait_ms < 0 ? INT64_MAX : cab_clock_ms() + wait_ms;
    while (k->end == LCAB_CALL_OPEN) {
        lcab_client *u = client_of(L);
        if (u == NULL) {
            lcab_usage_error(L, "self", "the client of this call belongs to another process");
        }
        int64_t left = until == INT64_MAX ? -1 : until - cab_clock_ms();
        if (until != INT64_MAX && left <= 0) {
            break;
        }
        if (k->call->state == CAB_CALL_PARKED && k->call->deadline_ms == INT64_MAX &&
            cab_client_is_stuck(u->c)) {
            cab_client_fail_parked(k->call->identity); /* nobody sets it while this waits */
        }
        lcab_rawgeti(L, -1, U_CLIENT);
        int client = lua_gettop(L);
        int rc = lcab_client_step(L, u, client, left, 1);
        if (rc != 0 && k->end == LCAB_CALL_OPEN) {
            push_failed_step(L, k, rc);
            lua_error(L);
        }
        if (tells && lcab_client_take_raised(L, client)) {
            (void)raise_callback_error(L);
        }
        lua_settop(L, 1);
    }
    lua_settop(L, 1);
}

/* call:wait([timeout]) -> result; raises. Blocks in C. */
static int call_wait(lua_State *L) {
    const lcab_call *k = lcab_check_call(L, 1);
    int64_t wait_ms = lcab_check_wait(L, 2);
    lua_settop(L, 1);
    wait_for(L, k, wait_ms, true);
    return push_returns(L, 1, k) == 1 ? 1 : lua_error(L);
}

static int call_cancel(lua_State *L) {
    lcab_call *k = lcab_check_call(L, 1);
    lcab_client *u = client_of(L);
    if (k->end == LCAB_CALL_OPEN && u != NULL) {
        cab_client_cancel(u->c, k->call);
    }
    return 0;
}

/* On top of the stack: the table of callbacks, what the call at `call` has there. Adds the one at
 * `callback`: alone as it is, as most are, several as a list. */
static void add_callback(lua_State *L, int call, int callback) {
    int has = lua_gettop(L);
    if (!lua_isnil(L, has)) {
        if (lua_isfunction(L, has)) {
            lua_createtable(L, 2, 0);
            lua_insert(L, has);
            lcab_rawseti(L, has, 1);
        }
        lua_pushvalue(L, callback);
        lcab_rawseti(L, has, lcab_rawlen(L, has) + 1);
        callback = has;
    }
    lua_pushvalue(L, call);
    lua_pushvalue(L, callback);
    lua_rawset(L, has - 1);
}

/* call:on_done(function(result, err) end) -> call */
static int call_on_done(lua_State *L) {
    lcab_call *k = lcab_check_call(L, 1);
    if (!lua_isfunction(L, 2)) {
        return lcab_usage_error(L, "on_done", "must be a function, not %s", luaL_typename(L, 2));
    }
    lua_settop(L, 2);
    lcab_getpair(L, 1, LCAB_CALL_CLIENT);
    lcab_rawgeti(L, 3, U_CLIENT);
    lcab_client *u = lua_touserdata(L, 4);
    if (u->c == NULL && !u->delivering) { /* no step will come that could tell it */
        lua_pushvalue(L, 2);
        lcab_push_callback_arguments(L, 1);
        lua_call(L, 2, 0);
        lua_settop(L, 1);
        return 1;
    }
    lcab_rawgeti(L, 3, U_CALLBACKS);
    lua_pushvalue(L, 1);
    lua_rawget(L, 5);
    bool queued = !lua_isnil(L, 6); /* what it has waits already */
    add_callback(L, 1, 2);
    k->has_callbacks = true;
    if (k->end != LCAB_CALL_OPEN && !queued) {
        lcab_client_ready(L, u, 3, 1); /* told at the next step, as always */
        if (u->c != NULL && !cab_client_forked(u->c)) {
            cab_client_wake(u->c);
        }
    }
    lua_settop(L, 1);
    return 1;
}

static int call_gc(lua_State *L) {
    lcab_call *k = lua_touserdata(L, 1);
    k->lent = false;
    if (k->call != NULL) {
        cab_client_release(k->call->client, k->call);
        k->call = NULL;
    }
    return 0;
}

/* client:run(args [, opts]) -> result; raises. Blocks in C. */
static int client_run(lua_State *L) {
    static const lcab_where where = {"", true};
    lua_settop(L, 3);
    lcab_client *u = lcab_check_client_to(L, 1, true);
    if (lcab_client_is_busy(u)) { /* said before anything is sent */
        lcab_bad(L, &where, "run", LCAB_NOT_IN_CALLBACK);
    }
    (void)start(L, u, true);
    lcab_call *k = lua_touserdata(L, -1);
    lua_replace(L, 1);
    lua_settop(L, 1);
    wait_for(L, k, -1, false);
    bool ok = push_returns(L, 1, k) == 1;
    take_back(L, 1, k);
    return ok ? 1 : lua_error(L);
}

/* client:try_run(args [, opts]) -> result | nil, err */
static int client_try_run(lua_State *L) {
    lua_settop(L, 3);
    lua_pushcfunction(L, client_run);
    lua_insert(L, 1);
    if (lua_pcall(L, 3, 1, 0) == 0) {
        return 1;
    }
    if (!lcab_is_error(L, -1)) {
        return lua_error(L); /* out of memory, or a callback's own error */
    }
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

void lcab_call_open(lua_State *L) {
    static const luaL_Reg methods[] = {{"done", call_done},         {"wait", call_wait},
                                       {"try_wait", call_try_wait}, {"cancel", call_cancel},
                                       {"on_done", call_on_done},   {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", call_gc}, {NULL, NULL}};
    static const luaL_Reg of_clients[] = {{"start", client_start},
                                          {"begin", client_begin},
                                          {"request", client_request},
                                          {"sleep", client_sleep},
                                          {"run", client_run},
                                          {"try_run", client_try_run},
                                          {NULL, NULL}};
    static const luaL_Reg no_meta[] = {{NULL, NULL}};
    lcab_newtype(L, CALL_TYPE, methods, meta);
    lcab_newtype(L, ENDED_TYPE, methods, no_meta);
    lcab_kept(L, ENDED_TYPE);
    lua_pushlightuserdata(L, (void *)CALL_TYPE);
    lcab_rawseti(L, -2, 1); /* as which it is known */
    lua_pop(L, 1);
    lcab_setfuncs(L, of_clients);
}
