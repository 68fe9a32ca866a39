#include "lua/lua_journal.h"

#include <lauxlib.h>
#include <string.h>

#include "cab/journal.h"
#include "lua/compat.h"
#include "lua/lua_buf.h"
#include "lua/lua_error.h"

static const char JOURNAL_TYPE[] = "codearts.build.journal";
static const char WORK_TYPE[] = "codearts.build.work";

typedef struct {
    cab_journal *journal; /* NULL once closed */
} lcab_journal;

typedef struct {
    cab_work *work; /* NULL once taken */
} lcab_work;

static cab_journal *check_journal(lua_State *L) {
    lcab_journal *j = lcab_testudata(L, 1, JOURNAL_TYPE);
    if (j == NULL || j->journal == NULL) {
        lcab_usage_error(L, "self", "must be an open journal");
    }
    return j->journal;
}

static const char *check_text(lua_State *L, int index, const char *name) {
    size_t len = 0;
    const char *text = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &len) : NULL;
    if (len == 0 || strlen(text) != len) {
        lcab_usage_error(L, name, "must be a string without NUL, not empty");
    }
    return text;
}

/* nil, and the error; out of memory is raised. */
static int fail(lua_State *L, const cab_error *err) {
    if (err->kind == CAB_KIND_MEMORY) {
        return lcab_raise_memory(L);
    }
    lua_pushnil(L);
    lcab_push_error(L, err);
    return 2;
}

/* journal.open(folder, name [, any_system]) -> journal | nil: somebody else holds it | nil, err of
 * kind "key", reason "store" */
static int open_journal(lua_State *L) {
    cab_error err;
    lua_settop(L, 3);
    const char *folder = check_text(L, 1, "folder");
    const char *name = check_text(L, 2, "name");
    lcab_journal *j = lua_newuserdata(L, sizeof *j);
    j->journal = NULL;
    lcab_kept(L, JOURNAL_TYPE);
    lua_setmetatable(L, -2);
    switch (cab_journal_open(&j->journal, folder, name, lua_toboolean(L, 3), &err)) {
    case CAB_JOURNAL_OPEN:
        return 1;
    case CAB_JOURNAL_BUSY:
        lua_pushnil(L);
        return 1;
    case CAB_JOURNAL_FAILED:
        break;
    }
    return fail(L, &err);
}

/* Pushes the line, or nil when there is none, and where it ends. */
static int push_line(lua_State *L, bool ok, const cab_buf *line, size_t end, const cab_error *err) {
    if (!ok) {
        return fail(L, err);
    }
    if (end == 0) {
        lua_pushnil(L);
    } else {
        lua_pushlstring(L, line->data, line->len);
    }
    lua_pushinteger(L, (lua_Integer)end);
    return 2;
}

/* journal.peek(folder, name [, any_system]) -> line or nil, version | nil, err: without the lock */
static int peek(lua_State *L) {
    cab_error err;
    lua_settop(L, 3);
    cab_buf *line = lcab_new_buf(L);
    size_t end = 0;
    const char *folder = check_text(L, 1, "folder");
    const char *name = check_text(L, 2, "name");
    bool ok = cab_journal_peek(folder, name, lua_toboolean(L, 3), line, &end, &err);
    return push_line(L, ok, line, end, &err);
}

/* journal.holder(folder, name) -> the process that holds it, nil: nobody knows */
static int holder(lua_State *L) {
    lua_settop(L, 2);
    const char *folder = check_text(L, 1, "folder");
    long pid = cab_journal_holder(folder, check_text(L, 2, "name"));
    if (pid == 0) {
        lua_pushnil(L);
    } else {
        lua_pushinteger(L, (lua_Integer)pid);
    }
    return 1;
}

/* journal:read() -> line or nil, version | nil, err */
static int journal_read(lua_State *L) {
    cab_error err;
    const cab_journal *journal = check_journal(L);
    cab_buf *line = lcab_new_buf(L);
    size_t end = 0;
    bool ok = cab_journal_read(journal, line, &end, &err);
    return push_line(L, ok, line, end, &err);
}

