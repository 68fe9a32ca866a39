#include "lua/lua_request.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cab/crypto.h"
#include "lua/compat.h"
#include "lua/lua_file.h"
#include "lua/lua_identity.h"
#include "lua/lua_opts.h"
#include "lua/utf8.h"

#define LONGEST_S 31536000.0
/* Of a request; there is room for the client's and the credentials' beside them. */
#define MAX_SECRETS 16
#define LONGEST_PARAMETER 128

void lcab_read_retry(lua_State *L, int index, const lcab_where *where, cab_retry_policy *policy) {
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

/* ---- headers -------------------------------------------------------------------------------- */

static bool is_token(const char *s, size_t len) {
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        bool letter = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
        if (!letter && (c == 0 || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return false;
        }
    }
    return len > 0;
}

static bool is_ours(const char *name) {
    static const char *const names[] = {"Host",
                                        "Content-Length",
                                        "Transfer-Encoding",
                                        "Connection",
                                        "Expect",
                                        "Accept-Encoding",
                                        "Authorization",
                                        "X-Auth-Token",
                                        "X-Sdk-Date",
                                        "X-Sdk-Content-Sha256",
                                        "X-Security-Token",
                                        "X-Project-Id",
                                        "Proxy-Authorization",
                                        "Proxy-Connection",
                                        "Keep-Alive",
                                        "Upgrade",
                                        "TE",
                                        "Trailer",
                                        "Content-Encoding"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcasecmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool holds_name(const cab_buf *lines, const char *name, size_t len) {
    const char *p = lines->data;
    const char *end = p != NULL ? p + lines->len : NULL;
    for (; p < end; p += strlen(p) + 1) {
        if (strncasecmp(p, name, len) == 0 && p[len] == ':') {
            return true;
        }
    }
    return false;
}

/* Whether a header of that name is likely to hold something that must not be shown. */
static bool is_telling(const char *name) {
    static const char *const parts[] = {"token",  "secret",  "key",        "pass",      "auth",
                                        "cookie", "session", "credential", "signature", "jwt"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strcasestr(name, parts[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* trusted: a request of this library's own Lua side, which may set Authorization. */
static void read_headers(lua_State *L, int index, const lcab_where *where, cab_buf *lines,
                         cab_buf *secrets, bool trusted) {
    lcab_where inner = {"headers.", where->starts_build};
    int type = lcab_getfield(L, index, "headers");
    if (type != LUA_TNIL && type != LUA_TTABLE) {
        lcab_bad(L, where, "headers", "must be a map of names to values");
    }
    int count = 0;
    if (type == LUA_TTABLE) {
        lua_pushnil(L);
    }
    for (; type == LUA_TTABLE && lua_next(L, -2); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) {
            lcab_bad(L, where, "headers", "must be a map of names to values");
        }
        cab_text name, value;
        name.data = lua_tolstring(L, -2, &name.len);
        if (!is_token(name.data, name.len) || name.len > 64) {
            lcab_bad(L, where, "headers", "a name is not that of a header");
        }
        if (lua_type(L, -1) != LUA_TSTRING) {
            lcab_bad(L, &inner, name.data, "must be a string, not %s", luaL_typename(L, -1));
        }
        value.data = lua_tolstring(L, -1, &value.len);
        lcab_check_line(L, &inner, name.data, value, true);
        if (!lcab_utf8_valid(value.data, value.len)) {
            lcab_bad(L, &inner, name.data, "must be valid UTF-8");
        }
        if (value.len > 32768 || strspn(value.data, " \t") == value.len) {
            /* libcurl takes a blank one for the wish to leave the header out. */
            lcab_bad(L, &inner, name.data,
                     "must have from 1 to 32768 bytes, not all of them blank");
        }
        if (!trusted && is_ours(name.data)) {
            lcab_bad(L, &inner, name.data, "is set by the library");
        }
        if (holds_name(lines, name.data, name.len)) {
            lcab_bad(L, &inner, name.data, "is given twice");
        }
        if (++count > 32) {
            lcab_bad(L, where, "headers", "more than 32");
        }
        if (!cab_buf_append(lines, name.data, name.len) || !cab_buf_append(lines, ": ", 2) ||
            !cab_buf_append(lines, value.data, value.len + 1) ||
            (is_telling(name.data) && !cab_buf_append(secrets, value.data, value.len + 1))) {
            lcab_raise_memory(L);
        }
    }
    lua_pop(L, 1);
}

void lcab_read_headers(lua_State *L, int index, const lcab_where *where, cab_buf *lines,
                       cab_buf *secrets) {
    read_headers(L, index, where, lines, secrets, false);
}

/* ---- the options of one call ---------------------------------------------------------------- */

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

static void replace_identity(cab_call *c, cab_identity *i) {
    cab_identity_unref(c->identity);
    c->identity = i;
}

void lcab_read_call_options(lua_State *L, int index, cab_call *c, lcab_call_facts *facts) {
    typedef struct {
        double timeout, deadline;
    } values;
    static const lcab_opt_row rows[] = {
        {"timeout", LCAB_NUMBER, offsetof(values, timeout), 0.001, LONGEST_S},
        {"deadline", LCAB_NUMBER, offsetof(values, deadline), 0.001, LONGEST_S},
        {"retry", LCAB_OTHER, 0, 0, 0},
        {"headers", LCAB_OTHER, 0, 0, 0},
        {"auth", LCAB_OTHER, 0, 0, 0},
        {"on_event", LCAB_OTHER, 0, 0, 0},
        {"run_id", LCAB_OTHER, 0, 0, 0},
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
    lcab_read_retry(L, index, &where, &c->retry);
    read_headers(L, index, &where, &c->headers, &c->secrets, false);
    if (lcab_getfield(L, index, "on_event") != LUA_TNIL && !lua_isfunction(L, -1)) {
        lcab_bad(L, &where, "on_event", "must be a function, not %s", luaL_typename(L, -1));
    }
    if (lcab_getfield(L, index, "auth") != LUA_TNIL) {
        replace_identity(c, lcab_read_auth(L, -1, &where));
    }
    lua_pop(L, 2);
    if (facts->answer == LCAB_ANSWER_RUN) {
        read_run_id(L, index, &where, c);
    } else {
        if (lcab_getfield(L, index, "run_id") != LUA_TNIL) {
            lcab_bad(L, &where, "run_id", "is for starting a build");
        }
        lua_pop(L, 1);
    }
}

/* ---- any request ---------------------------------------------------------------------------- */

typedef struct {
    cab_text operation, method, path, url, answer;
    bool read_only, starts_build;
} spec_values;

#define ROW(name, type)                                                                            \
    { #name, type, offsetof(spec_values, name), 0, 0 }
static const lcab_opt_row SPEC[] = {ROW(operation, LCAB_TEXT),
                                    ROW(method, LCAB_TEXT),
                                    ROW(path, LCAB_TEXT),
                                    ROW(url, LCAB_TEXT),
                                    ROW(answer, LCAB_TEXT),
                                    ROW(read_only, LCAB_BOOLEAN),
                                    ROW(starts_build, LCAB_BOOLEAN),
                                    {"query", LCAB_OTHER, 0, 0, 0},
                                    {"headers", LCAB_OTHER, 0, 0, 0},
                                    {"body", LCAB_OTHER, 0, 0, 0},
                                    {"auth", LCAB_OTHER, 0, 0, 0},
                                    {"secrets", LCAB_OTHER, 0, 0, 0},
                                    {"stream", LCAB_OTHER, 0, 0, 0},
                                    {NULL, LCAB_OTHER, 0, 0, 0}};

static const lcab_where WHERE = {"", false};

static void append(lua_State *L, cab_buf *b, const char *data, size_t len) {
    if (!cab_buf_append(b, data, len)) {
        lcab_raise_memory(L);
    }
}

static void read_target(lua_State *L, const spec_values *v, cab_call *c) {
    cab_error err;
    const char *target = v->path.data;
    lcab_check_line(L, &WHERE, "path", v->path, false);
    lcab_check_line(L, &WHERE, "url", v->url, false);
    if (v->url.len > 0) {
        if (!cab_endpoint_split_url(&c->elsewhere, &target, v->url.data, &err)) {
            (void)snprintf(err.field, sizeof err.field, "url");
            lcab_raise(L, &err);
        }
        /* A finalizer that closed the client is found out when all is read. */
        bool allowed = c->client == NULL || c->client->options.allow_http;
        if (!c->elsewhere.https && !c->elsewhere.loopback && !allowed && c->identity != NULL) {
            lcab_bad(L, &WHERE, "url", "credentials go over https only");
        }
    }
    if (target == NULL || target[0] != '/' || strchr(target, '?') != NULL ||
        strchr(target, '#') != NULL) {
        lcab_bad(L, &WHERE, v->url.len > 0 ? "url" : "path",
                 "must have a path that begins with / and no query");
    }
    append(L, &c->path, target, strlen(target));
}

static cab_text member_text(lua_State *L, int index, int n) {
    cab_text t = {NULL, 0};
    lcab_rawgeti(L, index, n);
    if (lua_type(L, -1) != LUA_TSTRING) {
        lcab_bad(L, &WHERE, "query", "must be an array of { name, value }");
    }
    t.data = lua_tolstring(L, -1, &t.len);
    lua_pop(L, 1);
    return t;
}

static void read_query(lua_State *L, int index, cab_call *c) {
    if (lcab_getfield(L, index, "query") == LUA_TNIL) {
        lua_pop(L, 1);
        return;
    }
    if (!lua_istable(L, -1)) {
        lcab_bad(L, &WHERE, "query", "must be an array of { name, value }");
    }
    int query = lua_gettop(L);
    size_t n = lcab_rawlen(L, query);
    cab_pair *pairs = lua_newuserdata(L, (n + 1) * sizeof *pairs);
    for (size_t i = 0; i < n; i++) {
        lcab_rawgeti(L, query, i + 1);
        if (!lua_istable(L, -1)) {
            lcab_bad(L, &WHERE, "query", "must be an array of { name, value }");
        }
        pairs[i].name = member_text(L, lua_gettop(L), 1);
        pairs[i].value = member_text(L, lua_gettop(L), 2);
        lua_pop(L, 1);
    }
    if (!cab_url_canonical_query(&c->query, pairs, n)) {
        lcab_raise_memory(L);
    }
    lua_settop(L, query - 1);
}

static void read_body(lua_State *L, int index, cab_call *c) {
    int type = lcab_getfield(L, index, "body");
    if (type == LUA_TSTRING) {
        size_t len;
        const char *text = lua_tolstring(L, -1, &len);
        append(L, &c->body, text, len);
        c->has_body = true;
    } else if (type != LUA_TNIL) {
        lcab_bad(L, &WHERE, "body", "must be a string, not %s", luaL_typename(L, -1));
    }
    lua_pop(L, 1);
}

static void read_secrets(lua_State *L, int index, cab_call *c) {
    if (lcab_getfield(L, index, "secrets") == LUA_TTABLE) {
        size_t n = lcab_rawlen(L, -1);
        if (n > MAX_SECRETS) {
            lcab_bad(L, &WHERE, "secrets", "more than %d", MAX_SECRETS);
        }
        for (size_t i = 1; i <= n; i++) {
            lcab_rawgeti(L, -1, i);
            size_t len;
            const char *text = lua_tolstring(L, -1, &len);
            if (text != NULL && len > 0) {
                append(L, &c->secrets, text, len + 1);
            }
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
}

static void read_spec_auth(lua_State *L, int index, cab_call *c) {
    int type = lcab_getfield(L, index, "auth");
    if (type == LUA_TBOOLEAN && !lua_toboolean(L, -1)) {
        replace_identity(c, NULL);
        c->no_client_headers = true;
    } else if (type != LUA_TNIL) {
        replace_identity(c, lcab_read_auth(L, -1, &WHERE));
    }
    lua_pop(L, 1);
}

static lcab_answer_kind answer_kind(lua_State *L, cab_text t) {
    static const char *const names[] = {"json", "bytes", "raw"};
    static const lcab_answer_kind kinds[] = {LCAB_ANSWER_JSON, LCAB_ANSWER_BYTES, LCAB_ANSWER_RAW};
    for (int i = 0; t.len > 0 && i < 3; i++) {
        if (strcmp(t.data, names[i]) == 0) {
            return kinds[i];
        }
    }
    if (t.len > 0) {
        lcab_bad(L, &WHERE, "answer", "must be \"json\", \"bytes\" or \"raw\"");
    }
    return LCAB_ANSWER_JSON;
}

void lcab_read_request(lua_State *L, int index, cab_call *c, lcab_call_facts *facts) {
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "PATCH", NULL};
    if (!lua_istable(L, index)) {
        lcab_bad(L, &WHERE, "spec", "must be a table, not %s", luaL_typename(L, index));
    }
    lcab_own_table(L, index);
    spec_values v;
    memset(&v, 0, sizeof v);
    lua_pushliteral(L, "read_only");
    lua_rawget(L, index);
    bool told = !lua_isnil(L, -1);
    lua_pop(L, 1);
    lcab_read_options(L, index, &WHERE, SPEC, &v);
    const char *method = v.method.len > 0 ? v.method.data : "GET";
    size_t m = 0;
    while (methods[m] != NULL && strcmp(methods[m], method) != 0) {
        m++;
    }
    if (methods[m] == NULL) {
        lcab_bad(L, &WHERE, "method", "must be GET, POST, PUT, DELETE or PATCH");
    }
    (void)snprintf(c->method, sizeof c->method, "%s", method);
    (void)snprintf(c->operation, sizeof c->operation, "%s",
                   v.operation.len > 0 ? v.operation.data : "request");
    bool reads = told ? v.read_only : m == 0;
    c->op = v.starts_build ? CAB_OP_START : reads ? CAB_OP_READ : CAB_OP_CHANGE;
    facts->answer = v.starts_build ? LCAB_ANSWER_RUN : answer_kind(L, v.answer);
    c->any_status = facts->answer == LCAB_ANSWER_RAW;
    read_spec_auth(L, index, c);
    read_target(L, &v, c);
    read_query(L, index, c);
    read_headers(L, index, &WHERE, &c->headers, &c->secrets, true);
    read_body(L, index, c);
    read_secrets(L, index, c);
    c->stream = lcab_getfield(L, index, "stream") != LUA_TNIL;
    if (c->stream && !lua_isfunction(L, -1) && !lcab_is_spool(L, -1)) {
        lcab_bad(L, &WHERE, "stream", "must be a function, not %s", luaL_typename(L, -1));
    }
    lua_pop(L, 1);
}
