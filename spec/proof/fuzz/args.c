/* RunJob's arguments: bytes become Lua values of all kinds; what is not refused with a usage error
 * is a JSON object with that job's id. */
#include "fuzz.h"

#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "lua/lua_args.h"
#include "lua/lua_error.h"
#include "lua/lua_json.h"

int luaopen_codearts_build_core(lua_State *L);

static const char *const WORDS[] = {"job_id",    "parameter",       "scm",    "name", "value",
                                    "build_tag", "build_commit_id", "branch", "url",  ""};

static void push_value(lua_State *L, fuzz_input *in, int depth);

static void push_text(lua_State *L, fuzz_input *in) {
    size_t len;
    const char *text = fuzz_text(in, 40, &len);
    lua_pushlstring(L, text, len);
}

static void push_number(lua_State *L, fuzz_input *in) {
    double n = 0;
    unsigned char bytes[sizeof n] = {0};
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = fuzz_byte(in);
    }
    memcpy(&n, bytes, sizeof n);
    lua_pushnumber(L, n);
}

/* Any power of two among others. */
static lua_Integer shifted(fuzz_input *in) {
    uint64_t n = fuzz_byte(in);
    n <<= fuzz_byte(in) % 64;
    return (lua_Integer)n;
}

static void push_table(lua_State *L, fuzz_input *in, int depth) {
    int count = fuzz_byte(in) % 24;
    lua_newtable(L);
    for (int i = 1; i <= count && in->at < in->end; i++) {
        uint8_t how = fuzz_byte(in);
        if (how < 100) {
            lua_pushstring(L, WORDS[how % (sizeof WORDS / sizeof *WORDS)]);
        } else if (how < 200) {
            lua_pushinteger(L, i);
        } else {
            push_value(L, in, depth + 1);
        }
        if (lua_isnil(L, -1) ||
            (lua_isnumber(L, -1) && lua_tonumber(L, -1) != lua_tonumber(L, -1))) {
            lua_pop(L, 1); /* no key of a table */
            continue;
        }
        push_value(L, in, depth + 1);
        lua_rawset(L, -3);
    }
}

static void push_value(lua_State *L, fuzz_input *in, int depth) {
    luaL_checkstack(L, 8, "deep");
    switch (fuzz_byte(in) % 10) {
    case 0:
        lua_pushnil(L);
        break;
    case 1:
        lua_pushboolean(L, fuzz_byte(in) & 1);
        break;
    case 2:
        push_number(L, in);
        break;
    case 3:
        lua_pushinteger(L, shifted(in));
        break;
    case 4:
        lua_pushlightuserdata(L, NULL); /* build.null */
        break;
    case 5:
        lua_getglobal(L, "print");
        break;
    case 6:
    case 7:
        if (depth < 6) {
            push_table(L, in, depth);
            break;
        }
        lua_pushliteral(L, "deep");
        break;
    default:
        push_text(L, in);
    }
}

static const char JOB[] = "0123456789abcdef0123456789ABCDEF";

static int write_it(lua_State *L) {
    cab_buf *body = lua_touserdata(L, 2);
    const char *run_id = lua_tostring(L, 3);
    char job_id[LCAB_JOB_ID_LEN + 1];
    cab_text name = {run_id, run_id != NULL ? strlen(run_id) : 0};
    lcab_write_run_job(L, 1, name, "11111111-2222-4333-8444-555555555555", body, job_id);
    MUST(strlen(job_id) == LCAB_JOB_ID_LEN);
    return 0;
}

static void check_written(lua_State *L, const cab_buf *body) {
    MUST(lcab_json_decode(L, body->data, body->len));
    MUST(lua_istable(L, -1));
    lua_getfield(L, -1, "job_id");
    MUST(lua_type(L, -1) == LUA_TSTRING && lua_rawlen(L, -1) == LCAB_JOB_ID_LEN);
    lua_getfield(L, -2, "parameter");
    int count = (int)lua_rawlen(L, -1);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, -1, i);
        lua_getfield(L, -1, "name");
        lua_getfield(L, -2, "value");
        MUST(lua_type(L, -1) == LUA_TSTRING && lua_type(L, -2) == LUA_TSTRING);
        lua_pop(L, 3);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static lua_State *L;
    if (L == NULL) {
        L = luaL_newstate();
        luaL_openlibs(L);
        lua_pushcfunction(L, luaopen_codearts_build_core);
        lua_call(L, 0, 0);
        lcab_json_load(L); /* as a client would */
    }
    fuzz_input in = {data, data + size};
    cab_buf body = {NULL, 0, 0};
    uint8_t how = fuzz_byte(&in);
    lua_pushcfunction(L, write_it);
    if ((how & 1) != 0) {
        push_value(L, &in, 0);
    } else {
        push_table(L, &in, 0);
        if ((how & 2) == 0) {
            lua_pushstring(L, JOB);
            lua_setfield(L, -2, "job_id");
        }
    }
    lua_pushlightuserdata(L, &body);
    if ((how & 4) != 0) {
        lua_pushliteral(L, "RUN_ID");
    } else {
        lua_pushnil(L);
    }
    if (lua_pcall(L, 3, 0, 0) == LUA_OK) {
        check_written(L, &body);
    } else {
        MUST(lcab_is_error(L, -1));
        lua_getfield(L, -1, "kind");
        MUST(strcmp(lua_tostring(L, -1), "usage") == 0);
        lua_getfield(L, -2, "outcome");
        MUST(strcmp(lua_tostring(L, -1), "not_started") == 0);
    }
    lua_settop(L, 0);
    cab_buf_free(&body);
    return 0;
}
