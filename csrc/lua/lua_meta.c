#include "lua/lua_meta.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lua/compat.h"

static const char META = 0;  /* weak: result or error -> index of its slot, or a lcab_meta */
static const char SLOTS = 0; /* the slots */
#define FIRST_SLOTS 32
#define TEXT_BYTES 112 /* the usual ones fit, two UUIDs among them */

/* Followed by four texts with their NULs: job id, run id, run id's parameter, request id. */
typedef struct {
    double started_at, elapsed;
    int64_t began_ms, date; /* monotonic; the service's clock, -1: unknown */
    cab_timings timings;
    int status, attempts, http_major, http_minor;
} lcab_meta;

typedef struct {
    lcab_meta meta;
    char texts[TEXT_BYTES];
    unsigned next_free;
    bool used;
} slot;

/* Every result has such facts, and hardly anybody asks. As values of a weak table they would each
 * be collected a cycle later than their result; and the more memory the collector knows of, the
 * longer it waits. Not to have them there is 1 % of a call's time on LuaJIT. */
typedef struct {
    slot *all; /* NULL before the first and, for good, once the Lua state closes */
    unsigned count, touched, free_count, first_free; /* those beyond `touched` were never used */
    bool closed;
} slots;

/* Finds the slots whose results were collected. */
static void find_free(lua_State *L, slots *s) {
    for (unsigned i = 0; i < s->count; i++) {
        s->all[i].used = false;
    }
    lcab_kept(L, &META);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (lua_type(L, -1) == LUA_TNUMBER) {
            s->all[(size_t)lua_tointeger(L, -1)].used = true;
        }
    }
    lua_pop(L, 1);
    s->free_count = 0;
    for (unsigned i = s->count; i-- > 0;) {
        if (!s->all[i].used) {
            s->all[i].next_free = s->first_free;
            s->first_free = i;
            s->free_count++;
        }
    }
}

/* Pushes the index of a free slot and answers it; NULL, with nothing pushed, when there is none. */
static lcab_meta *push_slot(lua_State *L) {
    lcab_kept(L, &SLOTS);
    slots *s = lua_touserdata(L, -1);
    lua_pop(L, 1);
    if (s->free_count == 0 && s->touched == s->count && !s->closed) {
        find_free(L, s);
        unsigned count = s->count > 0 ? 2 * s->count : FIRST_SLOTS;
        /* With half of them free, looking for them costs less than what it saves. */
        slot *more = s->free_count < count / 4 ? realloc(s->all, count * sizeof *more) : NULL;
        if (more != NULL) {
            s->all = more;
            s->count = count;
        }
    }
    unsigned i;
    if (s->free_count > 0) {
        i = s->first_free;
        s->first_free = s->all[i].next_free;
        s->free_count--;
    } else if (s->touched < s->count) {
        i = s->touched++;
    } else {
        return NULL;
    }
    lua_pushinteger(L, (lua_Integer)i);
    return &s->all[i].meta;
}

static int close_slots(lua_State *L) {
    slots *s = lua_touserdata(L, 1);
    free(s->all);
    memset(s, 0, sizeof *s);
    s->closed = true;
    return 0;
}

void lcab_remember_meta(lua_State *L, cab_call *c, const char *job_id, double started_at,
                        const char *request_id, int64_t date) {
    int value = lua_gettop(L);
    const cab_answer *a = cab_call_answer(c);
    const char *run_id = c->note.len > 0 ? c->note.data : "";
    const char *parameter = c->note.len > 0 ? run_id + strlen(run_id) + 1 : "";
    const char *texts[] = {job_id, run_id, parameter, request_id};
    size_t sizes[4], size = 0;
    for (int i = 0; i < 4; i++) {
        sizes[i] = strlen(texts[i]) + 1;
        size += sizes[i];
    }
    lcab_kept(L, &META);
    lua_pushvalue(L, value);
    /* From taking a slot to saying whose it is, nothing runs the collector and its finalizers. */
    lcab_meta *m = size <= TEXT_BYTES ? push_slot(L) : NULL;
    if (m == NULL) {
        m = lua_newuserdata(L, sizeof *m + size);
    }
    memset(m, 0, sizeof *m);
    m->started_at = started_at;
    m->began_ms = c->started_ms;
    m->date = date;
    m->attempts = c->attempts;
    m->elapsed = c->elapsed;
    if (a != NULL) {
        m->status = a->status;
        m->http_major = a->http_major;
        m->http_minor = a->http_minor;
        m->timings = a->timings;
    }
    char *at = (char *)(m + 1);
    for (int i = 0; i < 4; i++) {
        memcpy(at, texts[i], sizes[i]);
        at += sizes[i];
    }
    lua_rawset(L, value + 1);
    lua_settop(L, value);
}

static void set_number(lua_State *L, const char *name, double n) {
    lua_pushnumber(L, n);
    lua_setfield(L, -2, name);
}

static void set_whole(lua_State *L, const char *name, int n) {
    if (n != 0) {
        lua_pushinteger(L, n);
        lua_setfield(L, -2, name);
    }
}

/* Sets the member unless it is empty. */
static void set_text(lua_State *L, const char *name, const char *text) {
    if (text[0] != '\0') {
        lua_pushstring(L, text);
        lua_setfield(L, -2, name);
    }
}

/* core.meta(result): how the answer came to be; nil for anything that is no result or error. */
static int get_meta(lua_State *L) {
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    lcab_kept(L, &META);
    lua_pushvalue(L, 1);
    lua_rawget(L, -2);
    const lcab_meta *m = lua_touserdata(L, -1);
    slot copy; /* what follows may run finalizers, and those make the slots move */
    if (lua_type(L, -1) == LUA_TNUMBER) {
        lcab_kept(L, &SLOTS);
        const slots *s = lua_touserdata(L, -1);
        if (!s->closed) {
            copy = s->all[(size_t)lua_tointeger(L, -2)];
            m = &copy.meta;
        }
    }
    if (m == NULL) {
        lua_pushnil(L);
        return 1;
    }
    lua_createtable(L, 0, 12);
    static const char *const names[] = {"job_id", "run_id", "run_id_parameter", "request_id"};
    const char *text = (const char *)(m + 1);
    for (int i = 0; i < 4; i++, text += strlen(text) + 1) {
        set_text(L, names[i], text);
    }
    set_number(L, "started_at", m->started_at);
    set_number(L, "began", (double)m->began_ms / 1000.0); /* as core.now() counts */
    if (m->date >= 0) {
        set_number(L, "date", (double)m->date);
    }
    set_whole(L, "status", m->status);
    set_whole(L, "attempts", m->attempts);
    if (m->http_major != 0) {
        if (m->http_major == 1) {
            lua_pushfstring(L, "1.%d", m->http_minor);
        } else {
            lua_pushfstring(L, "%d", m->http_major);
        }
        lua_setfield(L, -2, "http_version");
    }
    set_number(L, "elapsed", m->elapsed);
    lua_createtable(L, 0, 5);
    set_number(L, "dns", m->timings.dns);
    set_number(L, "connect", m->timings.connect);
    set_number(L, "tls", m->timings.tls);
    set_number(L, "first_byte", m->timings.first_byte);
    set_number(L, "total", m->timings.total);
    lua_setfield(L, -2, "timings");
    return 1;
}

void lcab_meta_open(lua_State *L) {
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lcab_keep(L, &META);
    memset(lua_newuserdata(L, sizeof(slots)), 0, sizeof(slots));
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, close_slots);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lcab_keep(L, &SLOTS);
    lua_pushcfunction(L, get_meta);
    lua_setfield(L, -2, "meta");
}
