#include "lua/lua_identity.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "cab/client.h"
#include "cab/clock.h"
#include "lua/compat.h"
#include "lua/lua_opts.h"
#include "lua/lua_sign.h"

static const char IDENTITY_TYPE[] = "codearts.build.identity";
/* Weak: tag -> userdata, to find the error that belongs to an identity seen from C. */
static const char IDENTITIES = 0;
#define MAX_TOKEN 100000
#define LONGEST_NAME 17 /* "security_token" and three letters */

typedef struct {
    cab_identity *i;
} lcab_identity;

typedef struct {
    cab_text token, ak, sk, security_token, project_id;
    cab_text algorithm, region, service;
    double life;
} auth_value;

static const lcab_opt_row ROWS[] = {
    {"token", LCAB_TEXT, offsetof(auth_value, token), 0, 0},
    {"ak", LCAB_TEXT, offsetof(auth_value, ak), 0, 0},
    {"sk", LCAB_TEXT, offsetof(auth_value, sk), 0, 0},
    {"security_token", LCAB_TEXT, offsetof(auth_value, security_token), 0, 0},
    {"project_id", LCAB_TEXT, offsetof(auth_value, project_id), 0, 0},
    {"algorithm", LCAB_TEXT, offsetof(auth_value, algorithm), 0, 0},
    {"region", LCAB_TEXT, offsetof(auth_value, region), 0, 0},
    {"service", LCAB_TEXT, offsetof(auth_value, service), 0, 0},
    {"life", LCAB_NUMBER, offsetof(auth_value, life), 0, 1e12},
    {NULL, LCAB_OTHER, 0, 0, 0}};

static void check(lua_State *L, const lcab_where *where, const char *name, cab_text t) {
    lcab_check_line(L, where, name, t, false);
    if (t.len > MAX_TOKEN) {
        lcab_bad(L, where, name, "is longer than %d bytes", MAX_TOKEN);
    }
}

/* A token may get where its name belongs: what is too long to be a misspelt name of ours is not
 * repeated. All keys and tokens of the service are that long. */
static void check_names(lua_State *L, int index, const lcab_where *where) {
    index = lcab_absindex(L, index);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING && lcab_rawlen(L, -2) > LONGEST_NAME) {
            lcab_bad(L, where, "[...]",
                     "unknown name; known are token, ak, sk, security_token, project_id, "
                     "algorithm, region and service");
        }
    }
}

static cab_credentials *read_table(lua_State *L, int index, const lcab_where *where,
                                   auth_value *v) {
    memset(v, 0, sizeof *v);
    v->life = HUGE_VAL;
    check_names(L, index, where);
    lcab_read_options(L, index, where, ROWS, v);
    check(L, where, "token", v->token);
    check(L, where, "ak", v->ak);
    check(L, where, "sk", v->sk);
    check(L, where, "security_token", v->security_token);
    check(L, where, "project_id", v->project_id);
    check(L, where, "region", v->region);
    check(L, where, "service", v->service);
    if (v->token.len > 0 && (v->ak.len > 0 || v->sk.len > 0)) {
        lcab_bad(L, where, "token", "stands beside a key pair; give one of them");
    }
    if (v->token.len > 0 && (v->algorithm.len > 0 || v->region.len > 0 || v->service.len > 0)) {
        lcab_bad(L, where, "algorithm",
                 "goes with a key pair, not with a token; so do region and service");
    }
    if (v->token.len > 0) {
        return cab_credentials_token(v->token.data);
    }
    if (v->ak.len == 0 || v->sk.len == 0) {
        lcab_bad(L, where, v->ak.len == 0 ? "ak" : "sk", "is required: a key pair is ak and sk");
    }
    cab_sign_algorithm algorithm =
        lcab_check_algorithm(L, where, v->algorithm, v->region, v->service);
    cab_credentials *k =
        cab_credentials_keys(v->ak.data, v->sk.data, v->security_token.data, v->project_id.data);
    if (k != NULL && algorithm != CAB_SIGN_SDK_SHA256 &&
        !cab_credentials_sign_by(k, algorithm, v->region.data, v->service.data)) {
        cab_credentials_unref(k);
        k = NULL;
    }
    return k;
}

cab_identity *lcab_read_auth(lua_State *L, int index, const lcab_where *where) {
    lcab_identity *given = lcab_testudata(L, index, IDENTITY_TYPE);
    if (given != NULL) {
        return cab_identity_ref(given->i);
    }
    lcab_where inner = {"auth.", where->starts_build};
    cab_credentials *c = NULL;
    if (lua_type(L, index) == LUA_TSTRING) {
        cab_text t;
        t.data = lua_tolstring(L, index, &t.len);
        if (t.len == 0) {
            lcab_bad(L, where, "auth", "must not be an empty token");
        }
        check(L, where, "auth", t);
        c = cab_credentials_token(t.data);
    } else if (lua_istable(L, index)) {
        auth_value v;
        c = read_table(L, index, &inner, &v);
    } else {
        lcab_bad(L, where, "auth", "must be a token or a table, not %s", luaL_typename(L, index));
    }
    cab_identity *i = c != NULL ? cab_identity_fixed(c) : NULL;
    if (i == NULL) {
        lcab_raise_memory(L);
    }
    return i;
}

