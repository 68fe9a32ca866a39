#include "lua/lua_client.h"

#include <math.h>
#include <string.h>

#include "lua/compat.h"
#include "lua/lua_error.h"
#include "lua/lua_identity.h"
#include "lua/lua_json.h"
#include "lua/lua_options.h"
#include "lua/lua_opts.h"

static const char CLIENT_TYPE[] = "codearts.build.client";

/* ---- making --------------------------------------------------------------------------------- */

void lcab_client_share(lua_State *L, int slot) {
    lcab_kept(L, CLIENT_TYPE);
    lua_insert(L, -2);
    lcab_rawseti(L, -2, slot);
    lua_pop(L, 1);
}

/* Pushes what a client keeps of Lua. A copy of what all share is quicker to come by. */
static void push_user_value(lua_State *L) {
    static const int tables[] = {U_CALLS,   U_CALLBACKS,  U_READY,     U_CALL_EVENTS,
                                 U_STREAMS, U_ADMISSIONS, U_RECONCILES};
    static const int shared[] = {U_ANSWER_NAMES, U_CALL_META, U_ENDED_META, U_DELIVER,
                                 U_DELIVER_CANCELLED};
    lua_createtable(L, U_CLIENT, 0);
    int uv = lua_gettop(L);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        lua_newtable(L);
        lcab_rawseti(L, uv, tables[i]);
    }
    lcab_kept(L, CLIENT_TYPE);
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        lcab_rawgeti(L, -1, shared[i]);
        lcab_rawseti(L, uv, shared[i]);
    }
    lua_pop(L, 1);
}

/* core.new(options [, result_metatable]) -> client. Reads no environment and no file. Raises kind
 * "usage" or "config". */
static int client_new(lua_State *L) {
    if (!lua_istable(L, 1)) {
        return lcab_usage_error(L, "options", "must be a table, not %s", luaL_typename(L, 1));
    }
    lua_settop(L, 2);
    lcab_own_table(L, 1);
    lcab_client *u = lua_newuserdata(L, sizeof *u);
    memset(u, 0, sizeof *u);
    u->ready_first = 1;
    lcab_kept(L, CLIENT_TYPE);
    lua_setmetatable(L, -2);
    push_user_value(L);
    lua_pushvalue(L, 2);
    lcab_rawseti(L, 4, U_RESULT_META);
    (void)lcab_getfield(L, 1, "on_event");
    lcab_rawseti(L, 4, U_ON_EVENT);
    lua_pushvalue(L, 3);
    lcab_rawseti(L, 4, U_CLIENT);
    lua_setuservalue(L, 3);

    cab_engine_options e;
    memset(&e, 0, sizeof e);
    lcab_read_client_options(L, 1, &u->options, &e);
    cab_error err;
    u->c = cab_client_new(&u->options, &e, &err);
    if (u->c == NULL) {
        return lcab_raise(L, &err);
    }
    memset(&u->options, 0, sizeof u->options); /* taken over */
    lcab_json_load(L); /* where no file can be opened, the client has said so by now */
    lua_settop(L, 3);
    return 1;
}

/* The collector runs no callbacks: it only frees. */
static int client_gc(lua_State *L) {
    lcab_client *u = lua_touserdata(L, 1);
    cab_client_free(u->c);
    u->c = NULL;
    cab_client_options_free(&u->options);
    return 0;
}

/* ---- checks --------------------------------------------------------------------------------- */

#define NO_CLIENT "must be a client; call its methods with a colon"

lcab_client *lcab_check_any_client(lua_State *L, int index) {
    lcab_client *u = lcab_testudata(L, index, CLIENT_TYPE);
    if (u == NULL) {
        lcab_usage_error(L, "self", NO_CLIENT);
    }
    return u;
}

lcab_client *lcab_check_client_to(lua_State *L, int index, bool start) {
    const lcab_where where = {"", start};
    lcab_client *u = lcab_testudata(L, index, CLIENT_TYPE);
    if (u == NULL) {
        lcab_bad(L, &where, "self", NO_CLIENT);
    } else if (u->c == NULL) {
        lcab_bad(L, &where, "self", "the client is closed");
    } else if (cab_client_forked(u->c)) {
        lcab_bad(L, &where, "self",
                 "the client belongs to the process that this one was forked from; make a new one");
    }
    return u;
}

lcab_client *lcab_check_client(lua_State *L, int index) {
    return lcab_check_client_to(L, index, false);
}

int64_t lcab_check_wait(lua_State *L, int index) {
    if (lua_isnoneornil(L, index)) {
        return -1;
    }
    double s = lua_type(L, index) == LUA_TNUMBER ? lua_tonumber(L, index) : -1;
    if (!(s >= 0)) {
        lcab_usage_error(L, "timeout", "must be seconds, 0 or more");
    }
    return s > LCAB_LONGEST_S ? -1 : (int64_t)ceil(s * 1000);
}

