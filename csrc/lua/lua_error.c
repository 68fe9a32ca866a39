#include "lua/lua_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cab/escape.h"
#include "cab/pieces.h"
#include "lua/compat.h"
#include "lua/utf8.h"

#define ERROR_TYPE "codearts.build.error"
#define MASK "***"
#define LONGEST_SIMPLE 128

/* Pushes a bit for each byte that shows a piece of a secret; NULL: nothing is safe to show. */
static const unsigned char *push_marks(lua_State *L, const char *text, size_t len,
                                       const cab_secrets *secrets) {
    size_t size = len / 8 + 1;
    unsigned char *marks = lua_newuserdata(L, size);
    memset(marks, 0, size);
    return secrets->whole || cab_pieces_mark(secrets, text, len, marks) ? marks : NULL;
}

/* Whether a text can be shown as it is, which is seen at once of those that are short and simple:
 * the id of a request, of which each answer has one. */
static bool is_harmless(const char *text, size_t len, const cab_secrets *secrets) {
    return len <= LONGEST_SIMPLE && !cab_secrets_may_begin(secrets, text, len) &&
           (secrets->whole || !cab_pieces_may_show(secrets, text, len));
}

void lcab_push_masked(lua_State *L, const char *text, size_t len, const cab_secrets *secrets) {
    if (is_harmless(text, len, secrets)) {
        lua_pushlstring(L, text, len);
        return;
    }
    const char *end = text + len;
    const char *hidden = text; /* what stands before this is */
    const char *plain = text;  /* what is to be shown from here on was not added yet */
    bool masking = false;      /* a mask was the last that was added before that */
    bool replaced = false;     /* something was no text */
    cab_secret_rests rests = {.text = {NULL}};
    const unsigned char *marks = push_marks(L, text, len, secrets);
    bool all = marks == NULL;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (const char *p = text; p < end && !all;) {
        size_t at = (size_t)(p - text);
        size_t more = p < hidden ? (size_t)(hidden - p) : 0;
        hidden = p + cab_secret_at(secrets, &rests, p, end, more, &all);
        bool masked = p < hidden || (marks[at / 8] >> at % 8 & 1) != 0;
        size_t n = lcab_utf8_next(p, end);
        if (!masked && n > 0 && *p != '\0') {
            p += n;
            continue;
        }
        if (!masked || !masking || p > plain) { /* else the last mask stands for it, too */
            luaL_addlstring(&b, plain, (size_t)(p - plain));
            luaL_addstring(&b, masked ? MASK : "?");
            replaced = replaced || !masked;
        }
        masking = masked;
        plain = ++p;
    }
    luaL_addlstring(&b, plain, (size_t)(end - plain));
    luaL_pushresult(&b);
    if (all) { /* the buffer may keep pieces on the stack, so it is ended before it is dropped */
        lua_pop(L, 1);
        lua_pushliteral(L, MASK);
    }
    lua_remove(L, -2);
    if (replaced && !all) { /* a question mark of ours may make a secret whole: look again */
        text = lua_tolstring(L, -1, &len);
        lcab_push_masked(L, text, len, secrets);
        lua_remove(L, -2);
    }
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
    lua_error(L);
}

