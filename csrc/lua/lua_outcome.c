#include "lua/lua_outcome.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cab/clock.h"
#include "cab/sign.h"
#include "lua/compat.h"
#include "lua/lua_error.h"
#include "lua/lua_identity.h"
#include "lua/lua_meta.h"
#include "lua/lua_secrets.h"

#define MAX_CLOCK_SKEW_S 900 /* API reference 3.1 */
#define LONGEST_CODE 128     /* the documented ones have 11 bytes */
#define LONGEST_ID 127
#define LONGEST_WORDS 8192

/* ---- the request's id ----------------------------------------------------------------------- */

static const char *request_id_header(const cab_answer *a, size_t *len) {
    return cab_answer_header(a, "X-Request-Id", "X-IAM-Trace-Id", len);
}

/* Pushes the request's id where the answer has one. */
static bool push_request_id(lua_State *L, const cab_call *c, const cab_answer *a) {
    size_t len = 0;
    const char *id = a != NULL ? request_id_header(a, &len) : NULL;
    if (id == NULL) {
        return false;
    }
    cab_secrets secrets;
    lcab_collect_secrets(c, &secrets);
    lcab_push_short(L, id, len, LONGEST_ID, &secrets);
    return true;
}

/* For the table on top of the stack. Nobody asks for the service's clock, and for the age, of a
 * start, which is not made slower by it. */
static void remember_meta(lua_State *L, cab_call *c, const lcab_context *context) {
    const cab_answer *a = cab_call_answer(c);
    const char *id = "";
    bool has_id = push_request_id(L, c, a);
    if (has_id) {
        lua_insert(L, -2);
        id = lua_tostring(L, -2);
    }
    bool tells = a != NULL && context->answer != LCAB_ANSWER_RUN;
    lcab_remember_meta(L, c, context->job_id, context->started_at, id,
                       tells ? cab_answer_date(a) : -1, tells ? cab_answer_age(a) : 0);
    if (has_id) {
        lua_remove(L, -2);
    }
}

/* Sets the member unless it is empty. */
static void set_text(lua_State *L, const char *name, const char *text) {
    if (text[0] != '\0') {
        lua_pushstring(L, text);
        lua_setfield(L, -2, name);
    }
}

/* ---- results -------------------------------------------------------------------------------- */

static void put_header(void *ud, const char *name, size_t name_len, const char *value,
                       size_t value_len) {
    lua_State *L = ud;
    char lower[128];
    if (name_len >= sizeof lower) {
        return;
    }
    for (size_t i = 0; i < name_len; i++) {
        lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
    }
    lua_pushlstring(L, lower, name_len);
    lua_pushlstring(L, value, value_len);
    lua_rawset(L, -3);
}

static void push_body(lua_State *L, const cab_answer *a) {
    lua_pushlstring(L, a->body.len > 0 ? a->body.data : "", a->body.len);
}

/* Whether the call knows what its client does not, besides its signature. */
static bool knows_more(const cab_call *c) {
    return c->secrets.len > 0 || c->identity != c->client->options.identity;
}

static void push_result(lua_State *L, cab_call *c, const lcab_context *context, int decoded) {
    const cab_answer *a = cab_call_answer(c);
    if (c->work != NULL) {
        lua_createtable(L, 2, 0);
        lua_pushinteger(L, (lua_Integer)c->work->answer);
        lcab_rawseti(L, -2, 1);
        if (c->work_blocked) {
            lua_pushliteral(L, "blocked");
            lcab_rawseti(L, -2, 2);
        }
        return;
    }
    if (a == NULL) {
        lua_pushboolean(L, 1); /* a sleep */
    } else if (context->answer == LCAB_ANSWER_BYTES || context->answer == LCAB_ANSWER_TEXT) {
        push_body(L, a);
    } else if (context->answer == LCAB_ANSWER_RAW) {
        lua_createtable(L, 0, 3);
        lua_pushinteger(L, a->status);
        lua_setfield(L, -2, "status");
        lua_newtable(L);
        cab_answer_each_header(a, put_header, L);
        lua_setfield(L, -2, "headers");
        push_body(L, a);
        lua_setfield(L, -2, "body");
        lcab_remember_secrets(L, c);
    } else {
        lua_pushvalue(L, decoded);
    }
    if (lua_istable(L, -1)) {
        if (c->op == CAB_OP_START && knows_more(c)) {
            lcab_remember_secrets(L, c);
        }
        remember_meta(L, c, context);
    }
}

