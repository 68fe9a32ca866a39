#include "lua/lua_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lua/compat.h"
#include "lua/utf8.h"

#define ERROR_TYPE "codearts.build.error"
#define MASK "***"
/* Masking every occurrence of a text this short would leave nothing readable: all is masked. */
#define SHORTEST_SECRET 4

void lcab_secrets_add(lcab_secrets *s, const char *text) {
    if (text != NULL && text[0] != '\0' && s->count < sizeof s->text / sizeof *s->text) {
        s->text[s->count++] = text;
    }
}

/* The length of the secret that begins at p, or 0. */
static size_t secret_at(const char *p, const char *end, const lcab_secrets *s) {
    size_t longest = 0;
    for (size_t i = 0; i < s->count; i++) {
        size_t len = strlen(s->text[i]);
        if (len > longest && (size_t)(end - p) >= len && memcmp(p, s->text[i], len) == 0) {
            longest = len;
        }
    }
    return longest;
}

void lcab_push_masked(lua_State *L, const char *text, size_t len, const lcab_secrets *secrets) {
    const char *end = text + len;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (const char *p = text; p < end;) {
        size_t hidden = secret_at(p, end, secrets);
        size_t n = lcab_utf8_next(p, end);
        if (hidden > 0 && hidden < SHORTEST_SECRET) {
            /* The buffer may keep pieces on the stack, so it is ended before it is dropped. */
            luaL_pushresult(&b);
            lua_pop(L, 1);
            lua_pushliteral(L, MASK);
            return;
        }
        if (hidden > 0) {
            luaL_addlstring(&b, MASK, sizeof MASK - 1);
            p += hidden;
        } else if (n == 0) {
            luaL_addlstring(&b, "?", 1);
            p++;
        } else {
            luaL_addlstring(&b, p, n);
            p += n;
        }
    }
    luaL_pushresult(&b);
}

void lcab_push_new_error(lua_State *L) {
    lua_createtable(L, 0, 10);
    luaL_getmetatable(L, ERROR_TYPE);
    lua_setmetatable(L, -2);
}

bool lcab_is_error(lua_State *L, int index) {
    if (!lua_istable(L, index) || !lua_getmetatable(L, index)) {
        return false;
    }
    luaL_getmetatable(L, ERROR_TYPE);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}

int lcab_raise_memory(lua_State *L) {
    lua_pushliteral(L, "not enough memory");
    return lua_error(L);
}

static void set_text(lua_State *L, const char *name, const char *text) {
    static const lcab_secrets none = {{NULL}, 0};
    lcab_push_masked(L, text, strlen(text), &none);
    lua_setfield(L, -2, name);
}

static void push_from(lua_State *L, const cab_error *e, bool starts_build) {
    lcab_push_new_error(L);
    set_text(L, "kind", cab_kind_name(e->kind));
    set_text(L, "message", e->message);
    if (e->reason != CAB_REASON_NONE) {
        set_text(L, "reason", cab_reason_name(e->reason));
    }
    if (e->field[0] != '\0') {
        set_text(L, "field", e->field);
    }
    if (starts_build) {
        set_text(L, "outcome", cab_outcome_name(CAB_OUTCOME_NOT_STARTED));
    }
}

int lcab_raise(lua_State *L, const cab_error *e) {
    if (e->kind == CAB_KIND_MEMORY) {
        return lcab_raise_memory(L);
    }
    push_from(L, e, false);
    return lua_error(L);
}

static int raise_usage(lua_State *L, const char *prefix, const char *name, bool starts_build,
                       const char *fmt, va_list args) {
    cab_error e;
    char text[sizeof e.message];
    char field[sizeof e.field];
    (void)vsnprintf(text, sizeof text, fmt, args);
    (void)snprintf(field, sizeof field, "%s%s", prefix, name);
    cab_fail(&e, CAB_KIND_USAGE, CAB_REASON_NONE, field, "%s: %s", field, text);
    push_from(L, &e, starts_build);
    return lua_error(L);
}

int lcab_usage_error(lua_State *L, const char *field, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int n = raise_usage(L, "", field, false, fmt, args);
    va_end(args);
    return n;
}

int lcab_bad(lua_State *L, const lcab_where *where, const char *name, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int n = raise_usage(L, where->prefix, name, where->starts_build, fmt, args);
    va_end(args);
    return n;
}

/* ---- for Lua -------------------------------------------------------------------------------- */

/* Raw: an error's own members only. Leaves the text on the stack. */
static const char *member(lua_State *L, const char *name) {
    lua_pushstring(L, name);
    lua_rawget(L, 1);
    return lua_type(L, -1) == LUA_TSTRING || lua_type(L, -1) == LUA_TNUMBER ? lua_tostring(L, -1)
                                                                            : NULL;
}

static const char *told(const char *outcome) {
    if (outcome == NULL) {
        return "";
    }
    return strcmp(outcome, "not_started") == 0 ? "no build was started: "
           : strcmp(outcome, "started") == 0   ? "a build was started: "
                                               : "a build may have been started: ";
}

/* One line: what failed and whether a build may have started, then why. */
static int error_tostring(lua_State *L) {
    if (!lcab_is_error(L, 1)) {
        lua_pushliteral(L, ERROR_TYPE);
        return 1;
    }
    const char *kind = member(L, "kind");
    const char *operation = member(L, "operation");
    const char *outcome = member(L, "outcome");
    const char *status = member(L, "status");
    const char *code = member(L, "error_code");
    const char *message = member(L, "message");
    const char *id = member(L, "request_id");
    lua_pushfstring(L, "%s%s%s error: %s%s%s%s%s%s%s%s%s", operation != NULL ? operation : "",
                    operation != NULL ? ": " : "", kind != NULL ? kind : "unknown", told(outcome),
                    status != NULL ? status : "", status != NULL ? " " : "",
                    code != NULL ? code : "", code != NULL ? " " : "",
                    message != NULL ? message : "", id != NULL ? " (request id " : "",
                    id != NULL ? id : "", id != NULL ? ")" : "");
    size_t len;
    const char *line = lua_tolstring(L, -1, &len);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (size_t i = 0; i < len; i++) {
        char c = (unsigned char)line[i] < 0x20 || line[i] == 0x7f ? ' ' : line[i];
        luaL_addlstring(&b, &c, 1);
    }
    luaL_pushresult(&b);
    return 1;
}

/* core.error(members): a structured error with a copy of these members. */
static int make_error(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lcab_push_new_error(L);
    int error = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, 1);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, error);
    }
    return 1;
}

static int is_error(lua_State *L) {
    lua_pushboolean(L, lcab_is_error(L, 1));
    return 1;
}

void lcab_error_open(lua_State *L) {
    static const luaL_Reg meta[] = {{"__tostring", error_tostring}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"error", make_error}, {"is_error", is_error}, {NULL, NULL}};
    if (luaL_newmetatable(L, ERROR_TYPE)) {
        lcab_setfuncs(L, meta);
        lua_pushliteral(L, ERROR_TYPE);
        lua_setfield(L, -2, "__name");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_pop(L, 1);
    lcab_setfuncs(L, functions);
}
