#include "lua/lua_slots.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lua/compat.h"

static const char SLOTS = 0;
#define FIRST_SLOTS 32

typedef struct {
    _Alignas(max_align_t) char bytes[LCAB_SLOT_BYTES];
    unsigned next_free;
    bool used;
} slot;

/* Its user value is a weak table: value -> index of its slot. */
typedef struct {
    slot *all; /* NULL before the first and, for good, once the Lua state closes */
    unsigned count, touched, free_count, first_free; /* those beyond `touched` were never used */
    bool closed;
} slots;

/* Pushes the table of owners. */
static slots *push_owners(lua_State *L) {
    lcab_kept(L, &SLOTS);
    slots *s = lua_touserdata(L, -1);
    lua_getuservalue(L, -1);
    lua_remove(L, -2);
    return s;
}

/* Finds the slots whose owners were collected. */
static void find_free(lua_State *L, slots *s, int owners) {
    for (unsigned i = 0; i < s->count; i++) {
        s->all[i].used = false;
    }
    for (lua_pushnil(L); lua_next(L, owners); lua_pop(L, 1)) {
        if (lua_type(L, -1) == LUA_TNUMBER) {
            s->all[(size_t)lua_tointeger(L, -1)].used = true;
        }
    }
    s->free_count = 0;
    for (unsigned i = s->count; i-- > 0;) {
        if (!s->all[i].used) {
            s->all[i].next_free = s->first_free;
            s->first_free = i;
            s->free_count++;
        }
    }
}

/* The index of a free slot; false when there is none. */
static bool take(lua_State *L, slots *s, int owners, unsigned *index) {
    if (s->free_count == 0 && s->touched == s->count && !s->closed) {
        find_free(L, s, owners);
        unsigned count = s->count > 0 ? 2 * s->count : FIRST_SLOTS;
        /* With half of them free, looking for them costs less than what it saves. */
        slot *more = s->free_count < count / 4 ? realloc(s->all, count * sizeof *more) : NULL;
        if (more != NULL) {
            s->all = more;
            s->count = count;
        }
    }
    if (s->free_count > 0) {
        *index = s->first_free;
        s->first_free = s->all[*index].next_free;
        s->free_count--;
        return true;
    }
    *index = s->touched;
    s->touched += s->touched < s->count ? 1 : 0;
    return *index < s->touched;
}

void *lcab_slot_new(lua_State *L, size_t size) {
    int owner = lua_gettop(L);
    slots *s = push_owners(L);
    lua_pushvalue(L, owner);
    unsigned i;
    /* From taking a slot to saying whose it is, nothing runs the collector and its finalizers. */
    void *bytes;
    if (size <= LCAB_SLOT_BYTES && take(L, s, owner + 1, &i)) {
        bytes = s->all[i].bytes;
        lua_pushinteger(L, (lua_Integer)i);
    } else {
        bytes = lua_newuserdata(L, size);
    }
    lua_rawset(L, owner + 1);
    lua_settop(L, owner);
    return bytes;
}

const void *lcab_slot_of(lua_State *L, int index, void *copy) {
    lua_pushvalue(L, index);
    const slots *s = push_owners(L);
    lua_insert(L, -2);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    if (lua_type(L, -1) != LUA_TNUMBER) {
        return lua_touserdata(L, -1);
    }
    if (s->closed) {
        return NULL;
    }
    return memcpy(copy, s->all[(size_t)lua_tointeger(L, -1)].bytes, LCAB_SLOT_BYTES);
}

static int close_slots(lua_State *L) {
    slots *s = lua_touserdata(L, 1);
    free(s->all);
    memset(s, 0, sizeof *s);
    s->closed = true;
    return 0;
}

void lcab_slots_open(lua_State *L) {
    memset(lua_newuserdata(L, sizeof(slots)), 0, sizeof(slots));
    lcab_newweak(L, "k");
    lua_setuservalue(L, -2);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, close_slots);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lcab_keep(L, &SLOTS);
}
