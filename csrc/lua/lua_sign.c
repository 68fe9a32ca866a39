#include "lua/lua_sign.h"

#include <lauxlib.h>
#include <string.h>

#include "cab/sign.h"
#include "lua/compat.h"
#include "lua/lua_error.h"

#define WORK "codearts.build.sign"

/* All C memory of one signing; a userdata, so that a Lua error on the way frees it. */
typedef struct {
    cab_buf query;
    cab_buf scratch;
    cab_sign_output out;
} work;

static int work_gc(lua_State *L) {
    work *w = lua_touserdata(L, 1);
    cab_buf_free(&w->query);
    cab_buf_free(&w->scratch);
    return 0;
}

static work *new_work(lua_State *L) {
    work *w = lua_newuserdata(L, sizeof *w);
    memset(w, 0, sizeof *w);
    luaL_getmetatable(L, WORK);
    lua_setmetatable(L, -2);
    return w;
}

typedef enum { ANY, LINE, WORD } text_form; /* no line breaks or NUL in a LINE, no blanks in a WORD */

typedef struct {
    const char *name;
    bool required;
    text_form form;
} text_row;

enum {
    ALGORITHM, AK, SK, SECURITY_TOKEN, PROJECT_ID, METHOD, HOST, PATH, BODY, DATE, REGION, SERVICE,
    TEXTS, QUERY = TEXTS, HEADERS, ROWS
};

static const text_row ROW[ROWS] = {
    [ALGORITHM] = {"algorithm", false, WORD},
    [AK] = {"ak", true, WORD},
    [SK] = {"sk", true, WORD},
    [SECURITY_TOKEN] = {"security_token", false, WORD},
    [PROJECT_ID] = {"project_id", false, WORD},
    [METHOD] = {"method", true, WORD},
    [HOST] = {"host", true, WORD},
    [PATH] = {"path", true, LINE},
    [BODY] = {"body", false, ANY},
    [DATE] = {"date", true, WORD},
    [REGION] = {"region", false, WORD},
    [SERVICE] = {"service", false, WORD},
    [QUERY] = {"query", false, ANY},
    [HEADERS] = {"headers", false, LINE},
};

static bool fits(cab_text text, text_form form) {
    static const char bad[] = "\0\r\n\t ";
    size_t count = form == ANY ? 0 : form == LINE ? 3 : 5;
    for (size_t i = 0; i < text.len; i++) {
        if (memchr(bad, text.data[i], count) != NULL) {
            return false;
        }
    }
    return true;
}

static bool is_token(cab_text name) {
    static const char extra[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              memchr(extra, c, sizeof extra - 1) != NULL)) {
            return false;
        }
    }
    return name.len > 0;
}

/* Pops the string on top; it stays alive in the table that it came from. */
static cab_text pop_text(lua_State *L, const char *field, text_form form) {
    cab_text text;
    if (lua_type(L, -1) != LUA_TSTRING) {
        lcab_usage_error(L, field, "must be a string, not %s", luaL_typename(L, -1));
    }
    text.data = lua_tolstring(L, -1, &text.len);
    lua_pop(L, 1);
    if (!fits(text, form)) {
        lcab_usage_error(L, field, "must not hold %s",
                         form == WORD ? "blanks or line breaks" : "line breaks");
    }
    return text;
}

static void check_keys(lua_State *L) {
    for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
        int known = 0;
        if (lua_type(L, -2) != LUA_TSTRING) {
            lcab_usage_error(L, "sign", "the members of its table have names");
        }
        while (known < ROWS && strcmp(lua_tostring(L, -2), ROW[known].name) != 0) {
            known++;
        }
        if (known == ROWS) {
            lcab_usage_error(L, lua_tostring(L, -2), "no such member of core.sign's table");
        }
    }
}

