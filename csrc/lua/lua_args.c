#include "lua/lua_args.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua/compat.h"
#include "lua/lua_error.h"
#include "lua/lua_json.h"
#include "lua/lua_opts.h"
#include "lua/utf8.h"

static const lcab_where ARGS = {"", true};
static const lcab_where SCM = {"scm.", true};
static const lcab_where PARAMETER = {"parameter", true};

#define NOT_UTF8 "must be valid UTF-8"

/* Inline: literals are copied without a call. */
static inline __attribute__((always_inline)) void put(lua_State *L, cab_buf *out, const char *text,
                                                      size_t len) {
    if (!cab_buf_append(out, text, len)) {
        lcab_raise_memory(L);
    }
}

#define PUT(L, out, literal) put(L, out, literal, sizeof(literal) - 1)

static void put_string(lua_State *L, cab_buf *out, cab_text t) {
    if (!lcab_json_put_string(out, t.data, t.len)) {
        lcab_raise_memory(L);
    }
}

/* ---- parameter ------------------------------------------------------------------------------ */

typedef struct {
    cab_text name;
    size_t position; /* in the caller's array; 0: not from there */
    size_t key;      /* of a map: where put_map keeps the name's string */
} parameter;

static int by_name(const void *a, const void *b) {
    const parameter *x = a, *y = b;
    int order = cab_text_compare(x->name, y->name);
    if (order != 0) {
        return order;
    }
    return x->position < y->position ? -1 : x->position > y->position;
}

/* Raises, with the entry's place as the user sees it: parameter[2].value, parameter.codeBranch. */
static void bad_entry(lua_State *L, const parameter *p, const char *member, const char *fmt,
                      const char *what) {
    char place[96];
    if (p->position > 0) {
        bool named = member[0] != '\0' && member[0] != '[';
        (void)snprintf(place, sizeof place, "[%zu]%s%s", p->position, named ? "." : "", member);
    } else {
        (void)snprintf(place, sizeof place, ".%s", p->name.data != NULL ? p->name.data : "?");
    }
    lcab_bad(L, &PARAMETER, place, fmt, what);
}

/* The string at `index`. False when it is not valid UTF-8. */
static bool read_text(lua_State *L, int index, cab_text *t) {
    t->data = lua_tolstring(L, index, &t->len);
    return lcab_utf8_valid(t->data, t->len);
}

/* The value on top of the stack as the service wants it: a string. */
static void put_value(lua_State *L, cab_buf *out, const parameter *p) {
    char number[40];
    cab_text t = {number, 0};
    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        if (!read_text(L, -1, &t)) {
            bad_entry(L, p, "value", "%s", NOT_UTF8);
        }
        break;
    case LUA_TBOOLEAN:
        t.data = lua_toboolean(L, -1) ? "true" : "false";
        t.len = strlen(t.data);
        break;
    case LUA_TNUMBER:
        if (!lcab_number_text(L, -1, number)) {
            bad_entry(L, p, "value", "%s", "must not be NaN or infinite");
        }
        t.len = strlen(number);
        break;
    default:
        bad_entry(L, p, "value", "must be a string, a number or a boolean, not %s",
                  luaL_typename(L, -1));
    }
    put_string(L, out, t);
}

static void put_pair_head(lua_State *L, cab_buf *out, bool first, cab_text name) {
    put(L, out, first ? "{\"name\":" : ",{\"name\":", first ? 8 : 9);
    put_string(L, out, name);
    PUT(L, out, ",\"value\":");
}

static void refuse_duplicates(lua_State *L, parameter *sorted, size_t count) {
    for (size_t i = 1; i < count; i++) {
        const parameter *a = &sorted[i - 1], *b = &sorted[i];
        if (a->name.len == b->name.len && memcmp(a->name.data, b->name.data, a->name.len) == 0) {
            if (a->position == 0 && b->position > 0) {
                lcab_bad(L, &ARGS, "run_id.parameter", "this parameter is given already");
            }
            bad_entry(L, b, "name", "%s", "this name is given twice");
        }
    }
}

