#include "lua/lua_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cab/locale.h"
#include "lua/compat.h"
#include "lua/lua_buf.h"
#include "lua/lua_error.h"
#include "lua/lua_mend.h"
#include "lua/lua_plain.h"
#include "lua/lua_vim.h"
#include "lua/utf8.h"

static const char REQUIRE = 0, DECODE = 0;
#define EXACT 9007199254740992.0 /* 2^53 */
#define FEW 24                   /* members of an object that take no memory to be sorted */
#define USUAL 1000               /* bytes of a text, which then grows no more */

bool lcab_is_null(lua_State *L, int index) {
    if (lua_islightuserdata(L, index)) {
        return lua_touserdata(L, index) == NULL;
    }
    return lua_type(L, index) == LUA_TUSERDATA && lcab_is_vim_nil(L, index);
}

/* ---- the private instance ------------------------------------------------------------------- */

static void call_setting(lua_State *L, const char *name, bool number, int value) {
    lua_getfield(L, -1, name);
    if (number) {
        lua_pushinteger(L, value);
    } else {
        lua_pushboolean(L, value);
    }
    lua_call(L, 1, 0);
}

/* require -> the decoder of an instance of our own */
static int new_decoder(lua_State *L) {
    lua_pushliteral(L, "cjson");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "new");
    lua_call(L, 0, 1);
    call_setting(L, "decode_invalid_numbers", false, 0);
    call_setting(L, "decode_max_depth", true, LCAB_JSON_MAX_DEPTH);
    lua_getfield(L, -1, "decode");
    return lua_isfunction(L, -1) ? 1 : luaL_error(L, "it has no decode");
}

/* Pushes the decoder of a new instance, or, in Neovim without lua-cjson, its own; answers
 * lua_pcall's code. */
static int push_decoder(lua_State *L) {
    int top = lua_gettop(L);
    lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
    lua_pushliteral(L, "cjson");
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    bool absent = lua_isnil(L, -1);
    lua_pushcfunction(L, new_decoder);
    lcab_kept(L, &REQUIRE);
    bool ends_process = strlen(cab_locale_point()) > 1; /* see decode_with_care */
    void *before = ends_process ? cab_locale_enter() : NULL;
    int rc = lua_pcall(L, 1, 1, 0);
    cab_locale_leave(before);
    if (rc != 0 &&
        absent) { /* Lua 5.1 leaves a mark, and would tell of nothing else the next time */
        lua_pushvalue(L, top + 2);
        lua_pushnil(L);
        lua_rawset(L, top + 1);
    }
    if (rc != 0 && rc != LUA_ERRMEM && lcab_push_vim_decoder(L, LCAB_JSON_MAX_DEPTH)) {
        rc = 0;
    }
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
    return rc;
}

/* ---- reading -------------------------------------------------------------------------------- */

#if LUA_VERSION_NUM >= 503
/* Pushes the number on top as we have it, or nothing when that is what it is already.
 * lua-cjson 2.1.0 makes a float of every number; the OpenResty variant makes integers, also beyond
 * 2^53. After this both give the same. */
static bool push_even(lua_State *L) {
    lua_Number n = lua_tonumber(L, -1);
    if (n == floor(n) && fabs(n) <= EXACT) {
        lua_Integer i = (lua_Integer)n;
        if (lua_isinteger(L, -1) && lua_tointeger(L, -1) == i) {
            return false;
        }
        lua_pushinteger(L, i);
        return true;
    }
    if (!lua_isinteger(L, -1)) {
        return false;
    }
    lua_pushnumber(L, n);
    return true;
}

static void even_out(lua_State *L, int index) {
    luaL_checkstack(L, 4, "deep answer");
    index = lcab_absindex(L, index);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (lua_type(L, -1) == LUA_TTABLE) {
            even_out(L, -1);
        } else if (lua_type(L, -1) == LUA_TNUMBER && push_even(L)) {
            lua_pushvalue(L, -3); /* assigning to an existing key is allowed in a traversal */
            lua_insert(L, -2);
            lua_rawset(L, index);
        }
    }
}
#endif

