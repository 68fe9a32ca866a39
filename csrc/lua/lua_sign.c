#include "lua/lua_sign.h"

#include <stdio.h>
#include <string.h>

#include "lua/compat.h"
#include "lua/lua_buf.h"
#include "lua/lua_opts.h"

static const lcab_where HERE = {"", false};

typedef struct {
    cab_text algorithm, ak, sk, security_token, project_id, method, host, path, date, region,
        service;
} texts;

#define TEXT(name)                                                                                 \
    { #name, LCAB_TEXT, offsetof(texts, name), 0, 0 }
#define OTHER(name)                                                                                \
    { #name, LCAB_OTHER, 0, 0, 0 }

static const lcab_opt_row ROWS[] = {
    TEXT(algorithm),  TEXT(ak),       TEXT(sk),      TEXT(security_token),
    TEXT(project_id), TEXT(method),   TEXT(host),    TEXT(path),
    TEXT(date),       TEXT(region),   TEXT(service), /* these two are for V11 */
    OTHER(query),     OTHER(headers), OTHER(body),   {NULL, LCAB_OTHER, 0, 0, 0}};

/* One word of a header line or of the request line. */
static void check_word(lua_State *L, const char *name, cab_text text, bool required) {
    if (required && text.len == 0) {
        lcab_bad(L, &HERE, name, "is required");
    }
    lcab_check_line(L, &HERE, name, text, false);
}

/* A part of the scope, which "/" separates. */
static void check_scope(lua_State *L, const lcab_where *where, const char *name, cab_text text) {
    if (text.len == 0) {
        lcab_bad(L, where, name, "is required: the key of V11-HMAC-SHA256 is derived for it");
    }
    lcab_check_line(L, where, name, text, false);
    if (memchr(text.data, '/', text.len) != NULL || memchr(text.data, ',', text.len) != NULL) {
        lcab_bad(L, where, name, "must hold no slash and no comma");
    }
}

cab_sign_algorithm lcab_check_algorithm(lua_State *L, const lcab_where *where, cab_text name,
                                        cab_text region, cab_text service) {
    cab_sign_algorithm algorithm;
    if (!cab_sign_find_algorithm(name, &algorithm)) {
        lcab_bad(L, where, "algorithm", "%s is not supported; " CAB_SIGN_ALGORITHMS " are",
                 name.len <= 32 ? name.data : "this one");
    }
    if (algorithm == CAB_SIGN_V11) {
        check_scope(L, where, "region", region);
        check_scope(L, where, "service", service);
    }
    return algorithm;
}

static void read_texts(lua_State *L, texts *t, cab_sign_algorithm *algorithm) {
    memset(t, 0, sizeof *t);
    lcab_own_table(L, 1);
    lcab_read_options(L, 1, &HERE, ROWS, t);
    *algorithm = lcab_check_algorithm(L, &HERE, t->algorithm, t->region, t->service);
    check_word(L, "ak", t->ak, true);
    check_word(L, "sk", t->sk, true);
    check_word(L, "security_token", t->security_token, false);
    check_word(L, "project_id", t->project_id, false);
    check_word(L, "method", t->method, true);
    check_word(L, "host", t->host, true);
    check_word(L, "date", t->date, true);
    if (t->path.len == 0 || t->path.data[0] != '/') {
        lcab_bad(L, &HERE, "path", "is required and begins with /");
    }
}

static cab_text read_body(lua_State *L) {
    cab_text body = {NULL, 0};
    int type = lcab_getfield(L, 1, "body");
    if (type != LUA_TNIL && type != LUA_TSTRING) {
        lcab_bad(L, &HERE, "body", "must be a string, not %s", luaL_typename(L, -1));
    }
    if (type == LUA_TSTRING) {
        body.data = lua_tolstring(L, -1, &body.len);
    }
    lua_pop(L, 1); /* the table keeps it */
    return body;
}

/* Member `at` of the pair on top, which keeps it alive. */
static cab_text read_member(lua_State *L, const char *field, int at) {
    cab_text text;
    lcab_rawgeti(L, -1, at);
    if (lua_type(L, -1) != LUA_TSTRING) {
        lcab_bad(L, &HERE, field, "must be { name, value }, two strings");
    }
    text.data = lua_tolstring(L, -1, &text.len);
    lua_pop(L, 1);
    return text;
}

/* Reads an array of { name, value } into a userdata, which is left on the stack. */
static cab_pair *read_pairs(lua_State *L, const char *name, size_t *count) {
    *count = 0;
    int type = lcab_getfield(L, 1, name);
    if (type == LUA_TNIL) {
        return NULL;
    }
    if (type != LUA_TTABLE) {
        lcab_bad(L, &HERE, name, "must be an array of { name, value }, not %s",
                 luaL_typename(L, -1));
    }
    int list = lua_gettop(L);
    size_t length = lcab_rawlen(L, list);
    cab_pair *pairs = lua_newuserdata(L, (length + 1) * sizeof *pairs);
    for (; *count < length; (*count)++) {
        cab_pair *pair = &pairs[*count];
        char field[48];
        (void)snprintf(field, sizeof field, "%s[%zu]", name, *count + 1);
        lcab_rawgeti(L, list, *count + 1);
        if (lua_type(L, -1) != LUA_TTABLE || lcab_rawlen(L, -1) != 2) {
            lcab_bad(L, &HERE, field, "must be { name, value }, two strings");
        }
        pair->name = read_member(L, field, 1);
        pair->value = read_member(L, field, 2);
        lua_pop(L, 1);
        if (strcmp(name, "headers") == 0) {
            if (!cab_text_is_token(pair->name)) {
                lcab_bad(L, &HERE, field, "the name of a header must be a token");
            }
            lcab_check_line(L, &HERE, field, pair->value, true);
        }
    }
    return pairs;
}

static void set_text(lua_State *L, const char *name, cab_text text) {
    lua_pushlstring(L, text.data, text.len);
    lua_setfield(L, -2, name);
}

static void push_answer(lua_State *L, const cab_sign_input *in, const cab_sign_output *out) {
    lua_createtable(L, 0, 7);
    set_text(L, "canonical_request", out->canonical_request);
    set_text(L, "string_to_sign", out->string_to_sign);
    set_text(L, "signed_headers", out->signed_headers);
    set_text(L, "signature", out->signature);
    set_text(L, "authorization", out->authorization);
    lua_pushlstring(L, in->path.data, in->path.len);
    if (in->query.len > 0) {
        lua_pushliteral(L, "?");
        lua_pushlstring(L, in->query.data, in->query.len);
        lua_concat(L, 3);
    }
    lua_setfield(L, -2, "request_target");
    lua_createtable(L, (int)out->header_count, 0);
    for (size_t i = 0; i < out->header_count; i++) {
        lua_createtable(L, 2, 0);
        lua_pushlstring(L, out->headers[i].name.data, out->headers[i].name.len);
        lcab_rawseti(L, -2, 1);
        lua_pushlstring(L, out->headers[i].value.data, out->headers[i].value.len);
        lcab_rawseti(L, -2, 2);
        lcab_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "headers");
}

/* In upper case, in a userdata that is left on the stack. */
static cab_text upper(lua_State *L, cab_text text) {
    char *copy = lua_newuserdata(L, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        copy[i] = c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
    }
    return (cab_text){copy, text.len};
}

static int sign(lua_State *L) {
    cab_error e;
    texts t;
    size_t count;
    cab_sign_algorithm algorithm;
    if (lua_type(L, 1) != LUA_TTABLE) {
        return lcab_usage_error(L, "sign", "takes one table, not %s", luaL_typename(L, 1));
    }
    lua_settop(L, 1);
    read_texts(L, &t, &algorithm);
    cab_buf *canonical = lcab_new_buf(L), *scratch = lcab_new_buf(L);
    cab_sign_output out;
    cab_sign_input in = {.algorithm = algorithm,
                         .region = t.region,
                         .service = t.service,
                         .ak = t.ak,
                         .sk = t.sk,
                         .security_token = t.security_token,
                         .project_id = t.project_id,
                         .method = upper(L, t.method),
                         .host = t.host,
                         .path = t.path,
                         .body = read_body(L),
                         .date = t.date};
    cab_pair *query = read_pairs(L, "query", &count);
    if (!cab_url_canonical_query(canonical, query, count)) {
        return lcab_raise_memory(L);
    }
    in.query = (cab_text){canonical->data, canonical->len};
    in.headers = read_pairs(L, "headers", &in.header_count);
    if (!cab_sign_request(&in, scratch, &out, &e)) {
        return lcab_raise(L, &e);
    }
    push_answer(L, &in, &out);
    return 1;
}

void lcab_sign_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"sign", sign}, {NULL, NULL}};
    lcab_setfuncs(L, functions);
}
