#include "lua/lua_call.h"

#include <string.h>

#include "cab/clock.h"
#include "lua/compat.h"
#include "lua/lua_args.h"
#include "lua/lua_body.h"
#include "lua/lua_error.h"
#include "lua/lua_journal.h"
#include "lua/lua_meta.h"
#include "lua/lua_options.h"
#include "lua/lua_opts.h"
#include "lua/lua_request.h"
#include "lua/lua_secrets.h"

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

/* Pushes the call of an ended run of the client at 1, if there is one to use again. */
static bool push_run_call(lua_State *L) {
    lua_getuservalue(L, 1);
    lcab_rawgeti(L, -1, U_RUN_CALL);
    lua_remove(L, -2);
    const lcab_call *k = lua_touserdata(L, -1);
    bool found = k != NULL && k->idle; /* not after its finalizer, which runs once */
    if (!found) {
        lua_pop(L, 1);
    }
    return found;
}

/* Pushes a new call of the client at 1. From here on the collector owns the C call. That of a run
 * serves the next one, too: not to make and collect it is 1 % of the time. */
static lcab_call *new_call(lua_State *L, lcab_client *u, bool start, bool of_run) {
    bool again = of_run && push_run_call(L);
    lcab_call *k = again ? lua_touserdata(L, -1) : lcab_newpair(L, sizeof *k);
    k->kept = again;
    k->call = NULL;
    k->end = LCAB_CALL_OPEN;
    k->has_callbacks = k->reconciles = false;
    k->of_run = of_run;
    k->idle = false;
    memset(&k->context, 0, sizeof k->context);
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

void lcab_call_send(lua_State *L, lcab_client *u, int client, int call) {
    lcab_call *k = lua_touserdata(L, call);
    lua_getuservalue(L, client);
    lcab_rawgeti(L, -1, U_CALLS);
    lua_pushvalue(L, call);
    lcab_rawseti(L, -2, k->call->slot);
    lua_pop(L, 2);
    k->context.started_at = cab_clock_utc();
    cab_client_submit(u->c, k->call); /* cannot fail */
}

/* Has the streamed body and the events of the call on top of the stack go to where the tables at
 * `spec` and `opts` say. */
static void keep_receivers(lua_State *L, lcab_client *u, lcab_call *k, int spec, int opts) {
    int call = lua_gettop(L);
    size_t slot = k->call->slot;
    bool start = k->call->op == CAB_OP_START;
    check_still_open(L, u, start);
    bool may_have_events = (opts != 0 && lua_istable(L, opts)) || u->c->options.events;
    if (!k->call->stream && !may_have_events) {
        return;
    }
    lua_getuservalue(L, 1);
    int uv = call + 1;
    if (k->call->stream) {
        (void)keep_member(L, uv, U_STREAMS, slot, spec, "stream");
        check_still_open(L, u, start);
    }
    if (may_have_events) {
        bool events = keep_member(L, uv, U_CALL_EVENTS, slot, opts, "on_event");
        check_still_open(L, u, start);
        u->c->options.events = u->c->options.events || events;
    }
    lua_settop(L, call);
}

/* Keeps the function at `index` for the call on top of the stack. Answers whether it is one. */
static bool keep_function(lua_State *L, const lcab_call *k, int kind, int index) {
    if (!lua_isfunction(L, index)) {
        return false;
    }
    lua_getuservalue(L, 1);
    lcab_rawgeti(L, -1, kind);
    lua_pushvalue(L, index);
    lcab_rawseti(L, -2, k->call->slot);
    lua_pop(L, 2);
    return true;
}

/* A key makes its run id itself, in place of the one that the options were read with. */
static void take_run_id(lua_State *L, int index, cab_call *c) {
    size_t len;
    const char *run_id = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &len) : NULL;
    if (run_id != NULL && c->note.len > 0 && len == strlen(c->note.data)) {
        memcpy(c->note.data, run_id, len);
    }
}

/* Sends the call on top of the stack on its way. */
static int submit(lua_State *L, lcab_client *u, lcab_call *k, int spec, int opts) {
    keep_receivers(L, u, k, spec, opts);
    lcab_call_send(L, u, 1, lua_gettop(L));
    return 1;
}

static void check_size(lua_State *L, const cab_call *c, const char *field) {
    if (c->body.len > CAB_MAX_REQUEST_BYTES) {
        lcab_where where = {"", c->op == CAB_OP_START};
        lcab_bad(L, &where, field, "the request has %d bytes; the service takes 12 MB at most",
                 (int)c->body.len);
    }
}