/* ---- methods -------------------------------------------------------------------------------- */

void lcab_client_ready(lua_State *L, lcab_client *u, int uv, int call) {
    lcab_rawgeti(L, uv, U_READY);
    lua_pushvalue(L, call);
    lcab_rawseti(L, -2, u->ready_last + 1);
    u->ready_last++;
    lua_pop(L, 1);
}

/* client:pollfd() -> the one descriptor, readable when a step is due. Raises kind "config" where
 * the system has no second one to give, without which a start would wake nobody. */
static int client_pollfd(lua_State *L) {
    lcab_client *u = lcab_check_client(L, 1);
    int fd = cab_client_fd(u->c);
    if (fd < 0) {
        cab_error err;
        cab_fail(&err, CAB_KIND_CONFIG, CAB_REASON_NONE, NULL,
                 "the system gave no descriptor to wake by: too many open files?");
        return lcab_raise(L, &err);
    }
    lua_pushinteger(L, fd);
    return 1;
}

/* client:events() -> "r": what to wait for on the descriptor */
static int client_events(lua_State *L) {
    (void)lcab_check_client(L, 1);
    lua_pushliteral(L, "r");
    return 1;
}

/* client:timeout() -> seconds until a step is due whatever the descriptor says; nil: never */
static int client_timeout(lua_State *L) {
    lcab_client *u = lcab_check_client(L, 1);
    int64_t ms = lcab_client_has_rest(u) ? 0 : cab_client_timeout_ms(u->c);
    if (ms < 0) {
        lua_pushnil(L);
    } else {
        lua_pushnumber(L, (lua_Number)ms / 1000);
    }
    return 1;
}

static void push_address(lua_State *L, const cab_endpoint *ep) {
    const char *scheme = ep->https ? "https" : "http";
    char address[CAB_IPV6_TEXT];
    const char *rest = cab_endpoint_ipv6(ep, address);
    if (rest != NULL) {
        lua_pushfstring(L, "%s://[%s%s%s", scheme, address, rest, ep->path);
    } else {
        lua_pushfstring(L, "%s://%s%s", scheme, ep->host, ep->path);
    }
}

/* client:addresses() -> "https://host[:port][/path]" of each endpoint: one text for all spellings
 * of an IPv6 address */
static int client_addresses(lua_State *L) {
    const cab_client_options *o = &lcab_check_client(L, 1)->c->options;
    luaL_checkstack(L, CAB_MAX_ENDPOINTS, "endpoints");
    for (size_t i = 0; i < o->endpoint_count; i++) {
        push_address(L, &o->endpoints[i]);
    }
    return (int)o->endpoint_count;
}

/* client:keeps_keys_as(identity): nothing that the client tells shows what its key store signs in
 * with: records may repeat that. */
static int client_keeps_keys_as(lua_State *L) {
    static const lcab_where where = {"", false};
    cab_client *c = lcab_check_client(L, 1)->c;
    cab_identity *i = lcab_read_auth(L, 2, &where);
    cab_identity_unref(c->store);
    c->store = i;
    return 0;
}

/* client:knows(identity): nothing that the client tells shows what that has come to hold. */
static int client_knows(lua_State *L) {
    static const lcab_where where = {"", false};
    cab_client *c = lcab_check_any_client(L, 1)->c;
    if (c != NULL) { /* who signs in may outlive it */
        cab_identity *i = lcab_read_auth(L, 2, &where);
        cab_client_know(c, i);
        cab_identity_unref(i);
    }
    return 0;
}

void lcab_client_add_methods(lua_State *L, const luaL_Reg *methods) {
    lcab_kept(L, CLIENT_TYPE);
    lua_getfield(L, -1, "__index");
    lcab_setfuncs(L, methods);
    lua_pop(L, 2);
}

void lcab_client_close_by(lua_State *L, lua_CFunction close) {
    lcab_kept(L, CLIENT_TYPE);
    lua_pushcfunction(L, close);
    lua_setfield(L, -2, "__close");
    lua_pop(L, 1);
}

void lcab_client_open(lua_State *L) {
    static const luaL_Reg methods[] = {{"pollfd", client_pollfd},
                                       {"events", client_events},
                                       {"timeout", client_timeout},
                                       {"addresses", client_addresses},
                                       {"keeps_keys_as", client_keeps_keys_as},
                                       {"knows", client_knows},
                                       {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", client_gc}, {NULL, NULL}};
    lcab_newtype(L, CLIENT_TYPE, methods, meta);
    lua_pushcfunction(L, client_new);
    lua_setfield(L, -2, "new");
}