/* ---- errors --------------------------------------------------------------------------------- */

static void set_masked(lua_State *L, const char *name, const char *text, size_t len,
                       const cab_secrets *secrets) {
    lcab_push_masked(L, text, len, secrets);
    lua_setfield(L, -2, name);
}

/* The service's own words, if it had any, at `index`. */
static void set_words(lua_State *L, const char *name, int index, size_t most,
                      const cab_secrets *secrets) {
    if (lua_type(L, index) == LUA_TSTRING) {
        size_t len;
        const char *text = lua_tolstring(L, index, &len);
        lcab_push_short(L, text, len, most, secrets);
        lua_setfield(L, -2, name);
    }
}

/* What can be said beyond the service's own words. */
static void explain(const cab_call *c, const cab_answer *a, const char *words, char *out,
                    size_t size) {
    const bool is_signed = c->credentials != NULL && c->credentials->ak != NULL;
    out[0] = '\0';
    if (!is_signed || (a->status != 401 && a->status != 403)) {
        return;
    }
    int64_t there = cab_answer_now(a);
    double skew = there < 0 ? 0 : cab_clock_utc() - (double)there;
    if (fabs(skew) > MAX_CLOCK_SKEW_S) {
        (void)snprintf(out, size,
                       " (the local clock is %.0f minutes %s the service's; signatures are "
                       "accepted within 15)",
                       fabs(skew) / 60, skew > 0 ? "ahead of" : "behind");
        return;
    }
    char difference[CAB_EXPLANATION];
    cab_text told = {words, words != NULL ? strlen(words) : 0};
    if (told.len > 0 && c->canonical_request.len > 0 &&
        cab_sign_explain(told, c->canonical_request, difference, sizeof difference)) {
        (void)snprintf(out, size, " (%s)", difference);
    }
}

static void set_api_message(lua_State *L, const cab_call *c, const cab_answer *a, int words,
                            const cab_secrets *secrets) {
    char text[1600], extra[CAB_EXPLANATION + 64];
    explain(c, a, lua_tostring(L, words), extra, sizeof extra);
    if (lua_type(L, words) == LUA_TSTRING) {
        size_t len;
        const char *whole = lua_tolstring(L, words, &len);
        lcab_push_short(L, whole, len, LCAB_LONGEST_RAW_MESSAGE, secrets);
    } else {
        lua_pushnil(L);
    }
    const char *said = lua_tostring(L, -1);
    if (c->verdict.reason == CAB_REASON_REDIRECT) {
        (void)snprintf(text, sizeof text, "HTTP status %d: redirects are not followed", a->status);
    } else if (c->verdict.reason == CAB_REASON_BAD_JSON) {
        (void)snprintf(text, sizeof text, "the answer is not usable JSON: %s",
                       said != NULL ? said : "it is empty");
    } else if (c->verdict.reason == CAB_REASON_BAD_ANSWER && cab_answer_age(a) > 0) {
        (void)snprintf(text, sizeof text,
                       "a cache has kept the answer for %d s, which may be another start's",
                       cab_answer_age(a));
    } else if (c->verdict.reason == CAB_REASON_BAD_ANSWER) {
        (void)snprintf(text, sizeof text,
                       "the answer has none of the members that tell of a started build");
    } else if (said != NULL && said[0] != '\0') {
        (void)snprintf(text, sizeof text, "%s%s", said, extra);
    } else {
        (void)snprintf(text, sizeof text, "HTTP status %d without an explanation%s", a->status,
                       extra);
    }
    lua_pop(L, 1);
    set_masked(L, "message", text, strlen(text), secrets);
}

