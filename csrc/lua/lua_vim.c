#include "lua/lua_vim.h"

#include <string.h>

#include "lua/compat.h"

/* Pushes the global `vim`, or nil when that is no table. */
static bool push_vim(lua_State *L) {
    lcab_rawglobal(L, "vim");
    if (lua_istable(L, -1)) {
        return true;
    }
    lua_pop(L, 1);
    return false;
}

bool lcab_is_vim_nil(lua_State *L, int index) {
    index = lcab_absindex(L, index);
    if (!push_vim(L)) {
        return false;
    }
    lua_pushliteral(L, "NIL");
    lua_rawget(L, -2);
    bool same = lua_isuserdata(L, -1) && lua_rawequal(L, -1, index);
    lua_pop(L, 2);
    return same;
}

/* ---- what vim.json takes and a reader of JSON must not ----------------------------------------
 */

static const char *skip_text(const char *p) {
    for (p++; *p != '"'; p++) {
        p += *p == '\\';
        if (*p == '\0') {
            return p;
        }
    }
    return p + 1;
}

static const char *skip_digits(const char *p) {
    while (*p >= '0' && *p <= '9') {
        p++;
    }
    return p;
}

/* Behind the number, or NULL: it is hexadecimal, or has a plus, a leading zero or no digit where
 * one must be. A point at the end, or behind the minus, passes, as with lua-cjson. */
static const char *skip_number(const char *p) {
    const char *first = p + (*p == '-');
    p = skip_digits(first);
    if (p == first && (*p != '.' || skip_digits(p + 1) == p + 1)) {
        return NULL;
    }
    if ((*first == '0' && p > first + 1) || *p == 'x' || *p == 'X') {
        return NULL;
    }
    if (*p == '.') {
        p = skip_digits(p + 1);
    }
    if (*p != 'e' && *p != 'E') {
        return p;
    }
    p++;
    first = p + (*p == '+' || *p == '-');
    p = skip_digits(first);
    return p > first ? p : NULL;
}

/* Behind one of the three words, or NULL: NaN, Infinity and the like. */
static const char *skip_word(const char *p) {
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < 3; i++) {
        size_t len = strlen(words[i]);
        if (strncmp(p, words[i], len) == 0) {
            return p + len;
        }
    }
    return NULL;
}

/* What is wrong with the text, as far as vim.json would not say so; or NULL. */
static const char *find_fault(const char *p, int max_depth) {
    int depth = 0;
    while (p != NULL && *p != '\0') {
        char c = *p;
        if (c == '"') {
            p = skip_text(p);
        } else if (c == '-' || c == '+' || (c >= '0' && c <= '9')) {
            p = skip_number(p);
        } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
            p = skip_word(p);
        } else {
            depth += (c == '[' || c == '{') - (c == ']' || c == '}');
            if (depth > max_depth) {
                return "it is nested too deep";
            }
            p++;
        }
    }
    return p == NULL ? "it holds a number or a word that is none of JSON" : NULL;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

enum { UP_DECODE = 1, UP_NIL, UP_MAX_DEPTH };

/* Takes off the metatables that vim.json gives to empty objects, and puts our null for its. */
static void make_plain(lua_State *L, int table) {
    luaL_checkstack(L, 6, "deep answer");
    lua_pushnil(L);
    lua_setmetatable(L, table);
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        if (lua_istable(L, -1)) {
            make_plain(L, lua_gettop(L));
        } else if (lua_rawequal(L, -1, lua_upvalueindex(UP_NIL))) {
            lua_pushvalue(L, -2); /* assigning to an existing key is allowed in a traversal */
            lua_pushlightuserdata(L, NULL);
            lua_rawset(L, table);
        }
    }
}

static int decode(lua_State *L) {
    int max_depth = (int)lua_tointeger(L, lua_upvalueindex(UP_MAX_DEPTH));
    const char *fault = find_fault(luaL_checkstring(L, 1), max_depth);
    if (fault != NULL) {
        lua_pushstring(L, fault);
        return lua_error(L);
    }
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(UP_DECODE));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    if (lua_istable(L, 1)) {
        make_plain(L, 1);
    } else if (lua_rawequal(L, 1, lua_upvalueindex(UP_NIL))) {
        lua_pushlightuserdata(L, NULL);
    }
    return 1;
}

bool lcab_push_vim_decoder(lua_State *L, int max_depth) {
    int top = lua_gettop(L);
    if (push_vim(L)) {
        lua_pushliteral(L, "json");
        lua_rawget(L, -2);
        if (lua_istable(L, -1)) {
            lua_pushliteral(L, "decode");
            lua_rawget(L, -2);
            if (lua_isfunction(L, -1)) {
                lua_pushliteral(L, "NIL");
                lua_rawget(L, top + 1);
                lua_pushinteger(L, max_depth);
                lua_pushcclosure(L, decode, UP_MAX_DEPTH);
                lua_replace(L, top + 1);
                lua_settop(L, top + 1);
                return true;
            }
        }
    }
    lua_settop(L, top);
    return false;
}

bool lcab_is_vim_decoder(lua_State *L, int index) { return lua_tocfunction(L, index) == decode; }