/* Entry `position` of the array at `index`: pushes its value, answers its name. */
static parameter read_entry(lua_State *L, int index, size_t position) {
    parameter p = {{NULL, 0}, position, 0};
    int name_type = LUA_TNIL;
    bool fine = true;
    lua_pushnil(L); /* where the value goes */
    int value = lua_gettop(L);
    lcab_rawgeti(L, index, position);
    if (!lua_istable(L, -1)) {
        bad_entry(L, &p, "", "must be { name = , value = }, not %s", luaL_typename(L, -1));
    }
    for (lua_pushnil(L); lua_next(L, value + 1); lua_pop(L, 1)) {
        char other[48];
        size_t len = 0;
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &len) : NULL;
        if (len == 4 && memcmp(key, "name", 4) == 0) {
            name_type = lua_type(L, -1); /* the entry keeps the string alive */
            fine = name_type == LUA_TSTRING && read_text(L, -1, &p.name);
        } else if (len == 5 && memcmp(key, "value", 5) == 0) {
            lua_pushvalue(L, -1);
            lua_replace(L, value);
        } else {
            bad_entry(L, &p, lcab_key_text(L, -2, other), "%s",
                      "unknown name; only name and value");
        }
    }
    if (name_type != LUA_TSTRING) {
        bad_entry(L, &p, "name", "must be a string, not %s", lua_typename(L, name_type));
    } else if (!fine) {
        bad_entry(L, &p, "name", "%s", NOT_UTF8);
    }
    lua_settop(L, value);
    return p;
}

static void put_array(lua_State *L, int index, cab_buf *out, parameter *all, size_t count) {
    for (size_t i = 0; i < count; i++) {
        all[i] = read_entry(L, index, i + 1);
        put_pair_head(L, out, i == 0, all[i].name);
        put_value(L, out, &all[i]);
        PUT(L, out, "}");
        lua_pop(L, 1);
    }
}

static void put_map(lua_State *L, int index, cab_buf *out, parameter *all, size_t count) {
    size_t i = 0;
    lua_createtable(L, (int)count, 0); /* may run a finalizer that changes the map */
    int keys = lua_gettop(L);          /* so that the names live, whatever happens to the map */
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (i < count) {
            lua_pushvalue(L, -2);
            lcab_rawseti(L, keys, i + 1);
            all[i].position = 0;
            all[i].key = i + 1;
            if (!read_text(L, -2, &all[i].name)) {
                lcab_bad(L, &ARGS, "parameter", NOT_UTF8);
            }
        }
        i++;
    }
    if (i != count) {
        lcab_bad(L, &ARGS, "parameter", "changed while it was read");
    }
    qsort(all, count, sizeof *all, by_name);
    for (i = 0; i < count; i++) {
        put_pair_head(L, out, i == 0, all[i].name);
        lcab_rawgeti(L, keys, all[i].key);
        lua_rawget(L, index);
        put_value(L, out, &all[i]);
        PUT(L, out, "}");
        lua_pop(L, 1);
    }
}

/* How many entries, and whether they have names. Raises when the table is neither kind. */
static size_t count_entries(lua_State *L, int index, bool *is_map) {
    size_t names = 0, others = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            names++;
        } else {
            others++;
        }
    }
    *is_map = names > 0;
    if ((names > 0 && others > 0) || (names == 0 && others != lcab_rawlen(L, index))) {
        lcab_bad(L, &ARGS, "parameter",
                 "must be a map of names to values or an array of { name = , value = }");
    }
    return names + others;
}

static void put_parameters(lua_State *L, int index, cab_buf *out, cab_text run_id_name,
                           const char *run_id) {
    bool is_map = false;
    size_t count = lua_isnil(L, index) ? 0 : count_entries(L, index, &is_map);
    if (count == 0 && run_id_name.len == 0) {
        return;
    }
    parameter few[16], *all = few;
    if (count + 1 > sizeof few / sizeof *few) {
        all = lua_newuserdata(L, (count + 1) * sizeof *all);
    }
    PUT(L, out, ",\"parameter\":[");
    if (count > 0) {
        (is_map ? put_map : put_array)(L, index, out, all, count);
    }
    if (run_id_name.len > 0) {
        put_pair_head(L, out, count == 0, run_id_name);
        cab_text value = {run_id, strlen(run_id)};
        put_string(L, out, value);
        PUT(L, out, "}");
        all[count].name = run_id_name;
        all[count].position = is_map ? 1 : 0;
        if (is_map) {
            for (size_t i = 0; i < count; i++) {
                all[i].position = 0;
            }
        }
        count++;
    }
    PUT(L, out, "]");
    if (count > 1) {
        qsort(all, count, sizeof *all, by_name);
        refuse_duplicates(L, all, count);
    }
}