void lcab_push_sign_in_error(lua_State *L, const cab_identity *i) {
    lcab_kept(L, &IDENTITIES);
    lcab_rawgeti(L, -1, i != NULL ? i->tag : 0);
    if (lua_isuserdata(L, -1)) {
        lua_getuservalue(L, -1);
        lcab_rawgeti(L, -1, 1);
        lua_remove(L, -2);
    } else {
        lua_pushnil(L);
    }
    lua_remove(L, -2);
    lua_remove(L, -2);
}

/* ---- for Lua -------------------------------------------------------------------------------- */

static cab_identity *self(lua_State *L) {
    lcab_identity *u = lcab_testudata(L, 1, IDENTITY_TYPE);
    if (u == NULL || u->i == NULL) {
        lcab_usage_error(L, "self", "must be an identity; call its methods with a colon");
        return NULL;
    }
    return u->i;
}

/* core.identity() -> a slot for credentials that Lua fetches; calls that use it park until it is
 * set */
static int identity_new(lua_State *L) {
    lcab_identity *u = lua_newuserdata(L, sizeof *u);
    u->i = NULL;
    lcab_kept(L, IDENTITY_TYPE);
    lua_setmetatable(L, -2);
    lua_createtable(L, 1, 0); /* [1]: the error of the last failed sign-in */
    lua_setuservalue(L, -2);
    lcab_kept(L, &IDENTITIES);
    lcab_rawgeti(L, -1, 0);
    int tag = (int)lua_tointeger(L, -1) + 1;
    lua_pop(L, 1);
    lua_pushinteger(L, tag);
    lcab_rawseti(L, -2, 0);
    lua_pushvalue(L, -2);
    lcab_rawseti(L, -2, tag);
    lua_pop(L, 1);
    u->i = cab_identity_new();
    if (u->i == NULL) {
        return lcab_raise_memory(L);
    }
    u->i->tag = tag;
    return 1;
}

static int identity_gc(lua_State *L) {
    lcab_identity *u = lua_touserdata(L, 1);
    cab_identity_unref(u->i);
    u->i = NULL;
    return 0;
}

static int identity_wanted(lua_State *L) {
    static const char *const names[] = {NULL, "missing", "expired", "refused"};
    const char *name = names[cab_identity_wanted(self(L))];
    if (name != NULL) {
        lua_pushstring(L, name);
    } else {
        lua_pushnil(L);
    }
    return 1;
}

static int identity_set(lua_State *L) {
    static const lcab_where where = {"", false};
    cab_identity *i = self(L);
    if (!lua_istable(L, 2)) {
        return lcab_usage_error(L, "credentials", "must be a table, not %s", luaL_typename(L, 2));
    }
    auth_value v;
    cab_credentials *c = read_table(L, 2, &where, &v);
    if (c == NULL) {
        return lcab_raise_memory(L);
    }
    bool forever = isinf(v.life);
    cab_identity_renew(i, c, forever ? INT64_MAX : cab_clock_ms() + (int64_t)(v.life * 1000));
    /* Those who waited take them even if their life is already over: asking again at once for
     * every call would be a storm. */
    cab_client_unpark(i);
    return 0;
}

/* identity:hide(token) or identity:hide(nil, sk, security_token): what is used to sign in, or came
 * of it, must not be shown, whether calls are ever sent with it or not. */
static int identity_hide(lua_State *L) {
    cab_identity *i = self(L);
    cab_credentials *k = NULL;
    if (lua_isnoneornil(L, 2)) {
        k = cab_credentials_keys("", luaL_checkstring(L, 3), luaL_optstring(L, 4, NULL), NULL);
    } else {
        k = cab_credentials_token(luaL_checkstring(L, 2));
    }
    if (k == NULL) {
        return lcab_raise_memory(L);
    }
    cab_recent_add(&i->past, k);
    cab_credentials_unref(k);
    return 0;
}

static void append_secret(lua_State *L, const char *text) {
    if (text != NULL) {
        lua_pushstring(L, text);
        lcab_rawseti(L, -2, lcab_rawlen(L, -2) + 1);
    }
}

static void append_secrets(lua_State *L, const cab_credentials *k) {
    if (k != NULL) {
        append_secret(L, cab_credentials_get_token(k));
        append_secret(L, k->sk);
        append_secret(L, k->security_token);
    }
}

/* identity:secrets() -> list of all that it hides */
static int identity_secrets(lua_State *L) {
    const cab_identity *i = self(L);
    lua_newtable(L);
    append_secrets(L, i->current);
    for (size_t n = 0; n < CAB_RECENT_CREDENTIALS; n++) {
        append_secrets(L, i->past.list[n]);
    }
    return 1;
}

static int identity_fail(lua_State *L) {
    cab_identity *i = self(L);
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    lua_getuservalue(L, 1);
    lua_pushvalue(L, 2);
    lcab_rawseti(L, -2, 1);
    cab_client_fail_parked(i);
    return 0;
}

void lcab_identity_open(lua_State *L) {
    static const luaL_Reg methods[] = {{"wanted", identity_wanted}, {"set", identity_set},
                                       {"hide", identity_hide},     {"secrets", identity_secrets},
                                       {"fail", identity_fail},     {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", identity_gc}, {NULL, NULL}};
    lcab_newtype(L, IDENTITY_TYPE, methods, meta);
    lcab_newweak(L, "v");
    lcab_keep(L, &IDENTITIES);
    lua_pushcfunction(L, identity_new);
    lua_setfield(L, -2, "identity");
}