/* Whether the decoder reads fractions, and so everything, in the locale of now. */
static bool reads_fractions(lua_State *L) {
    lcab_kept(L, &DECODE);
    lua_pushliteral(L, "[0.5]");
    bool reads = lua_pcall(L, 1, 1, 0) == 0 && lua_istable(L, -1);
    if (reads) {
        lcab_rawgeti(L, -1, 1);
        reads = lua_tonumber(L, -1) > 0.4;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return reads;
}

/* text -> value, by a new instance */
static int decode_anew(lua_State *L) {
    lua_pushcfunction(L, new_decoder);
    lcab_kept(L, &REQUIRE);
    lua_call(L, 1, 1);
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

/* lua-cjson reads numbers by strtod, which has the decimal point of the locale of now, and has that
 * of the locale in which the newest of all its instances was made. Where the two differ [1,2] may
 * become [1.2], and 0.5 an error. So this decodes where they agree, if need be in the locale "C"
 * and by a new instance; but makes none where other users of lua-cjson could tell, nor where the
 * point has several bytes, which ends the process. Pushes what lua_pcall does and answers that. */
static int decode_with_care(lua_State *L, const char *text, size_t len) {
    luaL_checkstack(L, 8, "json");
    int top = lua_gettop(L);
    lua_pushlstring(L, text, len);
    lua_pushcfunction(L, decode_anew);
    bool elsewhere = !cab_locale_has_point() && !reads_fractions(L);
    lcab_kept(L, &DECODE);
    lua_pushvalue(L, top + 1);
    void *before = elsewhere ? cab_locale_enter() : NULL; /* from here on nothing is raised */
    int rc = lua_pcall(L, 1, 1, 0);
    if (rc != 0 && rc != LUA_ERRMEM && cab_locale_has_point()) {
        lua_settop(L, top + 2);
        lua_pushvalue(L, top + 1);
        rc = lua_pcall(L, 1, 1, 0);
    }
    cab_locale_leave(before);
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
    return rc;
}

/* Whether bytes beyond ASCII are characters is not looked at: the reader beneath takes any. */
static bool read_json(lua_State *L, const char *text, size_t len) {
    if (lcab_plain_object(L, text, len)) {
        return true;
    }
    if (memchr(text, '\0', len) != NULL) {
        /* lua-cjson takes one for the end of the text, whatever follows. */
        lua_pushliteral(L, "it holds a NUL byte");
        return false;
    }
    int top = lua_gettop(L), rc = LUA_ERRRUN;
    lcab_kept(L, &DECODE);
    bool vims = lcab_is_vim_decoder(L, -1); /* Neovim sees to its decimal point itself */
    bool tried = vims || cab_locale_has_point();
    if (tried) {
        lua_pushlstring(L, text, len);
        rc = lua_pcall(L, 1, 1, 0);
    }
    if (rc != 0 && rc != LUA_ERRMEM && !vims && !(tried && reads_fractions(L))) {
        lua_settop(L, top);
        rc = decode_with_care(L, text, len);
    }
    if (rc == LUA_ERRMEM) {
        lua_error(L);
    }
    if (rc != 0) {
        return false;
    }
#if LUA_VERSION_NUM >= 503
    if (lua_istable(L, -1)) {
        even_out(L, -1);
    } else if (lua_type(L, -1) == LUA_TNUMBER && push_even(L)) {
        lua_replace(L, -2);
    }
#endif
    return true;
}

bool lcab_json_decode(lua_State *L, const char *text, size_t len) {
    if (!lcab_utf8_valid(text, len)) {
        lua_pushliteral(L, "it is not valid UTF-8");
        return false;
    }
    return read_json(L, text, len);
}

bool lcab_json_decode_broken(lua_State *L, const char *text, size_t len, bool keep) {
    lcab_push_halves(L, text, len);
    int json = lua_gettop(L);
    text = lua_tolstring(L, json, &len);
    if (!keep) {
        lcab_push_repaired(L, text, len);
        lua_replace(L, json);
        text = lua_tolstring(L, json, &len);
    }
    bool good = read_json(L, text, len);
    lua_remove(L, json);
    return good;
}

/* core.decode(text, broken) -> value, or nil and what is wrong with the text. What is no UTF-8 is
 * wrong, unless broken is "keep" or "replace". */
static int decode(lua_State *L) {
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    const char *broken = luaL_optstring(L, 2, NULL);
    lcab_json_load(L);
    if (broken == NULL ? lcab_json_decode(L, text, len)
                       : lcab_json_decode_broken(L, text, len, strcmp(broken, "keep") == 0)) {
        return 1;
    }
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

/* ---- writing -------------------------------------------------------------------------------- */

static size_t escape(unsigned char c, char out[6]) {
    static const char hex[] = "0123456789abcdef";
    memcpy(out, "\\u00", 4);
    out[4] = hex[c >> 4];
    out[5] = hex[c & 15];
    const char *letter = c == 0 ? NULL : strchr("\"\"\\\\\bb\ff\nn\rr\tt", c);
    if (letter != NULL) {
        out[1] = letter[1];
        return 2;
    }
    return 6;
}

bool lcab_json_put_string(cab_buf *out, const char *text, size_t len) {
    if (!cab_buf_reserve(out, len + 2)) {
        return false;
    }
    if (lcab_plain_run(text, len) == len) { /* as most are */
        char *at = out->data + out->len;
        at[0] = at[len + 1] = '"';
        memcpy(at + 1, text, len);
        at[len + 2] = '\0';
        out->len += len + 2;
        return true;
    }
    bool ok = cab_buf_append(out, "\"", 1);
    for (size_t run; ok && (run = lcab_plain_run(text, len)) < len;
         text += run + 1, len -= run + 1) {
        char escaped[6];
        size_t n = escape((unsigned char)text[run], escaped);
        ok = cab_buf_append(out, text, run) && cab_buf_append(out, escaped, n);
    }
    return ok && cab_buf_append(out, text, len) && cab_buf_append(out, "\"", 1);
}

bool lcab_number_text(lua_State *L, int index, char out[40]) {
#if LUA_VERSION_NUM >= 503
    if (lua_isinteger(L, index)) {
        cab_integer_text(out, (int64_t)lua_tointeger(L, index));
        return true;
    }
#endif
    double n = (double)lua_tonumber(L, index);
    if (isnan(n) || isinf(n)) {
        return false;
    }
    cab_number_text(out, n);
    return true;
}

static int encode_error(lua_State *L, const char *why) {
    return lcab_usage_error(L, "value", "cannot become JSON: %s", why);
}

static int count_members(lua_State *L, int index) {
    int count = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        count++;
    }
    return count;
}

static void put(lua_State *L, cab_buf *out, const char *text, size_t len) {
    if (!cab_buf_append(out, text, len)) {
        lcab_raise_memory(L);
    }
}

static inline void put_char(lua_State *L, cab_buf *out, char c) {
    if (out->cap - out->len > 1) {
        out->data[out->len++] = c;
        out->data[out->len] = '\0';
    } else {
        put(L, out, &c, 1);
    }
}

static void put_text(lua_State *L, cab_buf *out, const char *text, size_t len) {
    if (!lcab_utf8_valid(text, len)) {
        encode_error(L, "a string is not valid UTF-8");
    }
    if (!lcab_json_put_string(out, text, len)) {
        lcab_raise_memory(L);
    }
}

static void put_value(lua_State *L, cab_buf *out, int index, int depth);

static void put_array(lua_State *L, cab_buf *out, int index, int depth) {
    size_t n = lcab_rawlen(L, index);
    put_char(L, out, '[');
    for (size_t i = 1; i <= n; i++) {
        if (i > 1) {
            put_char(L, out, ',');
        }
        lcab_rawgeti(L, index, i);
        put_value(L, out, lua_gettop(L), depth);
        lua_pop(L, 1);
    }
    put_char(L, out, ']');
}

typedef struct {
    const char *text;
    size_t len;
    int at; /* in its table, which keeps it alive */
} name_ref;

static int by_bytes(const void *a, const void *b) {
    const name_ref *x = a, *y = b;
    int order = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static void refer_to(lua_State *L, name_ref *ref, int at) {
    ref->text = lua_tolstring(L, -1, &ref->len);
    ref->at = at;
}

/* Pushes what holds the references, in order, to the strings of the list. */
static const name_ref *push_references(lua_State *L, int list, int count) {
    name_ref *refs = lua_newuserdata(L, ((size_t)count + 1) * sizeof *refs);
    for (int i = 0; i < count; i++) {
        lcab_rawgeti(L, list, i + 1);
        refer_to(L, &refs[i], i + 1);
        lua_pop(L, 1);
    }
    qsort(refs, (size_t)count, sizeof *refs, by_bytes);
    return refs;
}

void lcab_push_sorted(lua_State *L, int list, int count) {
    const name_ref *refs = push_references(L, list, count);
    lua_createtable(L, count, 0);
    for (int i = 0; i < count; i++) {
        lcab_rawgeti(L, list, refs[i].at);
        lcab_rawseti(L, -2, i + 1);
    }
    lua_remove(L, -2);
}

/* core.sorted(list) -> its strings in the order of their bytes, whatever the locale */
static int sorted(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    int count = (int)lcab_rawlen(L, 1);
    for (int i = 1; i <= count; i++) {
        lcab_rawgeti(L, 1, i);
        if (lua_type(L, -1) != LUA_TSTRING) {
            return lcab_usage_error(L, "list", "must hold strings only");
        }
        lua_pop(L, 1);
    }
    lcab_push_sorted(L, 1, count);
    return 1;
}

static void check_name(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TSTRING) {
        encode_error(L, "a table is neither a list nor an object");
    }
}

static void put_member(lua_State *L, cab_buf *out, const name_ref *name, int value, int depth) {
    put_text(L, out, name->text, name->len);
    put_char(L, out, ':');
    put_value(L, out, value, depth);
}

/* With names and values on the stack: nothing is to be allocated. False: there are more than FEW.
 */
static bool put_small_object(lua_State *L, cab_buf *out, int index, int depth) {
    name_ref refs[FEW], ref;
    int count = 0;
    luaL_checkstack(L, 2 * FEW + 8, "object");
    for (lua_pushnil(L); lua_next(L, index); count++) {
        check_name(L, -2);
        if (count == FEW) {
            return false;
        }
        lua_pushvalue(L, -2);
        refer_to(L, &ref, lua_gettop(L) - 2);
        int at = count;
        for (; at > 0 && by_bytes(&ref, &refs[at - 1]) < 0; at--) {
            refs[at] = refs[at - 1];
        }
        refs[at] = ref;
    }
    put_char(L, out, '{');
    for (int i = 0; i < count; i++) {
        if (i > 0) {
            put_char(L, out, ',');
        }
        put_member(L, out, &refs[i], refs[i].at + 1, depth);
    }
    put_char(L, out, '}');
    return true;
}

static void put_large_object(lua_State *L, cab_buf *out, int index, int depth) {
    lua_createtable(L, count_members(L, index), 0);
    int names = lua_gettop(L);
    int count = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        check_name(L, -2);
        lua_pushvalue(L, -2);
        lcab_rawseti(L, names, ++count);
    }
    const name_ref *refs = push_references(L, names, count);
    put_char(L, out, '{');
    for (int i = 0; i < count; i++) {
        if (i > 0) {
            put_char(L, out, ',');
        }
        lcab_rawgeti(L, names, refs[i].at);
        lua_rawget(L, index);
        put_member(L, out, &refs[i], lua_gettop(L), depth);
        lua_pop(L, 1);
    }
    put_char(L, out, '}');
}

static void put_table(lua_State *L, cab_buf *out, int index, int depth) {
    int top = lua_gettop(L);
    luaL_checkstack(L, 8, "deep value");
    size_t length = lcab_rawlen(L, index);
    if (length > 0 && (size_t)count_members(L, index) == length) {
        put_array(L, out, index, depth);
    } else if (!put_small_object(L, out, index, depth)) {
        lua_settop(L, top);
        put_large_object(L, out, index, depth); /* names sorted, too: the same bytes each time */
    }
    lua_settop(L, top);
}

static void put_value(lua_State *L, cab_buf *out, int index, int depth) {
    char number[40];
    size_t len;
    const char *text;
    if (depth > LCAB_JSON_MAX_DEPTH) {
        encode_error(L, "nested too deep");
    }
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        text = lua_tolstring(L, index, &len);
        put_text(L, out, text, len);
        break;
    case LUA_TBOOLEAN:
        put(L, out, lua_toboolean(L, index) ? "true" : "false", lua_toboolean(L, index) ? 4 : 5);
        break;
    case LUA_TNUMBER:
        if (!lcab_number_text(L, index, number)) {
            encode_error(L, "NaN and infinities have no JSON form");
        }
        put(L, out, number, strlen(number));
        break;
    case LUA_TTABLE:
        put_table(L, out, index, depth + 1);
        break;
    default:
        if (!lcab_is_null(L, index)) {
            encode_error(L, luaL_typename(L, index));
        }
        put(L, out, "null", 4);
    }
}

