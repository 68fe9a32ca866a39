#include "lua/lua_options.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include <sys/stat.h>

#include "cab/crypto.h"
#include "cab/secret.h"
#include "cab/texts.h"
#include "lua/compat.h"
#include "lua/lua_error.h"
#include "lua/lua_headers.h"
#include "lua/lua_identity.h"
#include "lua/lua_opts.h"
#include "lua/version.h"

#define LONGEST_PARAMETER 128

static const lcab_where TOP = {"", false};

/* ---- of clients and calls ------------------------------------------------------------------- */

static void read_retry(lua_State *L, int index, const lcab_where *where, cab_retry_policy *policy) {
    typedef struct {
        double max_attempts, base_delay, max_delay;
    } values;
    static const lcab_opt_row rows[] = {
        {"max_attempts", LCAB_WHOLE, offsetof(values, max_attempts), 1, 1000},
        {"base_delay", LCAB_NUMBER, offsetof(values, base_delay), 0, 3600},
        {"max_delay", LCAB_NUMBER, offsetof(values, max_delay), 0, 3600},
        {NULL, LCAB_OTHER, 0, 0, 0}};
    int type = lcab_getfield(L, index, "retry");
    if (type == LUA_TTABLE) {
        lcab_where inner = {"retry.", where->starts_build};
        values v = {policy->max_attempts, policy->base_delay, policy->max_delay};
        lcab_read_options(L, -1, &inner, rows, &v);
        *policy = (cab_retry_policy){(int)v.max_attempts, v.base_delay, v.max_delay};
    } else if (type == LUA_TBOOLEAN && !lua_toboolean(L, -1)) {
        policy->max_attempts = 1;
    } else if (type != LUA_TNIL) {
        lcab_bad(L, where, "retry", "must be false or a table");
    }
    lua_pop(L, 1);
}

/* ---- of clients ----------------------------------------------------------------------------- */

typedef struct {
    cab_text endpoint, no_proxy, user_agent, http_version;
    double timeout, connect_timeout, deadline, max_response_bytes, max_connections, max_in_flight,
        idle_timeout;
    bool allow_http, trace;
} option_values;

