/* Answers of every shape: reading the body, judging the attempt, making the result or the error.
 * The input: status, kind of answer, header lines up to an empty one, body. */
#include "fuzz.h"

#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "cab/client.h"
#include "lua/lua_error.h"
#include "lua/lua_json.h"
#include "lua/lua_outcome.h"

int luaopen_codearts_build_core(lua_State *L);

static cab_answer answer;

/* The engine is not there: the linker puts this in its place. */
cab_answer *__wrap_cab_transfer_answer(cab_transfer *t);
cab_answer *__wrap_cab_transfer_answer(cab_transfer *t) {
    (void)t;
    return &answer;
}

static const char SECRET[] = "fake-secret-0123456789";

static lua_State *new_state(void) {
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    lua_pushcfunction(L, luaopen_codearts_build_core);
    lua_call(L, 0, 1); /* the registry keeps what is needed */
    lcab_json_load(L); /* as a client would */
    lua_settop(L, 0);
    return L;
}

static const int STATUSES[] = {200, 201, 204, 299, 302, 400, 401, 403,
                               404, 429, 500, 503, 599, 199, 999};

static size_t set_head(const char *text, size_t size) {
    size_t i = 0;
    while (i + 1 < size && !(text[i] == '\n' && text[i + 1] == '\n')) {
        i++;
    }
    size_t len = i + 1 < size ? i + 1 : 0;
    MUST(cab_buf_append(&answer.head, text, len));
    return len > 0 ? len + 1 : 0;
}

static void check_error(lua_State *L, const cab_call *c) {
    if (!lcab_is_error(L, -1)) {
        MUST(c->error.kind == CAB_KIND_MEMORY);
        return;
    }
    lua_getfield(L, -1, "outcome");
    MUST((lua_type(L, -1) == LUA_TSTRING) == (c->op == CAB_OP_START));
    lua_pop(L, 1);
    luaL_tolstring(L, -1, NULL);
    const char *line = lua_tostring(L, -1);
    MUST(strchr(line, '\n') == NULL && strchr(line, '\033') == NULL);
    MUST(strstr(line, SECRET) == NULL);
    lua_pop(L, 1);
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
        MUST(lua_type(L, -1) != LUA_TSTRING || strstr(lua_tostring(L, -1), SECRET) == NULL);
    }
}

static void check_result(lua_State *L, const cab_call *c, const lcab_context *context) {
    if (context->answer == LCAB_ANSWER_RUN) {
        MUST(answer.status >= 200 && answer.status < 300);
        MUST(c->verdict.outcome == CAB_OUTCOME_STARTED && lua_istable(L, -1));
        lua_getfield(L, -1, "octopus_job_name");
        lua_getfield(L, -2, "actual_build_number");
        lua_getfield(L, -3, "daily_build_number");
        MUST(lua_type(L, -1) == LUA_TSTRING || lua_type(L, -2) == LUA_TSTRING ||
             lua_type(L, -3) == LUA_TSTRING);
        lua_pop(L, 3);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static lua_State *L;
    if (L == NULL) {
        L = new_state();
    }
    fuzz_input in = {data, data + size};
    cab_client client;
    cab_call c;
    lcab_context context;
    memset(&client, 0, sizeof client);
    memset(&c, 0, sizeof c);
    memset(&context, 0, sizeof context);
    client.options.endpoint_count = 1;
    c.client = &client;
    c.transfer = (cab_transfer *)(void *)&answer;
    c.deadline_ms = INT64_MAX;
    c.retry.max_attempts = 1;
    MUST(cab_buf_append(&c.secrets, SECRET, sizeof SECRET));
    answer.status = STATUSES[fuzz_byte(&in) % (sizeof STATUSES / sizeof *STATUSES)];
    answer.sent = answer.aged = true;
    context.answer = (lcab_answer_kind)(fuzz_byte(&in) % 4);
    c.op = context.answer == LCAB_ANSWER_RUN ? CAB_OP_START : CAB_OP_READ;
    c.any_status = context.answer == LCAB_ANSWER_RAW;
    size_t used = set_head((const char *)in.at, (size_t)(in.end - in.at));
    MUST(cab_buf_append(&answer.body, in.at + used, (size_t)(in.end - in.at) - used));

    cab_reading body;
    lcab_push_answer_names(L);
    lcab_read_body(L, 1, &c, context.answer, &body);
    MUST(lua_gettop(L) == 4);
    lua_remove(L, 1);
    const cab_call_env env = {.options = &client.options};
    (void)cab_call_judge(&env, &c, &body, 0, 0.5);
    if (lcab_push_outcome(L, &c, &context, 1)) {
        check_result(L, &c, &context);
    } else {
        check_error(L, &c);
    }
    lua_settop(L, 0);
    cab_buf_free(&c.secrets);
    cab_buf_free(&answer.head);
    cab_buf_free(&answer.body);
    return 0;
}