/* core.encode(value) -> JSON text; a usage error when the value has none */
static int encode(lua_State *L) {
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    cab_buf *out = lcab_new_buf(L);
    if (!cab_buf_reserve(out, USUAL)) {
        return lcab_raise_memory(L);
    }
    put_value(L, out, 1, 0);
    lua_pushlstring(L, out->data, out->len);
    return 1;
}

/* The first line of what `require` says: the others are places where it looked. */
static int no_cjson(lua_State *L) {
    cab_error err;
    const char *problem = lua_tostring(L, -1);
    problem = problem != NULL ? problem : luaL_typename(L, -1);
    cab_fail(&err, CAB_KIND_CONFIG, CAB_REASON_NONE, NULL,
             "lua-cjson does not load; is it installed for " LUA_VERSION "? %.*s",
             (int)strcspn(problem, "\n"), problem);
    return lcab_raise(L, &err);
}

void lcab_json_load(lua_State *L) {
    luaL_checkstack(L, 8, "json");
    lcab_kept(L, &DECODE);
    bool loaded = !lua_isnil(L, -1);
    lua_pop(L, 1);
    if (loaded) {
        return;
    }
    int rc = push_decoder(L);
    if (rc != 0) {
        (void)(rc == LUA_ERRMEM ? lua_error(L) : no_cjson(L));
    }
    lcab_keep(L, &DECODE);
}

void lcab_json_open(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"encode", encode}, {"decode", decode}, {"sorted", sorted}, {NULL, NULL}};
    lcab_setfuncs(L, functions);
    lua_pushlightuserdata(L, NULL); /* what both variants use for null */
    lua_setfield(L, -2, "null");
    lcab_rawglobal(L, "require");
    lcab_keep(L, &REQUIRE);
    lua_pushnil(L); /* who loads the core again may have another lua-cjson */
    lcab_keep(L, &DECODE);
}