static void set_request_id(lua_State *L, const cab_answer *a, int decoded,
                           const cab_secrets *secrets) {
    size_t len;
    const char *id = request_id_header(a, &len);
    if (id != NULL) {
        lcab_push_short(L, id, len, LONGEST_ID, secrets);
        lua_setfield(L, -2, "request_id");
    } else if (lua_istable(L, decoded)) {
        lua_pushliteral(L, "request_id");
        lua_rawget(L, decoded);
        if (lua_type(L, -1) == LUA_TSTRING) {
            id = lua_tolstring(L, -1, &len);
            lcab_push_short(L, id, len, LONGEST_ID, secrets);
            lua_setfield(L, -3, "request_id");
        }
        lua_pop(L, 1);
    }
}

static void copy_members(lua_State *L, int from) {
    int to = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, from);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, to);
    }
}

static void push_error(lua_State *L, cab_call *c, const lcab_context *context, int decoded) {
    const cab_answer *a = cab_call_answer(c);
    cab_secrets secrets;
    lcab_collect_secrets(c, &secrets);
    lcab_push_sign_in_error(L, a == NULL && c->error.kind == CAB_KIND_AUTH ? c->identity : NULL);
    int sign_in = lua_gettop(L);
    lcab_push_new_error(L);
    if (lcab_is_error(L, sign_in)) {
        copy_members(L, sign_in);
    } else {
        lua_pushstring(L, cab_kind_name(c->error.kind));
        lua_setfield(L, -2, "kind");
        if (c->error.reason != CAB_REASON_NONE) {
            set_text(L, "reason", cab_reason_name(c->error.reason));
        }
        set_text(L, "field",
                 c->error.kind == CAB_KIND_CONFIG || c->error.kind == CAB_KIND_USAGE
                     ? c->error.field
                     : "");
        if (a != NULL && a->error.kind == CAB_KIND_NONE) {
            set_api_message(L, c, a, decoded + 2, &secrets);
            set_words(L, "error_code", decoded + 1, LONGEST_CODE, &secrets);
            if (c->verdict.reason != CAB_REASON_BAD_JSON) {
                set_words(L, "error_msg", decoded + 2, LONGEST_WORDS, &secrets);
            }
            set_request_id(L, a, decoded, &secrets);
        } else {
            set_masked(L, "message", c->error.message, strlen(c->error.message), &secrets);
        }
        if (a != NULL && a->status != 0) {
            lua_pushinteger(L, a->status);
            lua_setfield(L, -2, "status");
            double seconds = cab_answer_retry_after(a, cab_clock_utc());
            if (seconds >= 0 && isfinite(seconds)) {
                lua_pushnumber(L, seconds);
                lua_setfield(L, -2, "retry_after");
            }
        }
        lua_pushboolean(L, c->retryable);
        lua_setfield(L, -2, "retryable");
    }
    lua_remove(L, sign_in);
    set_masked(L, "operation", c->operation, strlen(c->operation), &secrets);
    lua_pushinteger(L, c->attempts);
    lua_setfield(L, -2, "attempts");
    if (c->op == CAB_OP_START) {
        set_text(L, "outcome", cab_outcome_name(c->verdict.outcome));
    }
    if (c->op == CAB_OP_START || a != NULL) {
        remember_meta(L, c, context);
    }
}

bool lcab_push_outcome(lua_State *L, cab_call *c, const lcab_context *context, int decoded) {
    if (c->verdict.kind == CAB_KIND_NONE) {
        push_result(L, c, context, decoded);
        return true;
    }
    if (c->error.kind == CAB_KIND_MEMORY && c->verdict.outcome != CAB_OUTCOME_NOT_STARTED) {
        /* The host's own memory error could not say that a build may have been started. */
        (void)cab_fail(&c->error, CAB_KIND_TRANSPORT, CAB_REASON_INTERNAL, NULL,
                       "there was not enough memory to read the answer");
    }
    if (c->error.kind == CAB_KIND_MEMORY) {
        lua_pushliteral(L, "not enough memory");
    } else {
        push_error(L, c, context, decoded);
    }
    return false;
}
