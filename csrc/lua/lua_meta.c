#include "lua/lua_meta.h"

#include <stddef.h>
#include <string.h>

#include "lua/compat.h"
#include "lua/lua_slots.h"

/* Texts that follow, each with its NUL. */
enum { JOB_ID, RUN_ID, PARAMETER, REQUEST_ID, SHOWN, SIGNATURE = SHOWN, TEXTS };

typedef struct {
    double started_at, elapsed;
    int64_t began_ms, date; /* monotonic; the service's clock, -1: unknown */
    cab_timings timings;
    int status, attempts, endpoint; /* which of the client's, from 1; 0: not to be told */
    int age;                        /* seconds in a cache; 0: none */
    short http_major, http_minor;
} lcab_meta;

void lcab_remember_meta(lua_State *L, cab_call *c, const char *job_id, double started_at,
                        const char *request_id, int64_t date, int age) {
    /* What is under way has no times yet, and may go elsewhere. */
    const cab_answer *a = c->state == CAB_CALL_ANSWERED ? cab_call_answer(c) : NULL;
    const char *run_id = c->note.len > 0 ? c->note.data : "";
    const char *parameter = c->note.len > 0 ? run_id + strlen(run_id) + 1 : "";
    const char *signature = cab_call_signature(c);
    const char *texts[TEXTS] = {job_id, run_id, parameter, request_id,
                                signature != NULL ? signature : ""};
    size_t sizes[TEXTS], size = 0;
    for (int i = 0; i < TEXTS; i++) {
        sizes[i] = strlen(texts[i]) + 1;
        size += sizes[i];
    }
    lcab_meta *m = lcab_slot_new(L, sizeof *m + size);
    memset(m, 0, sizeof *m);
    m->started_at = started_at;
    m->began_ms = c->started_ms;
    m->date = date;
    m->age = age;
    m->attempts = c->attempts;
    m->elapsed = c->elapsed;
    if (a != NULL) {
        m->status = a->status;
        m->http_major = (short)a->http_major;
        m->http_minor = (short)a->http_minor;
        m->endpoint = c->judged && c->elsewhere.base == NULL ? (int)c->endpoint + 1 : 0;
        m->timings = a->timings;
    }
    char *at = (char *)(m + 1);
    for (int i = 0; i < TEXTS; i++) {
        memcpy(at, texts[i], sizes[i]);
        at += sizes[i];
    }
}

/* What lcab_slot_of writes to; what follows it may run finalizers, and those make the slots move.
 */
typedef union {
    lcab_meta meta; /* for its alignment */
    char bytes[LCAB_SLOT_BYTES];
} copy_of_meta;

static const char *text_of(const lcab_meta *m, int which) {
    const char *text = (const char *)(m + 1);
    for (int i = 0; i < which; i++) {
        text += strlen(text) + 1;
    }
    return text;
}

/* Its address is that of a weak table: result -> members of its answer that it does not show. */
static const char MEMBERS = 0;

void lcab_remember_members(lua_State *L) {
    lcab_kept(L, &MEMBERS);
    lua_pushvalue(L, -3);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 2);
}

/* Sets `members` of the table on top to a copy of those of the value at `owner`, if it has some. */
static void set_members(lua_State *L, int owner) {
    int meta = lua_gettop(L);
    lcab_kept(L, &MEMBERS);
    lua_pushvalue(L, owner);
    lua_rawget(L, -2);
    if (lua_istable(L, -1)) {
        lua_newtable(L);
        for (lua_pushnil(L); lua_next(L, meta + 2);) {
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            lua_rawset(L, meta + 3);
        }
        lua_setfield(L, meta, "members");
    }
    lua_settop(L, meta);
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

bool lcab_push_signature(lua_State *L, int index) {
    copy_of_meta copy;
    const lcab_meta *m = lcab_slot_of(L, index, &copy);
    if (m == NULL || text_of(m, SIGNATURE)[0] == '\0') {
        lua_pop(L, 1);
        return false;
    }
    lua_pushstring(L, text_of(m, SIGNATURE));
    lua_remove(L, -2);
    return true;
}

/* core.meta(result): how the answer came to be; nil for anything that is no result or error. */
static int get_meta(lua_State *L) {
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    copy_of_meta copy;
    const lcab_meta *m = lcab_slot_of(L, 1, &copy);
    if (m == NULL) {
        lua_pushnil(L);
        return 1;
    }
    lua_createtable(L, 0, 13);
    static const char *const names[SHOWN] = {"job_id", "run_id", "run_id_parameter", "request_id"};
    for (int i = 0; i < SHOWN; i++) {
        set_text(L, names[i], text_of(m, i));
    }
    set_number(L, "started_at", m->started_at);
    set_number(L, "began", (double)m->began_ms / 1000.0); /* as core.now() counts */
    if (m->date >= 0) {
        set_number(L, "date", (double)m->date);
    }
    set_whole(L, "status", m->status);
    set_whole(L, "attempts", m->attempts);
    set_whole(L, "endpoint", m->endpoint);
    set_whole(L, "age", m->age);
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
    set_members(L, 1);
    return 1;
}

void lcab_meta_open(lua_State *L) {
    lcab_slots_open(L);
    lcab_newweak(L, "k");
    lcab_keep(L, &MEMBERS);
    lua_pushcfunction(L, get_meta);
    lua_setfield(L, -2, "meta");
}