static cab_text read_text(lua_State *L, const text_row *row) {
    cab_text text = {"", 0};
    lua_pushstring(L, row->name);
    lua_rawget(L, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
    } else {
        text = pop_text(L, row->name, row->form);
    }
    if (row->required && text.len == 0) {
        lcab_usage_error(L, row->name, "is required");
    }
    return text;
}

/* Reads an array of { name, value }. The pairs are in a userdata that is left on the stack. */
static cab_pair *read_pairs(lua_State *L, const text_row *row, size_t *count) {
    cab_pair *pairs = NULL;
    *count = 0;
    lua_pushstring(L, row->name);
    lua_rawget(L, 1);
    if (lua_isnil(L, -1)) {
        return NULL;
    }
    if (lua_type(L, -1) != LUA_TTABLE) {
        lcab_usage_error(L, row->name, "must be an array of { name, value }, not %s",
                         luaL_typename(L, -1));
    }
    int list = lua_gettop(L);
    size_t length = lua_rawlen(L, list);
    pairs = lua_newuserdata(L, (length + 1) * sizeof *pairs);
    for (; *count < length; (*count)++) {
        char field[64];
        (void)snprintf(field, sizeof field, "%s[%d]", row->name, (int)*count + 1);
        lua_rawgeti(L, list, (int)*count + 1);
        if (lua_type(L, -1) != LUA_TTABLE || lua_rawlen(L, -1) != 2) {
            lcab_usage_error(L, field, "must be { name, value }");
        }
        lua_rawgeti(L, -1, 1);
        pairs[*count].name = pop_text(L, field, row->form);
        lua_rawgeti(L, -1, 2);
        pairs[*count].value = pop_text(L, field, row->form);
        lua_pop(L, 1);
        if (row == &ROW[HEADERS] && !is_token(pairs[*count].name)) {
            lcab_usage_error(L, field, "the name of a header is a token");
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
        lua_rawseti(L, -2, 1);
        lua_pushlstring(L, out->headers[i].value.data, out->headers[i].value.len);
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_setfield(L, -2, "headers");
}

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
    cab_text text[TEXTS];
    size_t count;
    if (lua_type(L, 1) != LUA_TTABLE) {
        return lcab_usage_error(L, "sign", "takes one table");
    }
    lua_settop(L, 1);
    check_keys(L);
    for (int i = 0; i < TEXTS; i++) {
        text[i] = read_text(L, &ROW[i]);
    }
    if (text[ALGORITHM].len > 0 && strcmp(text[ALGORITHM].data, CAB_SIGN_ALGORITHM) != 0) {
        return lcab_usage_error(L, "algorithm", "%s is not supported, only " CAB_SIGN_ALGORITHM,
                                text[ALGORITHM].data);
    }
    if (text[PATH].data[0] != '/') {
        return lcab_usage_error(L, "path", "must begin with /");
    }
    work *w = new_work(L);
    cab_sign_input in = {.ak = text[AK],
                         .sk = text[SK],
                         .security_token = text[SECURITY_TOKEN],
                         .project_id = text[PROJECT_ID],
                         .method = upper(L, text[METHOD]),
                         .host = text[HOST],
                         .path = text[PATH],
                         .body = text[BODY],
                         .date = text[DATE]};
    cab_pair *query = read_pairs(L, &ROW[QUERY], &count);
    if (!cab_url_canonical_query(&w->query, query, count)) {
        return luaL_error(L, "not enough memory");
    }
    in.query = (cab_text){w->query.data, w->query.len};
    in.headers = read_pairs(L, &ROW[HEADERS], &in.header_count);
    if (!cab_sign_request(&in, &w->scratch, &w->out, &e)) {
        return lcab_raise(L, &e);
    }
    push_answer(L, &in, &w->out);
    return 1;
}

void lcab_sign_open(lua_State *L) {
    if (luaL_newmetatable(L, WORK)) {
        lua_pushcfunction(L, work_gc);
        lua_setfield(L, -2, "__gc");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_pop(L, 1);
    lua_pushcfunction(L, sign);
    lua_setfield(L, -2, "sign");
}