/* journal:vanishes() -> the name of the file system, if that vanishes; or nil */
static int journal_vanishes(lua_State *L) {
    lua_pushstring(L, cab_journal_vanishes(check_journal(L)));
    return 1;
}

/* journal:is_own() -> whether it is of this process, not of the one that this was forked from */
static int journal_is_own(lua_State *L) {
    lua_pushboolean(L, cab_journal_is_own(check_journal(L)));
    return 1;
}

/* Does the work here, blocking: -> where the journal ends then | nil, err */
static int run(lua_State *L, cab_work *work) {
    cab_work_here(work);
    work->done(work);
    cab_error err = work->error;
    size_t answer = work->answer;
    work->free(work);
    if (err.kind != CAB_KIND_NONE) {
        return fail(L, &err);
    }
    lua_pushinteger(L, (lua_Integer)answer);
    return 1;
}

/* journal:append(line, version, now?) -> work for client:perform, which answers where it ends then
 * | nil: it ends elsewhere than at that version, or at 0 for nil | nil, err. With `now` it is done
 * here, and what a debug hook raises finds nothing that was begun and not done: -> see run */
static int journal_append(lua_State *L) {
    cab_error err;
    size_t len;
    lua_settop(L, 4);
    cab_journal *j = check_journal(L);
    (void)check_text(L, 2, "line");
    const char *line = lua_tolstring(L, 2, &len);
    if (lua_tonumber(L, 3) != (lua_Number)cab_journal_end(j)) {
        lua_pushnil(L);
        return 1;
    }
    lcab_work *w = lua_newuserdata(L, sizeof *w);
    w->work = NULL;
    lcab_kept(L, WORK_TYPE);
    lua_setmetatable(L, -2);
    w->work = cab_journal_append(j, line, len, &err);
    if (w->work == NULL) {
        return fail(L, &err);
    }
    return lua_toboolean(L, 4) ? run(L, lcab_take_work(L, lua_gettop(L))) : 1;
}

/* journal:close(): lets go; twice is fine */
static int journal_close(lua_State *L) {
    lcab_journal *j = lcab_testudata(L, 1, JOURNAL_TYPE);
    if (j != NULL) {
        cab_journal_close(j->journal);
        j->journal = NULL;
    }
    return 0;
}

static int work_gc(lua_State *L) {
    lcab_work *w = lua_touserdata(L, 1);
    if (w->work != NULL) {
        w->work->free(w->work);
        w->work = NULL;
    }
    return 0;
}

/* work:run() -> see run: where no client can do it any more */
static int work_run(lua_State *L) { return run(L, lcab_take_work(L, 1)); }

cab_work *lcab_take_work(lua_State *L, int index) {
    lcab_work *w = lcab_testudata(L, index, WORK_TYPE);
    if (w == NULL || w->work == NULL) {
        lcab_usage_error(L, "work", "must be what journal:append answered, once");
    }
    cab_work *work = w->work;
    w->work = NULL;
    return work;
}

void lcab_journal_open(lua_State *L) {
    static const luaL_Reg methods[] = {{"read", journal_read},         {"append", journal_append},
                                       {"vanishes", journal_vanishes}, {"is_own", journal_is_own},
                                       {"close", journal_close},       {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", journal_close}, {NULL, NULL}};
    static const luaL_Reg work_methods[] = {{"run", work_run}, {NULL, NULL}};
    static const luaL_Reg work_meta[] = {{"__gc", work_gc}, {NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"open", open_journal}, {"peek", peek}, {"holder", holder}, {NULL, NULL}};
    lcab_newtype(L, JOURNAL_TYPE, methods, meta);
    lcab_newtype(L, WORK_TYPE, work_methods, work_meta);
    lua_newtable(L);
    lcab_setfuncs(L, functions);
    lua_setfield(L, -2, "journal");
}