static void set_text(lua_State *L, const char *name, const char *text) {
    static const cab_secrets none = {.count = 0};
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

void lcab_push_error(lua_State *L, const cab_error *e) { push_from(L, e, false); }

int lcab_raise(lua_State *L, const cab_error *e) {
    if (e->kind == CAB_KIND_MEMORY) {
        lcab_raise_memory(L);
    }
    push_from(L, e, false);
    lua_error(L);
}

__attribute__((noreturn)) static void raise_usage(lua_State *L, const char *prefix,
                                                  const char *name, bool starts_build,
                                                  const char *fmt, va_list args) {
    cab_error e;
    char text[sizeof e.message];
    char field[sizeof e.field];
    (void)vsnprintf(text, sizeof text, fmt, args);
    size_t len = strlen(prefix);
    if (name[0] == '[' && len > 0 && prefix[len - 1] == '.') {
        len--; /* scm[1], but scm.branch */
    }
    (void)snprintf(field, sizeof field, "%.*s%s", (int)len, prefix, name);
    cab_fail(&e, CAB_KIND_USAGE, CAB_REASON_NONE, field, "%s: %s", field, text);
    push_from(L, &e, starts_build);
    lua_error(L);
}

int lcab_usage_error(lua_State *L, const char *field, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    raise_usage(L, "", field, false, fmt, args);
    va_end(args);
}

int lcab_bad(lua_State *L, const lcab_where *where, const char *name, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    raise_usage(L, where->prefix, name, where->starts_build, fmt, args);
    va_end(args);
}

/* ---- for Lua -------------------------------------------------------------------------------- */

/* Pushes the error's own member of that name when it is a text or a number. Raw. */
static bool push_member(lua_State *L, const char *name) {
    lua_pushstring(L, name);
    lua_rawget(L, 1);
    if (lua_type(L, -1) == LUA_TSTRING || lua_type(L, -1) == LUA_TNUMBER) {
        return true;
    }
    lua_pop(L, 1);
    return false;
}

static void push_told(lua_State *L) {
    if (!push_member(L, "outcome")) {
        return;
    }
    const char *outcome = lua_tostring(L, -1);
    const char *told = strcmp(outcome, "not_started") == 0 ? "no build was started: "
                       : strcmp(outcome, "started") == 0   ? "a build was started: "
                                                           : "a build may have been started: ";
    lua_pop(L, 1);
    lua_pushstring(L, told);
}

/* One line: what failed and whether a build may have started, then why. Without what a terminal
 * draws nothing of, so that it holds no secret in pieces, which would not be found. */
static int error_tostring(lua_State *L) {
    if (!lcab_is_error(L, 1)) {
        lua_pushliteral(L, ERROR_TYPE);
        return 1;
    }
    lua_settop(L, 1);
    luaL_checkstack(L, 20, "error");
    if (push_member(L, "operation")) {
        lua_pushliteral(L, ": ");
    }
    if (!push_member(L, "kind")) {
        lua_pushliteral(L, "unknown");
    }
    lua_pushliteral(L, " error: ");
    push_told(L);
    if (push_member(L, "status")) {
        lua_pushliteral(L, " ");
    }
    if (push_member(L, "error_code")) {
        lua_pushliteral(L, " ");
    }
    (void)push_member(L, "message");
    lua_pushliteral(L, " (request id ");
    if (push_member(L, "request_id")) {
        lua_pushliteral(L, ")");
    } else {
        lua_pop(L, 1);
    }
    lua_concat(L, lua_gettop(L) - 1);
    size_t len;
    const char *line = lua_tolstring(L, -1, &len);
    const char *end = line + len;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (const char *p = line; p < end;) {
        size_t unseen = cab_read_unseen(p, end, NULL), control = cab_read_control(p, end);
        if (unseen < 2) { /* a lone ESC or SI is a control character as any */
            luaL_addlstring(&b, control > 0 ? " " : p, 1);
        }
        p += unseen > 1 ? unseen : control > 0 ? control : 1;
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

/* core.is_error(value) -> whether it is a structured error */
static int is_error(lua_State *L) {
    lua_pushboolean(L, lcab_is_error(L, 1));
    return 1;
}

void lcab_read_secrets(lua_State *L, int index, cab_secrets *secrets) {
    for (size_t i = 1; i <= lcab_rawlen(L, index); i++) {
        lcab_rawgeti(L, index, i);
        if (lua_type(L, -1) == LUA_TSTRING) {
            cab_secrets_add(secrets, lua_tostring(L, -1));
        }
        lua_pop(L, 1);
    }
}

/* core.mask(text, secrets [, whole]): the text as people may see it, with *** for each secret of
 * the list, and for each piece of one unless only whole ones are looked for. */
static int mask(lua_State *L) {
    cab_secrets secrets = {.whole = lua_toboolean(L, 3) != 0};
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    luaL_checktype(L, 2, LUA_TTABLE);
    lcab_read_secrets(L, 2, &secrets);
    lcab_push_masked(L, text, len, &secrets);
    return 1;
}

void lcab_error_open(lua_State *L) {
    static const luaL_Reg meta[] = {{"__tostring", error_tostring}, {NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"error", make_error}, {"is_error", is_error}, {"mask", mask}, {NULL, NULL}};
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