/* ---- scm ------------------------------------------------------------------------------------ */

static void put_scm_value(lua_State *L, cab_buf *out, int value, const char *name) {
    cab_text t;
    if (lua_type(L, value) == LUA_TSTRING) {
        if (!read_text(L, value, &t)) {
            lcab_bad(L, &SCM, name, NOT_UTF8);
        }
        put_string(L, out, t);
    } else if (lcab_is_null(L, value)) {
        PUT(L, out, "null");
    } else {
        lcab_bad(L, &SCM, name, "must be a string or build.null, not %s", luaL_typename(L, value));
    }
}

static void put_scm(lua_State *L, int index, cab_buf *out) {
    static const char *const names[] = {"build_tag", "build_commit_id", "branch",   "build_type",
                                        "repo_id",   "repo_name",       "scm_type", "url",
                                        NULL};
    int first = lua_gettop(L) + 1;
    unsigned given = lcab_push_options(L, index, &SCM, names);
    if (given == 0) {
        return;
    }
    PUT(L, out, ",\"scm\":");
    char before = '{';
    for (int i = 0; given >> i != 0; i++) {
        if ((given >> i & 1) != 0) {
            char head[] = {before, '"'};
            put(L, out, head, sizeof head);
            put(L, out, names[i], strlen(names[i]));
            PUT(L, out, "\":");
            put_scm_value(L, out, first + i, names[i]);
            before = ',';
        }
    }
    PUT(L, out, "}");
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* In ASCII, whatever the locale. Looks at all of them, so that compilers look at many at once. */
static bool are_alphanumeric(const char *text, size_t len) {
    unsigned odd = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i], lower = c | 0x20;
        odd |= (unsigned char)(c - '0') > 9 && (unsigned char)(lower - 'a') > 25;
    }
    return odd == 0;
}

static void put_job_id(lua_State *L, int index, cab_buf *out, char job_id[LCAB_JOB_ID_LEN + 1]) {
    if (lua_type(L, index) != LUA_TSTRING) {
        lcab_bad(L, &ARGS, "job_id", "%s",
                 lua_isnil(L, index) ? "is required" : "must be a string");
    }
    size_t len;
    const char *text = lua_tolstring(L, index, &len);
    if (len != LCAB_JOB_ID_LEN || !are_alphanumeric(text, LCAB_JOB_ID_LEN)) {
        lcab_bad(L, &ARGS, "job_id", "must be exactly 32 of [0-9A-Za-z]");
    }
    memcpy(job_id, text, LCAB_JOB_ID_LEN + 1);
    put(L, out, text, len);
}

static void check_table(lua_State *L, int index, const char *name) {
    if (!lua_istable(L, index)) {
        lcab_bad(L, &ARGS, name, "must be a table, not %s", luaL_typename(L, index));
    }
}

void lcab_write_run_job(lua_State *L, int index, cab_text run_id_name, const char *run_id,
                        cab_buf *body, char job_id[LCAB_JOB_ID_LEN + 1]) {
    static const char *const names[] = {"job_id", "parameter", "scm", NULL};
    if (!lua_istable(L, index)) {
        lcab_bad(L, &ARGS, "args", "must be a table, not %s", luaL_typename(L, index));
    }
    int top = lua_gettop(L), id = top + 1, parameters = top + 2, scm = top + 3;
    unsigned given = lcab_push_options(L, index, &ARGS, names);
    if (!cab_buf_reserve(body, 255)) { /* most bodies fit */
        lcab_raise_memory(L);
    }
    PUT(L, body, "{\"job_id\":\"");
    put_job_id(L, id, body, job_id);
    PUT(L, body, "\"");
    if ((given & 2) != 0) {
        check_table(L, parameters, "parameter");
    }
    put_parameters(L, parameters, body, run_id_name, run_id);
    if ((given & 4) != 0) {
        check_table(L, scm, "scm");
        put_scm(L, scm, body);
    }
    PUT(L, body, "}");
    lua_settop(L, top);
}