/* The operations that start a build: two paths, and all else the same (API reference 1, 1.6). */
static const struct {
    const char *name, *path;
} STARTS[] = {{"RunJob", "/v3/jobs/build"}, {"ExecuteJob", "/v1/job/execute"}};

/* The row for the operation named at `index`; nil: RunJob. */
static size_t check_operation(lua_State *L, int index) {
    static const lcab_where where = {"", true};
    if (lua_isnoneornil(L, index)) {
        return 0;
    }
    for (size_t i = 0; i < sizeof STARTS / sizeof *STARTS; i++) {
        if (lua_type(L, index) == LUA_TSTRING &&
            strcmp(lua_tostring(L, index), STARTS[i].name) == 0) {
            return i;
        }
    }
    lcab_bad(L, &where, "operation", "must be \"RunJob\" or \"ExecuteJob\"");
}

lcab_call *lcab_call_prepare_start(lua_State *L, lcab_client *u, int operation, bool of_run) {
    size_t row = check_operation(L, operation);
    if (row == 0 && u->c->starts_by_twin) {
        row = 1;
    }
    lcab_call *k = new_call(L, u, true, of_run);
    cab_call *c = k->call;
    (void)memcpy(c->operation, STARTS[row].name, strlen(STARTS[row].name) + 1);
    memcpy(c->method, "POST", sizeof "POST");
    c->op = CAB_OP_START;
    c->has_body = true;
    if (row == 0) {
        c->other_path = STARTS[1].path;
        c->other_operation = STARTS[1].name;
    }
    k->context.answer = LCAB_ANSWER_RUN;
    lcab_read_call_options(L, 3, c);
    if (!of_run) {
        take_run_id(L, operation + 3, c);
    }
    const char *run_id = c->note.len > 0 ? c->note.data : "";
    const char *name = c->note.len > 0 ? run_id + strlen(run_id) + 1 : "";
    cab_text run_id_name = {name, strlen(name)};
    lcab_write_run_job(L, 2, run_id_name, run_id, &c->body, k->context.job_id);
    check_size(L, c, "parameter");
    if (!cab_buf_puts(&c->path, STARTS[row].path)) {
        lcab_raise_memory(L);
    }
    keep_receivers(L, u, k, 0, 3);
    k->reconciles = keep_function(L, k, U_RECONCILES, operation + 1);
    c->asks_admission = !of_run && keep_function(L, k, U_ADMISSIONS, operation + 2);
    return k;
}

/* client:start(args [, opts [, operation [, reconcile [, admission [, run_id]]]]]) -> call.
 * `operation`: "RunJob" (default) or "ExecuteJob"; the rest is for the library's own Lua side, see
 * lcab_call_prepare_start. Raises usage errors; never blocks. */
static int client_start(lua_State *L) {
    lcab_client *u = lcab_check_client_to(L, 1, true);
    lua_settop(L, 7);
    const lcab_call *k = lcab_call_prepare_start(L, u, 4, false);
    if (!k->call->asks_admission) { /* that waits for call:send */
        lcab_call_send(L, u, 1, 8);
    }
    return 1;
}

/* client:request(spec [, opts [, weighed]]) -> call. `weighed`: for the library's own Lua side,
 * which knows whom it may send a header in plain text. */
static int client_request(lua_State *L) {
    lcab_client *u = lcab_check_client(L, 1);
    bool weighed = lua_toboolean(L, 4);
    lua_settop(L, 3);
    lcab_call *k = new_call(L, u, false, false);
    bool query_tells = lcab_read_request(L, 2, k->call, &k->context);
    lcab_read_call_options(L, 3, k->call);
    lcab_check_way(L, k->call, query_tells, weighed);
    check_size(L, k->call, "body");
    return submit(L, u, k, 2, 3);
}

/* client:sleep(seconds [, limits]) -> call. `limits`: it ends a wait, and moves nothing else */
static int client_sleep(lua_State *L) {
    lcab_client *u = lcab_check_client(L, 1);
    int64_t ms = lcab_check_wait(L, 2);
    if (ms < 0) {
        lcab_usage_error(L, "seconds", "must be a number of seconds, a year at most");
    }
    bool limits = lua_toboolean(L, 3);
    lua_settop(L, 1);
    lcab_call *k = new_call(L, u, false, false);
    memcpy(k->call->operation, "sleep", sizeof "sleep");
    k->call->sleeps = true;
    k->call->limits = limits;
    k->call->delay_ms = ms;
    k->context.answer = LCAB_ANSWER_JSON;
    return submit(L, u, k, 0, 0);
}

