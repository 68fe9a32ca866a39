#include "lua/core.h"

#include <math.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "cab/client.h"
#include "cab/clock.h"
#include "cab/crypto.h"
#include "cab/nearest.h"
#include "cab/pin.h"
#include "lua/compat.h"
#include "lua/lua_body.h"
#include "lua/lua_buf.h"
#include "lua/lua_call.h"
#include "lua/lua_client.h"
#include "lua/lua_error.h"
#include "lua/lua_file.h"
#include "lua/lua_identity.h"
#include "lua/lua_journal.h"
#include "lua/lua_json.h"
#include "lua/lua_mend.h"
#include "lua/lua_meta.h"
#include "lua/lua_opts.h"
#include "lua/lua_secrets.h"
#include "lua/lua_sign.h"
#include "lua/lua_step.h"
#include "lua/lua_term.h"
#include "lua/lua_wait.h"
#include "lua/lua_waker.h"
#include "lua/version.h"

/* core.versions() -> { core =, libcurl =, tls =, lua = } */
static int versions(lua_State *L) {
    lua_createtable(L, 0, 4);
    lua_pushliteral(L, CAB_VERSION);
    lua_setfield(L, -2, "core");
    lua_pushstring(L, cab_engine_curl_version());
    lua_setfield(L, -2, "libcurl");
    lua_pushstring(L, cab_engine_tls_version());
    lua_setfield(L, -2, "tls");
    lua_pushliteral(L, LUA_VERSION);
    lua_setfield(L, -2, "lua");
    return 1;
}

/* core.uuid() -> a random UUID */
static int uuid(lua_State *L) {
    char text[37];
    if (!cab_uuid(text)) {
        return lcab_usage_error(L, "uuid", "the system has no random bytes to give");
    }
    lua_pushlstring(L, text, 36);
    return 1;
}

/* core.nearest(name, names) -> the one of the array that was probably meant, or nil */
static int nearest(lua_State *L) {
    cab_nearest best = {NULL, 0};
    int index = 0;
    size_t len;
    const char *name = luaL_checklstring(L, 1, &len);
    luaL_checktype(L, 2, LUA_TTABLE);
    /* What follows a NUL byte would be shown with a name that only its beginning is like. */
    int count = strlen(name) == len ? (int)lcab_rawlen(L, 2) : 0;
    for (int i = 1; i <= count; i++) {
        const char *before = best.name;
        lcab_rawgeti(L, 2, i);
        if (lua_type(L, -1) == LUA_TSTRING) { /* the table keeps it */
            cab_nearest_weigh(&best, name, lua_tostring(L, -1));
        }
        lua_pop(L, 1);
        index = best.name != before ? i : index;
    }
    lcab_rawgeti(L, 2, index); /* nil for 0, which no array has */
    return 1;
}

/* core.process() -> { host =, pid = } */
static int process(lua_State *L) {
    char host[256];
    if (gethostname(host, sizeof host) != 0) {
        host[0] = '\0';
    }
    host[sizeof host - 1] = '\0';
    lua_createtable(L, 0, 2);
    lua_pushstring(L, host);
    lua_setfield(L, -2, "host");
    lua_pushinteger(L, (lua_Integer)getpid());
    lua_setfield(L, -2, "pid");
    return 1;
}

static int push_hex(lua_State *L, const unsigned char digest[CAB_HASH_LEN]) {
    char hex[CAB_HASH_HEX_LEN];
    cab_hex(digest, CAB_HASH_LEN, hex);
    lua_pushlstring(L, hex, sizeof hex);
    return 1;
}

/* core.sha256(text) -> 64 lower-case hexadecimal digits */
static int sha256(lua_State *L) {
    size_t len;
    unsigned char digest[CAB_HASH_LEN];
    const char *text = luaL_checklstring(L, 1, &len);
    if (!cab_digest(CAB_SHA256, text, len, digest)) {
        return lcab_usage_error(L, "sha256", "libcrypto cannot do it");
    }
    return push_hex(L, digest);
}

/* core.stretch(password, salt) -> 64 lower-case hexadecimal digits, by which the password is known
 * again, and hardly guessed from; takes a millisecond */
static int stretch(lua_State *L) {
    size_t len, salt_len;
    unsigned char digest[CAB_HASH_LEN];
    const char *password = luaL_checklstring(L, 1, &len);
    const char *salt = luaL_checklstring(L, 2, &salt_len);
    if (!cab_stretch(password, len, salt, salt_len, digest)) {
        return lcab_usage_error(L, "stretch", "libcrypto cannot do it");
    }
    return push_hex(L, digest);
}

/* core.now() -> seconds of a clock that never goes back */
static int now(lua_State *L) {
    lua_pushnumber(L, cab_clock_mono());
    return 1;
}

/* core.time() -> seconds since 1970 (UTC), with fraction */
static int utc(lua_State *L) {
    lua_pushnumber(L, cab_clock_utc());
    return 1;
}

