/* Lua 5.1 to 5.5 and LuaJIT seen as one. Each shim tests for what it adds. */
#ifndef LCAB_COMPAT_H
#define LCAB_COMPAT_H

#include <stdbool.h>
#include <stddef.h>

#include <lauxlib.h>
#include <lua.h>

/* Lua's headers do not say that it never returns; compilers and analyzers want to know. */
__attribute__((noreturn)) int(lua_error)(lua_State *L);

#if LUA_VERSION_NUM < 502
/* A table stands for a user value; before one is set, this pushes some other table. */
#define lua_setuservalue(L, i) ((void)lua_setfenv(L, i))
#define lua_getuservalue(L, i) lua_getfenv(L, i)

/* An index that stays right when things are pushed. */
static inline int lcab_absindex(lua_State *L, int i) {
    return i > 0 || i <= LUA_REGISTRYINDEX ? i : lua_gettop(L) + i + 1;
}
#else
#define lcab_absindex lua_absindex
#endif

/* Raises where another Lua runs than the headers were of. 5.1 lacks it, and needs it least: nothing
 * else has all of its functions. */
#if LUA_VERSION_NUM < 502
#define lcab_checkversion(L) ((void)(L))
#else
#define lcab_checkversion luaL_checkversion
#endif

/* A size_t at first, then as wide as an integer of Lua: more than size_t on 32 bit. */
static inline size_t lcab_rawlen(lua_State *L, int i) {
#if LUA_VERSION_NUM < 502
    return lua_objlen(L, i);
#else
    return (size_t)lua_rawlen(L, i);
#endif
}

/* lua_rawgeti took an int for longer than it took a lua_Integer. */
#define lcab_rawgeti(L, i, n) ((void)lua_rawgeti(L, i, (int)(n)))
#define lcab_rawseti(L, i, n) lua_rawseti(L, i, (int)(n))

/* Pushes a global, whatever metatable the table of globals has. */
static inline void lcab_rawglobal(lua_State *L, const char *name) {
#if LUA_VERSION_NUM < 502
    lua_pushstring(L, name);
    lua_rawget(L, LUA_GLOBALSINDEX);
#else
    lcab_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_pushstring(L, name);
    lua_rawget(L, -2);
    lua_remove(L, -2);
#endif
}

/* A userdata that holds two Lua values, nil at first: by user values of its own, or by a table. */
#if LUA_VERSION_NUM >= 504
#define lcab_newpair(L, size) lua_newuserdatauv(L, size, 2)
/* Pops the value. Cannot fail. */
#define lcab_setpair(L, i, n) ((void)lua_setiuservalue(L, i, n))
#define lcab_getpair(L, i, n) ((void)lua_getiuservalue(L, i, n))
#else
static inline void *lcab_newpair(lua_State *L, size_t size) {
    void *p = lua_newuserdata(L, size);
    lua_createtable(L, 2, 0);
    lua_setuservalue(L, -2);
    return p;
}
static inline void lcab_setpair(lua_State *L, int i, int n) {
    lua_getuservalue(L, i);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, n);
    lua_pop(L, 2);
}
static inline void lcab_getpair(lua_State *L, int i, int n) {
    lua_getuservalue(L, i);
    lua_rawgeti(L, -1, n);
    lua_remove(L, -2);
}
#endif

/* Own name, so that LuaJIT builds that bring luaL_setfuncs do not clash. */
static inline void lcab_setfuncs(lua_State *L, const luaL_Reg *f) {
    for (; f->name != NULL; f++) {
        lua_pushcfunction(L, f->func);
        lua_setfield(L, -2, f->name);
    }
}

/* The userdata at i when it is of that type, else NULL. `type` is the very array that the type was
 * registered with: its address is in the metatable, where nothing in Lua can put it. That is
 * quicker to come by than the metatable of a name. */
static inline void *lcab_testudata(lua_State *L, int i, const char *type) {
    void *p = lua_touserdata(L, i);
    if (p == NULL || !lua_getmetatable(L, i)) {
        return NULL;
    }
    lcab_rawgeti(L, -1, 1);
    bool same = lua_touserdata(L, -1) == (const void *)type;
    lua_pop(L, 2);
    return same ? p : NULL;
}

/* Puts the value on top, which it pops, into the registry under an address: quicker to come by than
 * under a name. */
static inline void lcab_keep(lua_State *L, const void *key) {
    lua_pushlightuserdata(L, (void *)key);
    lua_insert(L, -2);
    lua_rawset(L, LUA_REGISTRYINDEX);
}

/* Pushes what is kept there. */
static inline void lcab_kept(lua_State *L, const void *key) {
#if LUA_VERSION_NUM < 502
    lua_pushlightuserdata(L, (void *)key);
    lua_rawget(L, LUA_REGISTRYINDEX);
#else
    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, key);
#endif
}

/* Pushes a table that keeps nobody alive by its keys ("k") or its values ("v"). */
static inline void lcab_newweak(lua_State *L, const char *mode) {
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushstring(L, mode);
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
}

/* Registers a userdata type under the array of static life that is its name: methods in a table of
 * their own, away from the metamethods. lcab_kept pushes the metatable. */
static inline void lcab_newtype(lua_State *L, const char *name, const luaL_Reg *methods,
                                const luaL_Reg *meta) {
    lcab_kept(L, name);
    bool known = lua_istable(L, -1);
    lua_pop(L, 1);
    if (known) {
        return;
    }
    lua_newtable(L);
    lcab_setfuncs(L, meta);
    lua_newtable(L);
    lcab_setfuncs(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushlightuserdata(L, (void *)name);
    lcab_rawseti(L, -2, 1);
    lcab_keep(L, name);
}

/* Numbers: whole ones up to 2^53 become integers where Lua has them. */
static inline void lcab_pushwhole(lua_State *L, double n) {
#if LUA_VERSION_NUM >= 503
    lua_pushinteger(L, (lua_Integer)n);
#else
    lua_pushnumber(L, n);
#endif
}

#endif
