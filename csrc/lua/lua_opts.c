#include "lua/lua_opts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cab/locale.h"
#include "cab/nearest.h"
#include "lua/compat.h"
#include "lua/utf8.h"

int lcab_getfield(lua_State *L, int index, const char *name) {
    index = lcab_absindex(L, index);
    lua_pushstring(L, name);
    lua_rawget(L, index);
    return lua_type(L, -1);
}

void lcab_push_names(lua_State *L, const char *const *names) {
    lcab_kept(L, names);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_newtable(L);
        for (int i = 0; names[i] != NULL; i++) {
            lua_pushstring(L, names[i]);
            lcab_rawseti(L, -2, i + 1);
        }
        lua_pushvalue(L, -1);
        lcab_keep(L, names);
    }
}

const char *lcab_key_text(lua_State *L, int index, char out[48]) {
    char number[40];
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        return lcab_rawlen(L, index) > 0 ? lua_tostring(L, index) : "[\"\"]";
    case LUA_TNUMBER:
        cab_number_text(number, (double)lua_tonumber(L, index));
        (void)snprintf(out, 48, "[%s]", number);
        return out;
    case LUA_TBOOLEAN:
        return lua_toboolean(L, index) ? "[true]" : "[false]";
    default:
        (void)snprintf(out, 48, "[%s]", luaL_typename(L, index));
        return out;
    }
}

/* The i-th name of a list of them, or of rows that begin with one; NULL ends both. */
static const char *name_at(const void *names, size_t step, size_t i) {
    const char *name;
    memcpy(&name, (const char *)names + i * step, sizeof name);
    return name;
}

static int unknown_name(lua_State *L, const lcab_where *where, const void *names, size_t step,
                        const char *name) {
    cab_nearest nearest = {NULL, 0};
    const char *known;
    for (size_t i = 0; (known = name_at(names, step, i)) != NULL; i++) {
        cab_nearest_weigh(&nearest, name, known);
    }
    if (nearest.name != NULL) {
        return lcab_bad(L, where, name, "unknown name; did you mean '%s'?", nearest.name);
    }
    return lcab_bad(L, where, name, "unknown name");
}

void lcab_check_line(lua_State *L, const lcab_where *where, const char *name, cab_text text,
                     bool blank) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool fine = (c > 0x20 && c < 0x7f) || (blank && (c == ' ' || c == '\t' || c >= 0x80));
        if (!fine) {
            lcab_bad(L, where, name, "must not hold %s",
                     c == '\r' || c == '\n' ? "line breaks"
                     : c == 0               ? "NUL bytes"
                     : c == ' '             ? "blanks"
                                            : "control or non-ASCII bytes");
        }
    }
}

static cab_text read_text(lua_State *L, const lcab_where *where, const char *name) {
    if (lua_type(L, -1) != LUA_TSTRING) {
        lcab_bad(L, where, name, "must be a string, not %s", luaL_typename(L, -1));
    }
    cab_text t;
    t.data = lua_tolstring(L, -1, &t.len);
    if (t.len == 0) {
        lcab_bad(L, where, name, "must not be empty");
    }
    if (!lcab_utf8_valid(t.data, t.len)) {
        lcab_bad(L, where, name, "must be valid UTF-8");
    }
    for (size_t i = 0; i < t.len; i++) {
        if ((unsigned char)t.data[i] < 0x20 || t.data[i] == 0x7f) {
            lcab_bad(L, where, name, "must not hold control characters");
        }
    }
    return t;
}

static double read_number(lua_State *L, const lcab_where *where, const lcab_opt_row *row) {
    if (lua_type(L, -1) != LUA_TNUMBER) {
        lcab_bad(L, where, row->name, "must be a number, not %s", luaL_typename(L, -1));
    }
    double n = lua_tonumber(L, -1);
    if (!(n >= row->min && n <= row->max)) { /* also NaN */
        char min[40], max[40];
        cab_number_text(min, row->min);
        cab_number_text(max, row->max);
        lcab_bad(L, where, row->name, "must be from %s to %s", min, max);
    }
    if (row->type == LCAB_WHOLE && n != floor(n)) {
        lcab_bad(L, where, row->name, "must be a whole number");
    }
    return n;
}

static void read_value(lua_State *L, const lcab_where *where, const lcab_opt_row *row, void *into) {
    if (row->type == LCAB_OTHER) {
        return;
    }
    char *at = (char *)into + row->at;
    if (row->type == LCAB_TEXT) {
        cab_text t = read_text(L, where, row->name);
        memcpy(at, &t, sizeof t);
    } else if (row->type == LCAB_NUMBER || row->type == LCAB_WHOLE) {
        double n = read_number(L, where, row);
        memcpy(at, &n, sizeof n);
    } else if (row->type == LCAB_BOOLEAN) {
        if (!lua_isboolean(L, -1)) {
            lcab_bad(L, where, row->name, "must be a boolean, not %s", luaL_typename(L, -1));
        }
        bool b = lua_toboolean(L, -1);
        memcpy(at, &b, sizeof b);
    }
}

/* Which of the names is the key below the top. */
static size_t place_of_key(lua_State *L, const lcab_where *where, const void *names, size_t step) {
    char other[48];
    if (lua_type(L, -2) != LUA_TSTRING) {
        lcab_bad(L, where, lcab_key_text(L, -2, other), "names are strings, not %s",
                 luaL_typename(L, -2));
    }
    size_t len, i = 0;
    const char *key = lua_tolstring(L, -2, &len), *name;
    while ((name = name_at(names, step, i)) != NULL &&
           (name[0] != key[0] || strcmp(name, key) != 0)) {
        i++;
    }
    if (name == NULL || strlen(key) != len) { /* a NUL byte belongs to no name */
        unknown_name(L, where, names, step, lcab_key_text(L, -2, other));
    }
    return i;
}

void lcab_own_table(lua_State *L, int index) {
    index = lcab_absindex(L, index);
    lua_newtable(L);
    int copy = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, index);) { /* lua_rawset asks for memory, but never collects */
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, copy);
    }
    lua_replace(L, index);
}

void lcab_read_options(lua_State *L, int index, const lcab_where *where, const lcab_opt_row *rows,
                       void *into) {
    index = lcab_absindex(L, index);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        read_value(L, where, &rows[place_of_key(L, where, rows, sizeof *rows)], into);
    }
}

unsigned lcab_push_options(lua_State *L, int index, const lcab_where *where,
                           const char *const *names) {
    int first = lua_gettop(L) + 1, count = 0;
    unsigned given = 0;
    index = lcab_absindex(L, index);
    while (names[count] != NULL) {
        count++;
    }
    luaL_checkstack(L, count + 3, "options");
    lua_settop(L, first + count - 1);
    for (lua_pushnil(L); lua_next(L, index);) {
        int place = (int)place_of_key(L, where, names, sizeof *names);
        given |= 1U << place;
        lua_replace(L, first + place);
    }
    return given;
}