/* core.retry_delay{ attempt =, random = [, transient =, retry_after =, remaining =, max_attempts =,
 * base_delay =, max_delay = ] } -> seconds to wait before the next attempt, or nil to stop. The
 * very rule that calls follow; pure. */
static int retry_delay(lua_State *L) {
    typedef struct {
        double attempt, random, retry_after, remaining, max_attempts, base_delay, max_delay;
        bool transient;
    } values;
    static const lcab_opt_row rows[] = {
        {"attempt", LCAB_WHOLE, offsetof(values, attempt), 1, 1e6},
        {"random", LCAB_NUMBER, offsetof(values, random), 0, 1},
        {"transient", LCAB_BOOLEAN, offsetof(values, transient), 0, 0},
        {"retry_after", LCAB_NUMBER, offsetof(values, retry_after), 0, HUGE_VAL},
        {"remaining", LCAB_NUMBER, offsetof(values, remaining), -HUGE_VAL, HUGE_VAL},
        {"max_attempts", LCAB_WHOLE, offsetof(values, max_attempts), 1, 1e6},
        {"base_delay", LCAB_NUMBER, offsetof(values, base_delay), 0, 3600},
        {"max_delay", LCAB_NUMBER, offsetof(values, max_delay), 0, 3600},
        {NULL, LCAB_OTHER, 0, 0, 0}};
    static const lcab_where where = {"", false};
    values v = {1, 0, -1, HUGE_VAL, 4, 0.2, 20, true};
    luaL_checktype(L, 1, LUA_TTABLE);
    lcab_read_options(L, 1, &where, rows, &v);
    cab_retry_policy policy = {(int)v.max_attempts, v.base_delay, v.max_delay};
    cab_retry_case c = {(int)v.attempt, v.transient, v.retry_after, v.remaining, v.random};
    double delay = cab_retry_delay(&policy, &c);
    if (delay < 0) {
        lua_pushnil(L);
    } else {
        lua_pushnumber(L, delay);
    }
    return 1;
}

/* Of Lua 5.3 and later and LuaJIT; else the program that loads us lacks it, and this is NULL. */
extern int(lua_isyieldable)(lua_State *L) __attribute__((weak));

/* core.yieldable() -> whether the running function may yield; nil where this Lua cannot tell. Not
 * coroutine.isyieldable: ngx_lua puts a table without it in the place of Lua's own. */
static int yieldable(lua_State *L) {
    if (lua_isyieldable == NULL) {
        lua_pushnil(L);
    } else {
        lua_pushboolean(L, lua_isyieldable(L));
    }
    return 1;
}

#if LUA_VERSION_NUM == 501
/* Runs protected without being a call, which alone would keep Lua 5.1 from yielding. */
static const char *read_by_yielding(lua_State *L, void *yields, size_t *size) {
    *size = 0;
    (void)lua_yield(L, 0); /* raises where it cannot */
    *(bool *)yields = true;
    lua_pushnil(L);
    (void)lua_error(L);
    return NULL;
}

/* core.yield(failed) yields, or answers `failed` where this coroutine cannot yield. Lua 5.1 has no
 * other way to find out: it cannot ask, and pcall around a yield makes it fail. */
static int yield(lua_State *L) {
    bool yields = false;
    lua_settop(L, 1);
    (void)lua_load(L, read_by_yielding, &yields, "=yield");
    lua_settop(L, 1);
    return yields ? lua_yield(L, 0) : 1;
}
#endif

int luaopen_codearts_build_core(lua_State *L) {
    static const luaL_Reg functions[] = {{"versions", versions},
                                         {"uuid", uuid},
                                         {"sha256", sha256},
                                         {"process", process},
                                         {"stretch", stretch},
                                         {"nearest", nearest},
                                         {"now", now},
                                         {"time", utc},
                                         {"yieldable", yieldable},
                                         {"retry_delay", retry_delay},
                                         {NULL, NULL}};
    cab_error err;
    lcab_checkversion(L);
    cab_pin();
    lua_newtable(L);
    lcab_error_open(L); /* first: the others raise */
    if (!cab_engine_check_version(&err)) {
        return lcab_raise(L, &err);
    }
    lcab_buf_open(L);
    lcab_mend_open(L);
    lcab_json_open(L);
    lcab_identity_open(L);
    lcab_meta_open(L);
    lcab_secrets_open(L);
    lcab_body_open(L);
    lcab_client_open(L);
    lcab_call_open(L);
    lcab_step_open(L);
    lcab_wait_open(L);
    lcab_sign_open(L);
    lcab_term_open(L);
    lcab_file_open(L);
    lcab_journal_open(L);
    lcab_waker_open(L);
    lcab_setfuncs(L, functions);
#if LUA_VERSION_NUM == 501
    lua_pushcfunction(L, yield);
    lua_setfield(L, -2, "yield");
#endif
    lua_pushliteral(L, CAB_VERSION);
    lua_setfield(L, -2, "_VERSION");
    return 1;
}