/* client:perform(work) -> call, which ends when the work is done: a list of what it answers and,
 * when there was no thread for it, "blocked". See journal:append. */
static int client_perform(lua_State *L) {
    lcab_client *u = lcab_check_client(L, 1);
    lua_settop(L, 2);
    lcab_call *k = new_call(L, u, false, false);
    memcpy(k->call->operation, "key store", sizeof "key store");
    k->context.answer = LCAB_ANSWER_JSON;
    k->call->work = lcab_take_work(L, 2);
    return submit(L, u, k, 0, 0);
}

/* ---- ending --------------------------------------------------------------------------------- */

static void forget(lua_State *L, int uv, int kind, size_t slot) {
    lcab_rawgeti(L, uv, kind);
    lua_pushnil(L);
    lcab_rawseti(L, -2, slot);
    lua_pop(L, 1);
}

/* err:reconcile() of a client that nobody has added more to: it asks nobody, and says what
 * codearts.build says when it can tell nothing. */
static int know_nothing(lua_State *L) {
    cab_error err;
    cab_fail(&err, CAB_KIND_CONFIG, CAB_REASON_NONE, NULL,
             "the core alone does not ask what became of a start; codearts.build does");
    lua_createtable(L, 0, 3);
    lua_pushliteral(L, "unknown");
    lua_setfield(L, -2, "verdict");
    lua_newtable(L);
    lua_setfield(L, -2, "candidates");
    lcab_push_error(L, &err);
    lua_setfield(L, -2, "error");
    return 1;
}

/* Gives the error on top of the stack, which leaves open whether a build was started, its method
 * `reconcile`: the call's own, or what its client's maker adds, if anything. What the call knows is
 * kept for what that finds. */
static void add_reconcile(lua_State *L, int uv, const lcab_call *k) {
    int error = lua_gettop(L);
    lcab_rawgeti(L, uv, k->reconciles ? U_RECONCILES : U_RESULT_META);
    if (k->reconciles) {
        lcab_rawgeti(L, -1, k->call->slot);
    } else if (lua_istable(L, -1)) {
        (void)lcab_getfield(L, -1, "reconcile");
    }
    if (!k->reconciles && !lua_isfunction(L, -1)) {
        lua_pushcfunction(L, know_nothing);
    }
    lua_setfield(L, error, "reconcile");
    lua_settop(L, error);
    lcab_remember_secrets(L, k->call);
}

/* Gives the result of a start on top of the stack what its client's maker adds. */
static void add_methods(lua_State *L, int uv) {
    lcab_rawgeti(L, uv, U_RESULT_META);
    if (lua_istable(L, -1) && lua_istable(L, -2)) {
        lua_setmetatable(L, -2);
    } else {
        lua_pop(L, 1);
    }
}

void lcab_call_describe(lua_State *L, int call) {
    const lcab_call *k = lua_touserdata(L, call);
    cab_call *c = k->call;
    lua_pushstring(L, c->operation);
    lua_setfield(L, -2, "operation");
    lua_pushinteger(L, c->attempts);
    lua_setfield(L, -2, "attempts");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "retryable");
    if (c->op != CAB_OP_START) {
        return;
    }
    bool unsent = c->state == CAB_CALL_NEW && !cab_client_forked(c->client);
    lua_pushstring(L, unsent ? "not_started" : "unknown");
    lua_setfield(L, -2, "outcome");
    if (!unsent) {
        lcab_getpair(L, call, LCAB_CALL_CLIENT);
        lua_insert(L, -2);
        add_reconcile(L, lua_gettop(L) - 1, k);
        lcab_remember_meta(L, c, k->context.job_id, k->context.started_at, "", -1, 0);
        lua_remove(L, -2);
    }
}