#define ROW(name, type, min, max)                                                                  \
    { #name, type, offsetof(option_values, name), min, max }
#define OTHER(name)                                                                                \
    { #name, LCAB_OTHER, 0, 0, 0 }
static const lcab_opt_row ROWS[] = {ROW(endpoint, LCAB_TEXT, 0, 0),
                                    OTHER(auth),
                                    ROW(timeout, LCAB_NUMBER, 0.001, LCAB_LONGEST_S),
                                    ROW(connect_timeout, LCAB_NUMBER, 0.001, LCAB_LONGEST_S),
                                    ROW(deadline, LCAB_NUMBER, 0.001, LCAB_LONGEST_S),
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
                                    ROW(trace, LCAB_BOOLEAN, 0, 0),
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

#define LONGEST_PATH 4095 /* bytes */

/* Who puts what the file should hold there is not to read it in an error. */
static void check_path(lua_State *L, const lcab_where *where, const char *name, cab_text path) {
    if (path.len > LONGEST_PATH || (path.len > 0 && strstr(path.data, "-----BEGIN") != NULL)) {
        lcab_bad(L, where, name, "is the text of a key or certificate, not the path of a file");
    }
}

/* libcurl would wait for a pipe, and read a device without an end. Whether there is a file is seen
 * when it is read. */
static void check_tls_file(lua_State *L, const lcab_where *where, const char *name, cab_text path) {
    struct stat s;
    check_path(L, where, name, path);
    if (path.len > 0 && stat(path.data, &s) == 0 && !S_ISREG(s.st_mode)) {
        lcab_bad(L, where, name, "must name a file, not a folder, pipe or device");
    }
}

/* Puts a text to be masked into `out`. */
static void add_secret(lua_State *L, cab_buf *out, cab_text text) {
    if (text.len > 0 && !cab_texts_add(out, text.data, text.len)) {
        lcab_raise_memory(L);
    }
}

/* Whether there is such a file, or a folder for it. */
static bool is_path(const char *text) {
    struct stat s;
    if (stat(text, &s) == 0) {
        return true;
    }
    const char *slash = strrchr(text, '/');
    if (slash == NULL || slash == text) { /* which base64 may begin with */
        return false;
    }
    char folder[LONGEST_PATH + 1];
    memcpy(folder, text, (size_t)(slash - text));
    folder[slash - text] = '\0';
    return stat(folder, &s) == 0;
}

/* What errors must not show. Whoever sets a path may have put a password or what the file should
 * hold there. */
static void add_tls_secrets(lua_State *L, cab_buf *out, const tls_values *v) {
    const cab_text paths[] = {v->ca_file, v->ca_path, v->cert_file, v->key_file};
    add_secret(L, out, v->key_password);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (paths[i].len > 0 && !is_path(paths[i].data)) {
            add_secret(L, out, paths[i]);
        }
    }
}

/* Reads the table on top of the stack, which keeps the texts. */
static void read_tls_values(lua_State *L, tls_values *v, cab_trust *trust) {
    static const lcab_where where = {"tls.", false};
    memset(v, 0, sizeof *v);
    v->verify = true;
    if (lua_istable(L, -1)) {
        lcab_read_options(L, -1, &where, TLS_ROWS, v);
    } else if (!lua_isnil(L, -1)) {
        lcab_bad(L, &TOP, "tls", "must be a table, not %s", luaL_typename(L, -1));
    }
    if (v->min_version.len > 0 && !is(v->min_version, "1.2") && !is(v->min_version, "1.3")) {
        lcab_bad(L, &where, "min_version", "must be \"1.2\" or \"1.3\"");
    }
    check_path(L, &where, "ca_file", v->ca_file);
    check_path(L, &where, "ca_path", v->ca_path);
    check_tls_file(L, &where, "cert_file", v->cert_file);
    check_tls_file(L, &where, "key_file", v->key_file);
    *trust = (cab_trust){.ca_file = v->ca_file.data,
                         .ca_path = v->ca_path.data,
                         .cert_file = v->cert_file.data,
                         .key_file = v->key_file.data,
                         .key_password = v->key_password.data,
                         .pinned_public_key = v->pinned_public_key.data,
                         .insecure = !v->verify,
                         .tls_minor = is(v->min_version, "1.3") ? 3 : 2};
}

static void read_tls(lua_State *L, int options, cab_buf *secrets, cab_engine_options *e) {
    tls_values v;
    if (lcab_getfield(L, options, "tls") == LUA_TTABLE) {
        lcab_own_table(L, -1);
        lua_pushliteral(L, "tls");
        lua_pushvalue(L, -2);
        lua_rawset(L, options); /* which keeps the table, and it its texts */
    }
    read_tls_values(L, &v, &e->trust);
    add_tls_secrets(L, secrets, &v);
    lua_pop(L, 1);
}

static void read_proxy(lua_State *L, int options, cab_client_options *o, cab_engine_options *e) {
    int type = lcab_getfield(L, options, "proxy");
    o->proxy_loopback = true;
    if (type == LUA_TSTRING) {
        cab_text t;
        t.data = lua_tolstring(L, -1, &t.len);
        lcab_check_line(L, &TOP, "proxy", t, false);
        if (t.len == 0) {
            lcab_bad(L, &TOP, "proxy", "must not be empty; false means none");
        }
        const char *problem = cab_proxy_problem(t.data);
        const char *secret = problem == NULL ? cab_url_secret(t.data) : NULL;
        if (problem != NULL || secret != NULL) {
            cab_error err;
            cab_fail(&err, CAB_KIND_CONFIG, CAB_REASON_NONE, "proxy", "proxy: %s%s",
                     secret != NULL ? "it " : "", secret != NULL ? secret : problem);
            lcab_raise(L, &err);
        }
        e->proxy = t.data;
        o->proxy_loopback = cab_url_is_loopback(t.data);
        if (!cab_secrets_of_proxy(&o->secrets, t.data)) {
            lcab_raise_memory(L);
        }
    } else if (type != LUA_TNIL && !(type == LUA_TBOOLEAN && !lua_toboolean(L, -1))) {
        lcab_bad(L, &TOP, "proxy", "must be a URL or false");
    }
    lua_pop(L, 1);
}

static void read_endpoints(lua_State *L, cab_text text, bool allow_http, cab_client_options *o) {
    const char *p = text.data;
    const char *end = p + text.len;
    while (p < end) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const char *stop = comma != NULL ? comma : end;
        cab_error err;
        if (o->endpoint_count == CAB_MAX_ENDPOINTS) {
            cab_fail(&err, CAB_KIND_CONFIG, CAB_REASON_NONE, "endpoint", "more than %d endpoints",
                     CAB_MAX_ENDPOINTS);
            lcab_raise(L, &err);
        }
        cab_endpoint *ep = &o->endpoints[o->endpoint_count];
        while (p < stop && *p == ' ') {
            p++;
        }
        while (stop > p && stop[-1] == ' ') {
            stop--;
        }
        if (!cab_endpoint_parse(ep, p, (size_t)(stop - p), &err)) {
            lcab_raise(L, &err);
        }
        o->endpoint_count++;
        if (!ep->https && !ep->loopback && !allow_http) {
            cab_fail(&err, CAB_KIND_CONFIG, CAB_REASON_NONE, "endpoint",
                     "plain http would show the credentials to everybody on the way; use https, "
                     "or the option allow_http");
            lcab_raise(L, &err);
        }
        p = comma != NULL ? comma + 1 : end;
    }
}

static int check_callback(lua_State *L, int options, const lcab_where *where, const char *name) {
    int type = lcab_getfield(L, options, name);
    if (type != LUA_TNIL && type != LUA_TFUNCTION) {
        lcab_bad(L, where, name, "must be a function, not %s", luaL_typename(L, -1));
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
    size_t n = lcab_rawlen(L, -1);
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

static int read_version(lua_State *L, cab_text text, const cab_client_options *o) {
    if (text.len == 0 || is(text, "auto")) {
        return 0;
    } else if (is(text, "1.1")) {
        return 1;
    } else if (!is(text, "2")) {
        lcab_bad(L, &TOP, "http_version", "must be \"auto\", \"1.1\" or \"2\"");
    }
    for (size_t i = 0; i < o->endpoint_count; i++) {
        if (!o->endpoints[i].https) {
            cab_error err;
            cab_fail(&err, CAB_KIND_CONFIG, CAB_REASON_NONE, "http_version",
                     "HTTP/2 needs an https endpoint; plain http is spoken as HTTP/1.1");
            lcab_raise(L, &err);
        }
    }
    return 2;
}

void lcab_read_client_options(lua_State *L, int options, cab_client_options *o,
                              cab_engine_options *e) {
    option_values v;
    memset(&v, 0, sizeof v);
    v.timeout = 60;
    v.connect_timeout = 10;
    v.max_response_bytes = 8 * 1024 * 1024;
    v.max_connections = 64;
    v.idle_timeout = 30;
    lcab_read_options(L, options, &TOP, ROWS, &v);
    if (v.endpoint.len == 0) {
        cab_error err;
        cab_fail(&err, CAB_KIND_CONFIG, CAB_REASON_NONE, "endpoint", "an endpoint is needed");
        lcab_raise(L, &err);
    }
    read_endpoints(L, v.endpoint, v.allow_http, o);
    o->timeout = v.timeout;
    o->connect_timeout = v.connect_timeout;
    o->deadline = v.deadline;
    o->max_response_bytes = (size_t)v.max_response_bytes;
    o->max_connections = (size_t)v.max_connections;
    o->max_in_flight = (size_t)v.max_in_flight;
    o->allow_http = v.allow_http;
    o->trace = v.trace;
    o->retry = (cab_retry_policy){4, 0.2, 20};
    read_retry(L, options, &TOP, &o->retry);
    lcab_read_headers(L, options, &TOP, false, &o->headers, &o->secrets);
    read_proxy(L, options, o, e);
    read_tls(L, options, &o->secrets, e);
    e->http_version = read_version(L, v.http_version, o);
    lcab_check_line(L, &TOP, "user_agent", v.user_agent, true);
    add_user_agent(L, v.user_agent, &o->headers);
    e->no_proxy = v.no_proxy.data;
    e->max_connections = (long)v.max_connections;
    e->idle_timeout_s = (long)ceil(v.idle_timeout);
    o->events = check_callback(L, options, &TOP, "on_event") == LUA_TFUNCTION;
    lua_pop(L, 1);
    if (lcab_getfield(L, options, "auth") != LUA_TNIL) {
        o->identity = lcab_read_auth(L, -1, &TOP);
    }
    lua_pop(L, 1);
    read_resolve(L, options, e);
}

/* ---- of calls ------------------------------------------------------------------------------- */

/* Puts the id and the name of the parameter that gets it into the call's note, each with its NUL.
 */
static void read_run_id(lua_State *L, int index, const lcab_where *where, cab_call *c) {
    typedef struct {
        cab_text parameter;
    } values;
    static const lcab_opt_row rows[] = {{"parameter", LCAB_TEXT, offsetof(values, parameter), 0, 0},
                                        {NULL, LCAB_OTHER, 0, 0, 0}};
    int type = lcab_getfield(L, index, "run_id");
    if (type == LUA_TTABLE) {
        lcab_where inner = {"run_id.", true};
        values v = {{NULL, 0}};
        lcab_read_options(L, -1, &inner, rows, &v);
        if (v.parameter.len == 0 || v.parameter.len > LONGEST_PARAMETER) {
            lcab_bad(L, &inner, "parameter", "must have from 1 to 128 bytes");
        }
        char id[37];
        if (!cab_uuid(id)) {
            lcab_bad(L, where, "run_id", "the system has no random bytes to give");
        }
        if (!cab_buf_append(&c->note, id, sizeof id) ||
            !cab_buf_append(&c->note, v.parameter.data, v.parameter.len + 1)) {
            lcab_raise_memory(L);
        }
    } else if (type != LUA_TNIL) {
        lcab_bad(L, where, "run_id", "must be { parameter = name }");
    }
    lua_pop(L, 1);
}

void lcab_replace_identity(cab_call *c, cab_identity *i) {
    if (i != NULL && c->client != NULL) {
        cab_client_know(c->client, i);
    }
    cab_identity_unref(c->identity);
    c->identity = i;
}

static void set_call_trust(lua_State *L, cab_call *c, const cab_trust *trust) {
    const char *texts[] = {trust->ca_file,  trust->ca_path,      trust->cert_file,
                           trust->key_file, trust->key_password, trust->pinned_public_key};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text = texts[i] != NULL ? texts[i] : "";
        if (!cab_buf_append(&c->trust_texts, text, strlen(text) + 1)) {
            lcab_raise_memory(L);
        }
    }
    c->trust = *trust; /* but for its texts */
    c->has_trust = true;
}

void lcab_read_call_trust(lua_State *L, int index, cab_call *c) {
    if (lcab_getfield(L, index, "tls") != LUA_TNIL) {
        tls_values v;
        cab_trust trust;
        if (lua_istable(L, -1)) {
            lcab_own_table(L, -1);
        }
        read_tls_values(L, &v, &trust);
        set_call_trust(L, c, &trust);
        add_tls_secrets(L, &c->secrets, &v);
    }
    lua_pop(L, 1);
}

void lcab_withhold_certificate(lua_State *L, cab_call *c) {
    cab_trust trust = *cab_engine_trust(c->client->engine);
    if (!c->has_trust && trust.cert_file != NULL) {
        trust.cert_file = trust.key_file = trust.key_password = NULL;
        set_call_trust(L, c, &trust);
    }
}

/* Keys need a store and the history of the job: the Lua side has them. */
static void refuse_key_options(lua_State *L, int index, const lcab_where *where) {
    static const char *const names[] = {"key", "key_wait", "when_lost", "settle"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (lcab_getfield(L, index, names[i]) != LUA_TNIL) {
            lcab_bad(L, where, names[i],
                     i == 0 ? "is for clients of require \"codearts.build\" that start a build"
                            : "goes with a key, for clients of require \"codearts.build\"");
        }
        lua_pop(L, 1);
    }
}

void lcab_read_call_options(lua_State *L, int index, cab_call *c) {
    typedef struct {
        double timeout, deadline;
    } values;
    static const lcab_opt_row rows[] = {
        {"timeout", LCAB_NUMBER, offsetof(values, timeout), 0.001, LCAB_LONGEST_S},
        {"deadline", LCAB_NUMBER, offsetof(values, deadline), 0.001, LCAB_LONGEST_S},
        {"retry", LCAB_OTHER, 0, 0, 0},
        {"headers", LCAB_OTHER, 0, 0, 0},
        {"auth", LCAB_OTHER, 0, 0, 0},
        {"on_event", LCAB_OTHER, 0, 0, 0},
        {"run_id", LCAB_OTHER, 0, 0, 0},
        {"key", LCAB_OTHER, 0, 0, 0},
        {"key_wait", LCAB_OTHER, 0, 0, 0},
        {"when_lost", LCAB_OTHER, 0, 0, 0},
        {"settle", LCAB_OTHER, 0, 0, 0},
        {NULL, LCAB_OTHER, 0, 0, 0}};
    if (lua_isnoneornil(L, index)) {
        return;
    }
    lcab_where where = {"", c->op == CAB_OP_START};
    if (!lua_istable(L, index)) {
        lcab_bad(L, &where, "opts", "must be a table, not %s", luaL_typename(L, index));
    }
    values v = {c->timeout, c->deadline};
    lcab_read_options(L, index, &where, rows, &v);
    c->timeout = v.timeout;
    c->deadline = v.deadline;
    refuse_key_options(L, index, &where);
    read_retry(L, index, &where, &c->retry);
    lcab_read_headers(L, index, &where, false, &c->headers, &c->secrets);
    (void)check_callback(L, index, &where, "on_event");
    lua_pop(L, 1);
    if (lcab_getfield(L, index, "auth") != LUA_TNIL) {
        lcab_replace_identity(c, lcab_read_auth(L, -1, &where));
    }
    lua_pop(L, 1);
    if (c->op == CAB_OP_START) {
        read_run_id(L, index, &where, c);
    } else {
        if (lcab_getfield(L, index, "run_id") != LUA_TNIL) {
            lcab_bad(L, &where, "run_id", "is for starting a build");
        }
        lua_pop(L, 1);
    }
}
