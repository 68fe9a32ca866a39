#include "lua/lua_client.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cab/secret.h"
#include "lua/compat.h"
#include "lua/lua_answer.h"
#include "lua/lua_call.h"
#include "lua/lua_error.h"
#include "lua/lua_file.h"
#include "lua/lua_identity.h"
#include "lua/lua_json.h"
#include "lua/lua_opts.h"
#include "lua/lua_request.h"
#include "lua/version.h"

static const char CLIENT_TYPE[] = "codearts.build.client";
#define LONGEST_S 31536000.0 /* a year: beyond, a limit is a mistake */

static const lcab_where TOP = {"", false};

/* ---- options -------------------------------------------------------------------------------- */

typedef struct {
    cab_text endpoint, no_proxy, user_agent, http_version;
    double timeout, connect_timeout, deadline, max_response_bytes, max_connections, max_in_flight,
        idle_timeout;
    bool allow_http;
} option_values;

#define ROW(name, type, min, max)                                                                  \
    { #name, type, offsetof(option_values, name), min, max }
#define OTHER(name)                                                                                \
    { #name, LCAB_OTHER, 0, 0, 0 }
static const lcab_opt_row ROWS[] = {ROW(endpoint, LCAB_TEXT, 0, 0),
                                    OTHER(auth),
                                    ROW(timeout, LCAB_NUMBER, 0.001, LONGEST_S),
                                    ROW(connect_timeout, LCAB_NUMBER, 0.001, LONGEST_S),
                                    ROW(deadline, LCAB_NUMBER, 0.001, LONGEST_S),
                                    OTHER(retry),
                                    OTHER(tls),
                                    OTHER(proxy),
                                    ROW(no_proxy, LCAB_TEXT, 0, 0),
                                    ROW(http_version, LCAB_TEXT, 0, 0),
                                    ROW(max_response_bytes, LCAB_WHOLE, 1, 2147483647),
                                    ROW(max_connections, LCAB_WHOLE, 1, 10000),
                                    ROW(max_in_flight, LCAB_WHOLE, 1, 1000000),
                                    ROW(idle_timeout, LCAB_NUMBER, 1, 86400),
                                    OTHER(headers),
                                    ROW(user_agent, LCAB_TEXT, 0, 0),
                                    OTHER(resolve),
                                    ROW(allow_http, LCAB_BOOLEAN, 0, 0),
                                    OTHER(on_event),
                                    {NULL, LCAB_OTHER, 0, 0, 0}};

typedef struct {
    cab_text ca_file, ca_path, cert_file, key_file, key_password, min_version, pinned_public_key;
    bool verify;
} tls_values;

#define TLS(name, type)                                                                            \
    { #name, type, offsetof(tls_values, name), 0, 0 }
static const lcab_opt_row TLS_ROWS[] = {
    TLS(ca_file, LCAB_TEXT),   TLS(ca_path, LCAB_TEXT),           TLS(cert_file, LCAB_TEXT),
    TLS(key_file, LCAB_TEXT),  TLS(key_password, LCAB_TEXT),      TLS(min_version, LCAB_TEXT),
    TLS(verify, LCAB_BOOLEAN), TLS(pinned_public_key, LCAB_TEXT), {NULL, LCAB_OTHER, 0, 0, 0}};

static bool is(cab_text t, const char *text) {
    return t.len == strlen(text) && memcmp(t.data, text, t.len) == 0;
}

static void read_tls(lua_State *L, int options, cab_engine_options *e) {
    static const lcab_where where = {"tls.", false};
    tls_values v;
    memset(&v, 0, sizeof v);
    v.verify = true;
    if (lcab_getfield(L, options, "tls") == LUA_TTABLE) {
        lcab_own_table(L, -1);
        lcab_read_options(L, -1, &where, TLS_ROWS, &v);
        lua_pushliteral(L, "tls");
        lua_pushvalue(L, -2);
        lua_rawset(L, options); /* which keeps the table, and it its texts */
    } else if (!lua_isnil(L, -1)) {
        lcab_bad(L, &TOP, "tls", "must be a table, not %s", luaL_typename(L, -1));
    }
    if (v.min_version.len > 0 && !is(v.min_version, "1.2") && !is(v.min_version, "1.3")) {
        lcab_bad(L, &where, "min_version", "must be \"1.2\" or \"1.3\"");
    }
    e->tls_minor = is(v.min_version, "1.3") ? 3 : 2;
    e->insecure = !v.verify;
    e->ca_file = v.ca_file.data;
    e->ca_path = v.ca_path.data;
    e->cert_file = v.cert_file.data;
    e->key_file = v.key_file.data;
    e->key_password = v.key_password.data;
    e->pinned_public_key = v.pinned_public_key.data;
    lua_pop(L, 1);
}

/* Puts a text to be masked into `out`. */
static void add_secret(lua_State *L, cab_buf *out, const char *text, size_t len) {
    if (len > 0 && (!cab_buf_append(out, text, len) || !cab_buf_append(out, "", 1))) {
        lcab_raise_memory(L);
    }
}

static void read_proxy(lua_State *L, int options, cab_client_options *c, cab_engine_options *e) {
    int type = lcab_getfield(L, options, "proxy");
    c->proxy_loopback = true;
    if (type == LUA_TSTRING) {
        cab_text t;
        t.data = lua_tolstring(L, -1, &t.len);
        lcab_check_line(L, &TOP, "proxy", t, false);
        if (t.len == 0) {
            lcab_bad(L, &TOP, "proxy", "must not be empty; false means none");
        }
        e->proxy = t.data;
        c->proxy_loopback = cab_url_is_loopback(t.data);
        if (!cab_secrets_of_proxy(&c->secrets, t.data)) {
            lcab_raise_memory(L);
        }
    } else if (type != LUA_TNIL && !(type == LUA_TBOOLEAN && !lua_toboolean(L, -1))) {
        lcab_bad(L, &TOP, "proxy", "must be a URL or false");
    }
    lua_pop(L, 1);
}

static void read_endpoints(lua_State *L, cab_text text, bool allow_http, cab_client_options *c) {
    const char *p = text.data;
    const char *end = p + text.len;
    while (p < end) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const char *stop = comma != NULL ? comma : end;
        cab_error err;
        if (c->endpoint_count == CAB_MAX_ENDPOINTS) {
            cab_fail(&err, CAB_KIND_CONFIG, CAB_REASON_NONE, "endpoint", "more than %d endpoints",
                     CAB_MAX_ENDPOINTS);
            lcab_raise(L, &err);
        }
        cab_endpoint *ep = &c->endpoints[c->endpoint_count];
        while (p < stop && *p == ' ') {
            p++;
        }
        while (stop > p && stop[-1] == ' ') {
            stop--;
        }
        if (!cab_endpoint_parse(ep, p, (size_t)(stop - p), &err)) {
            lcab_raise(L, &err);
        }
        c->endpoint_count++;
        if (!ep->https && !ep->loopback && !allow_http) {
            cab_fail(&err, CAB_KIND_CONFIG, CAB_REASON_NONE, "endpoint",
                     "plain http would show the credentials to everybody on the way; use https, "
                     "or the option allow_http");
            lcab_raise(L, &err);
        }
        p = comma != NULL ? comma + 1 : end;
    }
}

static int check_callback(lua_State *L, int options, const char *name) {
    int type = lcab_getfield(L, options, name);
    if (type != LUA_TNIL && type != LUA_TFUNCTION) {
        lcab_bad(L, &TOP, name, "must be a function, not %s", luaL_typename(L, -1));
    }
    return type;
}

/* The entries of `resolve` as an array of C texts, on the stack as a userdata. */
static void read_resolve(lua_State *L, int options, cab_engine_options *e) {
    int type = lcab_getfield(L, options, "resolve");
    if (type == LUA_TNIL) {
        return;
    }
    if (type != LUA_TTABLE) {
        lcab_bad(L, &TOP, "resolve", "must be an array of \"host:port:address\"");
    }
    size_t n = lua_rawlen(L, -1);
    const char **texts = lua_newuserdata(L, (n + 1) * sizeof *texts);
    for (size_t i = 1; i <= n; i++) {
        lcab_rawgeti(L, -2, i);
        if (lua_type(L, -1) != LUA_TSTRING || strchr(lua_tostring(L, -1), ':') == NULL) {
            lcab_bad(L, &TOP, "resolve", "must be an array of \"host:port:address\"");
        }
        cab_text t;
        t.data = lua_tolstring(L, -1, &t.len);
        lcab_check_line(L, &TOP, "resolve", t, false);
        texts[i - 1] = t.data;
        lua_pop(L, 1);
    }
    e->resolve = texts;
    e->resolve_count = n;
}

/* As a line like any other: libcurl writes its own option for it twice. */
static void add_user_agent(lua_State *L, cab_text text, cab_buf *lines) {
    static const char ours[] = "codearts-build/" CAB_VERSION;
    if (!cab_buf_puts(lines, "User-Agent: ") ||
        !(text.len > 0 ? cab_buf_append(lines, text.data, text.len + 1)
                       : cab_buf_append(lines, ours, sizeof ours))) {
        lcab_raise_memory(L);
    }
}

static void read_all(lua_State *L, lcab_client *u, cab_engine_options *e) {
    option_values v;
    memset(&v, 0, sizeof v);
    v.timeout = 60;
    v.connect_timeout = 10;
    v.max_response_bytes = 8 * 1024 * 1024;
    v.max_connections = 64;
    v.idle_timeout = 30;
    lcab_read_options(L, 1, &TOP, ROWS, &v);
    cab_client_options *c = &u->options;
    if (v.endpoint.len == 0) {
        cab_error err;
        cab_fail(&err, CAB_KIND_CONFIG, CAB_REASON_NONE, "endpoint", "an endpoint is needed");
        lcab_raise(L, &err);
    }
    read_endpoints(L, v.endpoint, v.allow_http, c);
    c->timeout = v.timeout;
    c->connect_timeout = v.connect_timeout;
    c->deadline = v.deadline;
    c->max_response_bytes = (size_t)v.max_response_bytes;
    c->max_connections = (size_t)v.max_connections;
    c->max_in_flight = (size_t)v.max_in_flight;
    c->allow_http = v.allow_http;
    c->retry = (cab_retry_policy){4, 0.2, 20};
    lcab_read_retry(L, 1, &TOP, &c->retry);
    lcab_read_headers(L, 1, &TOP, &c->headers, &c->secrets);
    read_proxy(L, 1, c, e);
    read_tls(L, 1, e);
    add_secret(L, &c->secrets, e->key_password,
               e->key_password != NULL ? strlen(e->key_password) : 0);
    if (v.http_version.len > 0 && !is(v.http_version, "auto") && !is(v.http_version, "1.1") &&
        !is(v.http_version, "2")) {
        lcab_bad(L, &TOP, "http_version", "must be \"auto\", \"1.1\" or \"2\"");
    }
    e->http_version = is(v.http_version, "1.1") ? 1 : is(v.http_version, "2") ? 2 : 0;
    for (size_t i = 0; i < c->endpoint_count && e->http_version == 2; i++) {
        if (!c->endpoints[i].https) {
            cab_error err;
            cab_fail(&err, CAB_KIND_CONFIG, CAB_REASON_NONE, "http_version",
                     "HTTP/2 needs an https endpoint; plain http is spoken as HTTP/1.1");
            lcab_raise(L, &err);
        }
    }
    lcab_check_line(L, &TOP, "user_agent", v.user_agent, true);
    add_user_agent(L, v.user_agent, &c->headers);
    e->no_proxy = v.no_proxy.data;
    e->max_connections = (long)v.max_connections;
    e->idle_timeout_s = (long)ceil(v.idle_timeout);
    c->events = check_callback(L, 1, "on_event") == LUA_TFUNCTION;
    lua_pop(L, 1);
    if (lcab_getfield(L, 1, "auth") != LUA_TNIL) {
        c->identity = lcab_read_auth(L, -1, &TOP);
    }
    lua_pop(L, 1);
}

static int deliver_all(lua_State *L);
static int deliver_cancelled(lua_State *L);

/* core.new(options [, result_metatable]) */
static int client_new(lua_State *L) {
    if (!lua_istable(L, 1)) {
        return lcab_usage_error(L, "options", "must be a table, not %s", luaL_typename(L, 1));
    }
    lua_settop(L, 2);
    lcab_own_table(L, 1);
    lcab_client *u = lua_newuserdata(L, sizeof *u);
    memset(u, 0, sizeof *u);
    lcab_kept(L, CLIENT_TYPE);
    lua_setmetatable(L, -2);
    lua_createtable(L, U_CLIENT, 0);
    static const int tables[] = {U_CALLS, U_CALLBACKS, U_READY, U_CALL_EVENTS, U_STREAMS};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        lua_newtable(L);
        lcab_rawseti(L, 4, tables[i]);
    }
    lua_pushvalue(L, 2);
    lcab_rawseti(L, 4, U_RESULT_META);
    lcab_push_call_metas(L);
    lcab_rawseti(L, 4, U_ENDED_META);
    lcab_rawseti(L, 4, U_CALL_META);
    lua_pushcfunction(L, deliver_all);
    lcab_rawseti(L, 4, U_DELIVER);
    lua_pushcfunction(L, deliver_cancelled);
    lcab_rawseti(L, 4, U_DELIVER_CANCELLED);
    (void)lcab_getfield(L, 1, "on_event");
    lcab_rawseti(L, 4, U_ON_EVENT);
    lua_pushvalue(L, 3);
    lcab_rawseti(L, 4, U_CLIENT);
    lua_setuservalue(L, 3);
    u->ready_first = 1;

    cab_engine_options e;
    memset(&e, 0, sizeof e);
    read_all(L, u, &e);
    read_resolve(L, 1, &e);
    cab_error err;
    u->c = cab_client_new(&u->options, &e, &err);
    if (u->c == NULL) {
        return lcab_raise(L, &err);
    }
    memset(&u->options, 0, sizeof u->options); /* taken over */
    lcab_json_load(L); /* where no file can be opened, the client has said so by now */
    lua_settop(L, 3);
    return 1;
}

/* ---- delivering ----------------------------------------------------------------------------- */

lcab_client *lcab_check_client_to(lua_State *L, int index, bool start) {
    const lcab_where where = {"", start};
    lcab_client *u = lcab_testudata(L, index, CLIENT_TYPE);
    if (u == NULL) {
        lcab_bad(L, &where, "self", "must be a client; call its methods with a colon");
    } else if (u->c == NULL) {
        lcab_bad(L, &where, "self", "the client is closed");
    } else if (cab_client_forked(u->c)) {
        lcab_bad(L, &where, "self",
                 "the client belongs to the process that this one was forked from; make a new one");
    }
    return u;
}

lcab_client *lcab_check_client(lua_State *L, int index) {
    return lcab_check_client_to(L, index, false);
}

int64_t lcab_check_wait(lua_State *L, int index) {
    if (lua_isnoneornil(L, index)) {
        return -1;
    }
    double s = lua_type(L, index) == LUA_TNUMBER ? lua_tonumber(L, index) : -1;
    if (!(s >= 0)) {
        lcab_usage_error(L, "timeout", "must be seconds, 0 or more");
    }
    return s > LONGEST_S ? -1 : (int64_t)ceil(s * 1000);
}

static int add_traceback(lua_State *L) {
    if (lua_isnil(L, 1)) {
        lua_pushliteral(L, "a callback raised nil");
        lua_replace(L, 1);
    } else if (lua_type(L, 1) != LUA_TSTRING) {
        return 1;
    }
    lua_getglobal(L, "debug");
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

/* Calls the function below its n arguments. The first error of all is kept at `first`. */
static void call_back(lua_State *L, lcab_client *u, int n, int first) {
    int function = lua_gettop(L) - n;
    bool delivering = u->delivering, moving = u->moving;
    lua_pushcfunction(L, add_traceback);
    lua_insert(L, function);
    u->delivering = true;
    u->moving = false; /* whoever calls back looks afterwards whether the client is still there */
    int rc = lua_pcall(L, n, 0, function);
    u->delivering = delivering;
    u->moving = moving;
    if (rc != 0) {
        if (lua_isnil(L, first)) {
            lua_pushvalue(L, -1);
            lua_replace(L, first);
        }
        lua_pop(L, 1);
    }
    lua_remove(L, function);
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
    for (size_t i = 0; u->c != NULL && i < u->c->event_count; i++) {
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
    }
    if (u->c != NULL) {
        u->c->event_count = 0;
    }
}

/* Hands over what came of a streamed body. From then on the request is not repeated: its receiver
 * would see the beginning twice. */
static void stream_body(lua_State *L, lcab_client *u, int uv, cab_call *call, int first) {
    cab_buf *body = &cab_call_answer(call)->body;
    if (body->len == 0) {
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
    call_back(L, u, 1, first);
    if (before && !lua_isnil(L, first) && u->c != NULL) {
        cab_client_cancel(u->c, call); /* nobody takes the rest */
    }
}

static void deliver_streams(lua_State *L, lcab_client *u, int uv, int first) {
    cab_call *call;
    while (u->c != NULL && (call = cab_client_next_streaming(u->c)) != NULL) {
        stream_body(L, u, uv, call, first);
    }
}

void lcab_client_ready(lua_State *L, lcab_client *u, int uv, int call) {
    lcab_rawgeti(L, uv, U_READY);
    lua_pushvalue(L, call);
    lcab_rawseti(L, -2, u->ready_last + 1);
    u->ready_last++;
    lua_pop(L, 1);
}

/* Runs what is on top of the stack: the callback of the call at `call`, or a list of them. */
static void tell_callbacks(lua_State *L, lcab_client *u, int call, int first) {
    if (lua_isfunction(L, -1)) {
        lcab_push_callback_arguments(L, call);
        call_back(L, u, 2, first);
        return;
    }
    int list = lua_gettop(L), count = lua_istable(L, list) ? (int)lua_rawlen(L, list) : 0;
    for (int i = 1; i <= count; i++) {
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
    }
    if (u->ready_first > u->ready_last) {
        u->ready_first = 1;
        u->ready_last = 0;
    }
}

/* Everything that is answered gets its outcome; callbacks run afterwards. */
static void conclude(lua_State *L, lcab_client *u, int uv, int first) {
    cab_call *call;
    while ((call = cab_client_next_answered(u->c)) != NULL) {
        if (call->stream && cab_call_answer(call) != NULL && !call->ended_early &&
            cab_call_answer(call)->status >= 200 && cab_call_answer(call)->status < 300) {
            stream_body(L, u, uv, call, first);
            if (u->c == NULL) {
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
    }
}

static void deliver(lua_State *L, int client) {
    lcab_client *u = lua_touserdata(L, client);
    int top = lua_gettop(L);
    lua_getuservalue(L, client);
    int uv = top + 1, first = top + 2;
    lcab_rawgeti(L, uv, U_RAISED);
    if (u->c != NULL) {
        deliver_events(L, u, uv, first);
        deliver_streams(L, u, uv, first);
        if (u->c != NULL) {
            conclude(L, u, uv, first);
        }
        deliver_events(L, u, uv, first);
    }
    deliver_ready(L, u, uv, first);
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

/* Runs function `which` of the client's user value, protected: only memory can lack there.
 * Meanwhile a finalizer that steps is refused, and one that closes has to wait: both would end the
 * very call that is being ended. */
static int move(lua_State *L, lcab_client *u, int client, int which) {
    lua_getuservalue(L, client);
    lcab_rawgeti(L, -1, which);
    lua_remove(L, -2);
    lua_pushvalue(L, client);
    u->moving = true;
    int rc = lua_pcall(L, 1, 0, 0);
    u->moving = false;
    return rc;
}

/* Ends open calls as cancelled and tells them so; in a callback, the step around it does that. */
static void close_now(lua_State *L, lcab_client *u, int client) {
    luaL_checkstack(L, 4, "close");
    if (!cab_client_forked(u->c)) {
        cab_client_cancel_all(u->c);
        if (move(L, u, client, U_DELIVER_CANCELLED) != 0) {
            lua_error(L);
        }
    }
    cab_client_free(u->c);
    u->c = NULL;
    if (!u->delivering) {
        deliver(L, client);
    }
}

int lcab_client_step(lua_State *L, lcab_client *u, int client, int64_t wait_ms, int call) {
    if (!lua_checkstack(L, 64)) { /* enough for delivering, too: nothing is sent yet */
        lua_pushliteral(L, "stack overflow");
        return LUA_ERRRUN;
    }
    if (lcab_client_is_busy(u)) {
        lcab_usage_error(L, "step", LCAB_NOT_IN_CALLBACK);
    }
    if (call != 0) {
        lua_getuservalue(L, client);
        lcab_call_send(L, u, lua_gettop(L), call);
        lua_pop(L, 1);
    }
    if (u->ready_first <= u->ready_last || u->c->open == 0) {
        wait_ms = 0;
    }
    cab_client_step(u->c, wait_ms);
    int rc = move(L, u, client, U_DELIVER);
    if (u->close_wanted && u->c != NULL) {
        close_now(L, u, client);
    }
    return rc;
}

bool lcab_client_take_raised(lua_State *L, int client) {
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

/* A step that is for nobody's call in particular. Pushes how many remain. */
static void step(lua_State *L) {
    lcab_client *u = lcab_check_client(L, 1);
    if (lcab_client_step(L, u, 1, lcab_check_wait(L, 2), 0) != 0) {
        lua_error(L);
    }
    lua_pushinteger(L, u->c != NULL ? (lua_Integer)u->c->open : 0);
}

/* client:advance([timeout]) -> calls that remain: step, but keeps what callbacks raise.
 * client:advance(timeout, call) -> false, or true and what call:try_wait answers; a lent call is
 * sent first, and goes back with the answer */
static int client_advance(lua_State *L) {
    lua_settop(L, 3);
    if (!lua_isnil(L, 3)) {
        return lcab_call_advance(L);
    }
    step(L);
    return 1;
}

/* client:step([timeout]) -> calls that remain */
static int client_step(lua_State *L) {
    lua_settop(L, 2);
    step(L);
    return lcab_client_take_raised(L, 1) ? lua_error(L) : 1;
}

/* client:raised() -> whether a callback raised, what: the first since the last time */
static int client_raised(lua_State *L) {
    lcab_client *u = lcab_testudata(L, 1, CLIENT_TYPE);
    if (u == NULL) {
        return lcab_usage_error(L, "self", "must be a client; call its methods with a colon");
    }
    bool raised = lcab_client_take_raised(L, 1);
    lua_pushboolean(L, raised);
    if (raised) {
        lua_insert(L, -2);
    }
    return raised ? 2 : 1;
}

/* client:delivering() -> whether a step is under way, which callbacks and finalizers must not wait
 * in */
static int client_delivering(lua_State *L) {
    const lcab_client *u = lcab_testudata(L, 1, CLIENT_TYPE);
    lua_pushboolean(L, u != NULL &&
                           lcab_client_is_busy(u)); /* whether it is open, the next call says */
    return 1;
}

static int client_pollfd(lua_State *L) {
    lcab_client *u = lcab_check_client(L, 1);
    lua_pushinteger(L, cab_client_fd(u->c));
    return 1;
}

static int client_events(lua_State *L) {
    (void)lcab_check_client(L, 1);
    lua_pushliteral(L, "r");
    return 1;
}

static int client_timeout(lua_State *L) {
    lcab_client *u = lcab_check_client(L, 1);
    int64_t ms = u->ready_first <= u->ready_last ? 0 : cab_client_timeout_ms(u->c);
    if (ms < 0) {
        lua_pushnil(L);
    } else {
        lua_pushnumber(L, (lua_Number)ms / 1000);
    }
    return 1;
}

static int client_close(lua_State *L) {
    lcab_client *u = lcab_testudata(L, 1, CLIENT_TYPE);
    if (u == NULL) {
        return lcab_usage_error(L, "self", "must be a client; call its methods with a colon");
    }
    lua_settop(L, 1);
    if (u->c == NULL) {
        return 0;
    }
    if (u->moving) { /* a finalizer, in the middle of a step */
        u->close_wanted = true;
        return 0;
    }
    close_now(L, u, 1);
    if (!u->delivering && lcab_client_take_raised(L, 1)) {
        return lua_error(L);
    }
    return 0;
}

/* The collector runs no callbacks: it only frees. */
static int client_gc(lua_State *L) {
    lcab_client *u = lua_touserdata(L, 1);
    cab_client_free(u->c);
    u->c = NULL;
    cab_client_options_free(&u->options);
    return 0;
}

void lcab_client_open(lua_State *L) {
    static const luaL_Reg methods[] = {{"step", client_step},
                                       {"advance", client_advance},
                                       {"raised", client_raised},
                                       {"pollfd", client_pollfd},
                                       {"events", client_events},
                                       {"timeout", client_timeout},
                                       {"delivering", client_delivering},
                                       {"close", client_close},
                                       {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", client_gc}, {"__close", client_close}, {NULL, NULL}};
    lcab_newtype(L, CLIENT_TYPE, methods, meta);
    lcab_kept(L, CLIENT_TYPE);
    lua_getfield(L, -1, "__index");
    lcab_call_open(L);
    lua_pop(L, 2);
    lua_pushcfunction(L, client_new);
    lua_setfield(L, -2, "new");
}
