#include "lua/lua_request.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lua/compat.h"
#include "lua/lua_file.h"
#include "lua/lua_headers.h"
#include "lua/lua_identity.h"
#include "lua/lua_options.h"
#include "lua/lua_opts.h"

/* Of a request: as many as an identity knows. There is room for the client's and the credentials'
 * beside them. */
#define MAX_SECRETS (2 * (CAB_RECENT_CREDENTIALS + 1))

typedef struct {
    cab_text operation, method, path, url, answer;
    bool read_only, direct, certificate;
} spec_values;

#define ROW(name, type)                                                                            \
    { #name, type, offsetof(spec_values, name), 0, 0 }
static const lcab_opt_row SPEC[] = {ROW(operation, LCAB_TEXT),
                                    ROW(method, LCAB_TEXT),
                                    ROW(path, LCAB_TEXT),
                                    ROW(url, LCAB_TEXT),
                                    ROW(answer, LCAB_TEXT),
                                    ROW(read_only, LCAB_BOOLEAN),
                                    ROW(direct, LCAB_BOOLEAN),
                                    ROW(certificate, LCAB_BOOLEAN),
                                    {"tls", LCAB_OTHER, 0, 0, 0},
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

/* Answers whether it has what is hidden as a secret. */
static bool read_query(lua_State *L, int index, cab_call *c) {
    if (lcab_getfield(L, index, "query") == LUA_TNIL) {
        lua_pop(L, 1);
        return false;
    }
    bool tells = false;
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
        /* Not what all of a text would be hidden for: max-keys=100 is no secret. */
        if (pairs[i].value.len >= CAB_SHORTEST_SECRET && lcab_is_telling(pairs[i].name)) {
            append(L, &c->secrets, pairs[i].value.data, pairs[i].value.len + 1);
            tells = true;
        }
    }
    if (!cab_url_canonical_query(&c->query, pairs, n)) {
        lcab_raise_memory(L);
    }
    lua_settop(L, query - 1);
    return tells;
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

/* A finalizer that closed the client is found out when all is read. */
static bool goes_to_service(const cab_call *c) {
    bool found = c->elsewhere.base == NULL || c->client == NULL;
    for (size_t i = 0; !found && i < c->client->options.endpoint_count; i++) {
        found = cab_endpoint_same(&c->elsewhere, &c->client->options.endpoints[i]);
    }
    return found;
}

/* What is the client's goes to its service alone; to others what the request brings. */
static void read_spec_auth(lua_State *L, int index, cab_call *c) {
    int type = lcab_getfield(L, index, "auth");
    bool none = type == LUA_TBOOLEAN && !lua_toboolean(L, -1);
    if (none || !goes_to_service(c)) {
        lcab_replace_identity(c, NULL);
        c->no_client_headers = true;
    }
    if (type != LUA_TNIL && !none) {
        lcab_replace_identity(c, lcab_read_auth(L, -1, &WHERE));
    }
    lua_pop(L, 1);
}

void lcab_check_way(lua_State *L, const cab_call *c, bool query_tells, bool weighed) {
    bool allowed = c->client == NULL || c->client->options.allow_http;
    if (c->elsewhere.base != NULL && !c->elsewhere.https && !c->elsewhere.loopback && !allowed &&
        (c->identity != NULL || (!weighed && (query_tells || lcab_holds_telling(&c->headers))))) {
        lcab_bad(L, &WHERE, "url", "credentials go over https only");
    }
}

static lcab_answer_kind answer_kind(lua_State *L, cab_text t) {
    static const char *const names[] = {"json", "cut", "text", "bytes", "raw"};
    static const lcab_answer_kind kinds[] = {LCAB_ANSWER_JSON, LCAB_ANSWER_CUT, LCAB_ANSWER_TEXT,
                                             LCAB_ANSWER_BYTES, LCAB_ANSWER_RAW};
    for (size_t i = 0; t.len > 0 && i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(t.data, names[i]) == 0) {
            return kinds[i];
        }
    }
    if (t.len > 0) {
        lcab_bad(L, &WHERE, "answer", "must be \"json\", \"cut\", \"text\", \"bytes\" or \"raw\"");
    }
    return LCAB_ANSWER_JSON;
}

bool lcab_read_request(lua_State *L, int index, cab_call *c, lcab_context *context) {
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
    c->op = reads ? CAB_OP_READ : CAB_OP_CHANGE;
    context->answer = answer_kind(L, v.answer);
    c->any_status = context->answer == LCAB_ANSWER_RAW;
    c->bytes = context->answer == LCAB_ANSWER_BYTES;
    read_target(L, &v, c);
    read_spec_auth(L, index, c);
    bool tells = read_query(L, index, c);
    lcab_read_headers(L, index, &WHERE, true, &c->headers, &c->secrets);
    read_body(L, index, c);
    read_secrets(L, index, c);
    lcab_read_call_trust(L, index, c);
    if (!v.certificate && !goes_to_service(c)) {
        lcab_withhold_certificate(L, c);
    }
    c->direct = v.direct;
    c->stream = lcab_getfield(L, index, "stream") != LUA_TNIL;
    if (c->stream && !lua_isfunction(L, -1) && !lcab_is_spool(L, -1)) {
        lcab_bad(L, &WHERE, "stream", "must be a function, not %s", luaL_typename(L, -1));
    }
    lua_pop(L, 1);
    return tells;
}