void lcab_call_conclude(lua_State *L, lcab_client *u, int uv, int call) {
    lcab_call *k = lua_touserdata(L, call);
    int top = lua_gettop(L), names = top + 1, decoded = top + 2;
    cab_reading body;
    lcab_rawgeti(L, uv, U_ANSWER_NAMES);
    lcab_read_body(L, names, k->call, k->context.answer, &body);
    if (!cab_client_judge(u->c, k->call, &body)) {
        lua_settop(L, top);
        return;
    }
    bool ok = lcab_push_outcome(L, k->call, &k->context, decoded);
    if (k->context.answer == LCAB_ANSWER_RUN && ok) {
        add_methods(L, uv);
    } else if (k->context.answer == LCAB_ANSWER_RUN && lua_istable(L, -1) &&
               k->call->verdict.outcome == CAB_OUTCOME_UNKNOWN) {
        add_reconcile(L, uv, k);
    }
    size_t slot = k->call->slot;
    lcab_setpair(L, call, LCAB_CALL_OUTCOME);
    if (k->has_callbacks) {
        lcab_client_ready(L, u, uv, call);
    }
    if (k->call->stream) {
        forget(L, uv, U_STREAMS, slot);
    }
    if (k->call->asks_admission) {
        forget(L, uv, U_ADMISSIONS, slot);
    }
    if (k->reconciles) {
        forget(L, uv, U_RECONCILES, slot);
    }
    if (u->c->options.events) {
        forget(L, uv, U_CALL_EVENTS, slot);
    }
    forget(L, uv, U_CALLS, slot); /* the last that may fail; the call stays on our stack */
    k->end = ok ? LCAB_CALL_RESULT : LCAB_CALL_ERROR;
    cab_call *done = k->call;
    k->call = NULL;
    if (!k->of_run) {
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

/* ---- methods -------------------------------------------------------------------------------- */

lcab_call *lcab_check_call(lua_State *L, int index) {
    lcab_call *k = lcab_testudata(L, index, CALL_TYPE);
    if (k == NULL || (k->call == NULL && k->end == LCAB_CALL_OPEN)) {
        lcab_usage_error(L, "self", "must be a call; use its methods with a colon");
    }
    return k;
}

lcab_client *lcab_client_of_call(lua_State *L) {
    lcab_getpair(L, 1, LCAB_CALL_CLIENT);
    lcab_rawgeti(L, -1, U_CLIENT);
    lcab_client *u = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return u->c != NULL && !cab_client_forked(u->c) ? u : NULL;
}

/* call:done() -> whether it has ended */
static int call_done(lua_State *L) {
    lua_pushboolean(L, lcab_check_call(L, 1)->end != LCAB_CALL_OPEN);
    return 1;
}

/* call:is_out() -> whether a request of it was sent that is not answered, or whose answer was not
 * judged yet. Else nothing will go out once it is cancelled: for the library's own Lua side. */
static int call_is_out(lua_State *L) {
    const lcab_call *k = lcab_check_call(L, 1);
    const cab_call *c = k->end == LCAB_CALL_OPEN ? k->call : NULL;
    lua_pushboolean(L, c != NULL &&
                           (c->state == CAB_CALL_ANSWERED ||
                            (c->state == CAB_CALL_IN_FLIGHT && cab_transfer_is_out(c->transfer))));
    return 1;
}

void lcab_call_reuse(lua_State *L, int call) {
    lcab_call *k = lua_touserdata(L, call);
    k->end = LCAB_CALL_OPEN;
    k->idle = true;
    lua_pushnil(L);
    lcab_setpair(L, call, LCAB_CALL_OUTCOME);
    if (!k->kept) {
        k->kept = true;
        lcab_getpair(L, call, LCAB_CALL_CLIENT);
        lua_pushvalue(L, call);
        lcab_rawseti(L, -2, U_RUN_CALL);
        lua_pop(L, 1);
    }
}

/* call:send([deadline]): sends on its way what was started with `admission`. `deadline`:
 * seconds from now, in place of its own */
static int call_send(lua_State *L) {
    const lcab_call *k = lcab_check_call(L, 1);
    double deadline = luaL_optnumber(L, 2, 0);
    lua_settop(L, 1);
    lcab_client *u = lcab_client_of_call(L);
    if (u == NULL || k->end != LCAB_CALL_OPEN || k->call->state != CAB_CALL_NEW) {
        return lcab_usage_error(L, "send", "it was sent already, or its client is closed");
    }
    if (deadline > 0) {
        k->call->deadline = deadline;
    }
    lcab_rawgeti(L, 2, U_CLIENT);
    lcab_call_send(L, u, 3, 1);
    return 0;
}

/* call:body() -> the body of its request, until it has ended; then nil */
static int call_body(lua_State *L) {
    const lcab_call *k = lcab_check_call(L, 1);
    if (k->call == NULL) {
        lua_pushnil(L);
    } else {
        lua_pushlstring(L, k->call->body.len > 0 ? k->call->body.data : "", k->call->body.len);
    }
    return 1;
}

/* call:came_with(table) -> the table, of which is known what the call may be sent with, unless it
 * has ended */
static int call_came_with(lua_State *L) {
    const lcab_call *k = lcab_check_call(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    bool open = k->call != NULL && lcab_client_of_call(L) != NULL;
    lua_settop(L, 2);
    if (open) {
        lcab_remember_secrets(L, k->call);
    }
    return 1;
}

/* call:admission() -> number of the attempt that waits for call:admit, whether it is signed with a
 * date, which of the client's endpoints it goes to; nil: none does. With `admission`, a
 * function that is called in a step then, each attempt waits so, credentials at hand. */
static int call_admission(lua_State *L) {
    const lcab_call *k = lcab_check_call(L, 1);
    if (k->end != LCAB_CALL_OPEN || k->call->state != CAB_CALL_ADMITTING) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, k->call->attempts + 1);
    lua_pushboolean(L, k->call->credentials != NULL && k->call->credentials->ak != NULL);
    lua_pushinteger(L, (lua_Integer)k->call->endpoint + 1);
    return 3;
}

/* call:admit(date): lets that attempt go out, signed with that date, in seconds since 1970 */
static int call_admit(lua_State *L) {
    const lcab_call *k = lcab_check_call(L, 1);
    double date = luaL_checknumber(L, 2);
    lua_settop(L, 1);
    lcab_client *u = lcab_client_of_call(L);
    if (u == NULL || k->end != LCAB_CALL_OPEN || k->call->state != CAB_CALL_ADMITTING) {
        return lcab_usage_error(L, "admit", "no attempt waits for it");
    }
    cab_client_admit(u->c, k->call, date);
    return 0;
}

/* call:cancel(): its outcome is told at the next step */
static int call_cancel(lua_State *L) {
    lcab_call *k = lcab_check_call(L, 1);
    lcab_client *u = lcab_client_of_call(L);
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
    if (u->c == NULL && !lcab_client_is_busy(u)) { /* no step will come that could tell it */
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

/* client:mask(text, ...) -> the text without what the client signs with, and without what the calls
 * knew that brought these answers, if they are any; where there is nil, there is none */
static int client_mask(lua_State *L) {
    cab_secrets secrets;
    const lcab_client *u = lcab_check_client(L, 1);
    size_t len;
    const char *text = luaL_checklstring(L, 2, &len);
    int last = lua_gettop(L);
    luaL_checkstack(L, 2 * last + 8, "mask");
    lcab_collect_client_secrets(u->c, &secrets);
    for (int i = 3; i <= last; i++) {
        if (lua_istable(L, i)) {
            lcab_add_kept_secrets(L, i, &secrets);
        }
    }
    lcab_push_masked(L, text, len, &secrets);
    return 1;
}

static int call_gc(lua_State *L) {
    lcab_call *k = lua_touserdata(L, 1);
    k->idle = false;
    if (k->call != NULL) {
        cab_client_release(k->call->client, k->call);
        k->call = NULL;
    }
    return 0;
}

void lcab_call_add_methods(lua_State *L, const luaL_Reg *methods) {
    lcab_kept(L, CALL_TYPE);
    lua_getfield(L, -1, "__index");
    lcab_setfuncs(L, methods);
    lua_pop(L, 2);
}

void lcab_call_open(lua_State *L) {
    static const luaL_Reg methods[] = {{"done", call_done},           {"is_out", call_is_out},
                                       {"admission", call_admission}, {"admit", call_admit},
                                       {"send", call_send},           {"body", call_body},
                                       {"cancel", call_cancel},       {"on_done", call_on_done},
                                       {"came_with", call_came_with}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", call_gc}, {NULL, NULL}};
    static const luaL_Reg of_clients[] = {{"start", client_start}, {"request", client_request},
                                          {"sleep", client_sleep}, {"perform", client_perform},
                                          {"mask", client_mask},   {NULL, NULL}};
    static const luaL_Reg none[] = {{NULL, NULL}};
    lcab_newtype(L, CALL_TYPE, methods, meta);
    lcab_newtype(L, ENDED_TYPE, none, none);
    lcab_kept(L, ENDED_TYPE);
    lcab_kept(L, CALL_TYPE);
    lua_getfield(L, -1, "__index"); /* the methods are the same */
    lua_setfield(L, -3, "__index");
    lua_pushlightuserdata(L, (void *)CALL_TYPE);
    lcab_rawseti(L, -3, 1); /* as which it is known */
    lcab_client_share(L, U_CALL_META);
    lcab_push_answer_names(L);
    lcab_client_share(L, U_ANSWER_NAMES);
    lcab_client_share(L, U_ENDED_META);
    lcab_client_add_methods(L, of_clients);
}
