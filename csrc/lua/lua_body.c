#include "lua/lua_body.h"

#include <string.h>

#include "cab/locale.h"
#include "lua/compat.h"
#include "lua/lua_error.h"
#include "lua/lua_json.h"
#include "lua/lua_meta.h"
#include "lua/lua_opts.h"
#include "lua/lua_plain.h"
#include "lua/lua_secrets.h"

/* An error is short and has few members. A text with more is not decoded, of which nothing can be
 * left to the next step: 128 KiB of members take lua-cjson 5 ms, so many of them 1.5 ms. */
#define LONGEST_ERROR LCAB_LOOKED_AT
#define MOST_VALUES 4000
/* Members of an answer that are looked at for the error in it, which takes up to 1 ms. */
#define MOST_MEMBERS 1000

static bool is_text_or_number(int type) { return type == LUA_TSTRING || type == LUA_TNUMBER; }

static void replace_with_text(lua_State *L, int at, int from) {
    char number[40];
    if (lua_type(L, from) == LUA_TNUMBER && lcab_number_text(L, from, number)) {
        lua_pushstring(L, number);
    } else {
        lua_pushvalue(L, from);
    }
    lua_replace(L, at);
}

/* Puts code and message at `code` and `code + 1` if the object itself is of one of the shapes of
 * API reference 6.1. */
static bool take_pair(lua_State *L, int object, int code) {
    static const char *const shapes[][2] = {
        {"error_code", "error_msg"}, {"errorCode", "errorMsg"}, {"code", "message"}};
    int top = lua_gettop(L);
    for (int i = 0; i < 3; i++) {
        lua_pushstring(L, shapes[i][0]);
        lua_rawget(L, object);
        lua_pushstring(L, shapes[i][1]);
        lua_rawget(L, object);
        bool found = is_text_or_number(lua_type(L, -2)) && is_text_or_number(lua_type(L, -1));
        if (found) {
            replace_with_text(L, code, top + 1);
            replace_with_text(L, code + 1, top + 2);
        }
        lua_settop(L, top);
        if (found) {
            return true;
        }
    }
    return false;
}

/* Pushes the names of the members that are tables, in order, or nil; `left`: how many members may
 * still be looked at. */
static int push_inner_names(lua_State *L, int object, int *left) {
    int count = 0;
    lua_pushnil(L);
    int list = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, object); lua_pop(L, 1)) {
        if (--*left < 0) {
            lua_settop(L, list);
            return 0;
        }
        if (lua_istable(L, -1) && lua_type(L, -2) == LUA_TSTRING) {
            if (count == 0) {
                lua_newtable(L);
                lua_replace(L, list);
            }
            lua_pushvalue(L, -2);
            lcab_rawseti(L, list, ++count);
        }
    }
    if (count > 0) {
        lcab_push_sorted(L, list, count);
        lua_replace(L, list);
    }
    return count;
}

/* Members of an object have no order in Lua, so nested ones are examined by name; a later find
 * wins.
 */
static bool find_within(lua_State *L, int object, int code, int depth, int *left) {
    luaL_checkstack(L, 8, "deep answer");
    if (take_pair(L, object, code)) {
        return true;
    }
    if (depth >= LCAB_JSON_MAX_DEPTH || lcab_rawlen(L, object) > 0) {
        return false;
    }
    int count = push_inner_names(L, object, left), list = lua_gettop(L);
    bool found = false;
    for (int i = 1; i <= count && *left >= 0; i++) {
        lcab_rawgeti(L, list, i);
        lua_rawget(L, object);
        found = find_within(L, lua_gettop(L), code, depth + 1, left) || found;
        lua_pop(L, 1);
    }
    lua_settop(L, list - 1);
    return found;
}

typedef enum { FOUND_NONE, FOUND_PAIR, FOUND_TOO_MUCH } finding;

/* Puts the code and the message of the error in an answer at `code` and `code + 1`. Where there is
 * too much to look at, nothing is found: what was not seen might say otherwise. */
static finding find_error(lua_State *L, int object, int code) {
    int left = MOST_MEMBERS;
    bool found = find_within(L, object, code, 0, &left);
    if (left >= 0) {
        return found ? FOUND_PAIR : FOUND_NONE;
    }
    lua_pushnil(L);
    lua_replace(L, code);
    lua_pushnil(L);
    lua_replace(L, code + 1);
    return FOUND_TOO_MUCH;
}

/* Whether the text on top begins with that one, in letters of any size. */
static bool begins_with(lua_State *L, const char *text) {
    return lua_type(L, -1) == LUA_TSTRING && cab_same_n(lua_tostring(L, -1), text, strlen(text));
}

/* What an answer is judged by, and where lcab_push_names has it. */
static const char *const NAMES[] = {
    "status", "success", "octopus_job_name", "actual_build_number", "daily_build_number", NULL};
enum { STATUS = 1, SUCCESS, FIRST_MEMBER, MEMBERS = 3 };

/* Pushes the member of that name; answers its type. `names` is where the list of them is. */
static int push_member(lua_State *L, int object, int names, int name) {
    lcab_rawgeti(L, names, name);
    lua_rawget(L, object);
    return lua_type(L, -1);
}

/* A failure inside a 2xx answer (API reference 6.5): `status` says that it failed, or `success` is
 * false, which some editions write as a text. */
static bool says_failed(lua_State *L, int index, int names) {
    if (!lua_istable(L, index)) {
        return false;
    }
    (void)push_member(L, index, names, STATUS);
    bool failed = begins_with(L, "fail");
    int type = push_member(L, index, names, SUCCESS);
    failed = failed || begins_with(L, "false") || (type == LUA_TBOOLEAN && !lua_toboolean(L, -1));
    lua_pop(L, 2);
    return failed;
}

/* Whether an answer is an error and nothing else: a code, and at most what comes with one. */
static bool is_error_alone(lua_State *L, int index) {
    static const char *const names[] = {"error_code", "error_msg", "request_id",
                                        "encoded_authorization_message"};
    if (!lua_istable(L, index)) {
        return false;
    }
    int top = lua_gettop(L);
    bool coded = false, alone = true;
    for (lua_pushnil(L); alone && lua_next(L, index); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
        bool known = lua_isuserdata(L, -1); /* null */
        for (size_t i = 0; i < sizeof names / sizeof *names && !known; i++) {
            known = strcmp(name, names[i]) == 0;
        }
        coded = coded || (strcmp(name, names[0]) == 0 && lua_type(L, -1) == LUA_TSTRING &&
                          lcab_rawlen(L, -1) > 0);
        alone = known;
    }
    lua_settop(L, top);
    return coded && alone;
}

/* Whether an operation that changes something says that it did not: `status` is "error". In what is
 * read, that may be the state of something. */
static bool says_error(lua_State *L, const cab_call *c, int index) {
    if (c->op == CAB_OP_READ || !lua_istable(L, index)) {
        return false;
    }
    lua_pushliteral(L, "status");
    lua_rawget(L, index);
    bool error = begins_with(L, "error") && lcab_rawlen(L, -1) == strlen("error");
    lua_pop(L, 1);
    return error;
}

/* What a start answers is judged by what tells of a build. */
static bool is_failure(lua_State *L, const cab_call *c, lcab_answer_kind kind, int index,
                       int names) {
    return says_failed(L, index, names) ||
           (kind != LCAB_ANSWER_RUN && (is_error_alone(L, index) || says_error(L, c, index)));
}

/* Puts the first member of these names that is a text or a number, and not empty, at `to`. */
static bool take_first(lua_State *L, int object, const char *const *names, int to) {
    for (; *names != NULL; names++) {
        lua_pushstring(L, *names);
        lua_rawget(L, object);
        bool found = lua_type(L, -1) == LUA_TNUMBER ||
                     (lua_type(L, -1) == LUA_TSTRING && lcab_rawlen(L, -1) > 0);
        if (found) {
            replace_with_text(L, to, lua_gettop(L));
        }
        lua_pop(L, 1);
        if (found) {
            return true;
        }
    }
    return false;
}

/* What is documented of such a failure is that it may be an object, a text or null (API reference
 * 6.5): where there is no pair of code and message, each is looked for alone. */
static bool find_failure(lua_State *L, int object, int code) {
    static const char *const codes[] = {"err_code", "error_code", "code", NULL};
    static const char *const messages[] = {"error", "message", "error_msg", "result", NULL};
    finding found = find_error(L, object, code);
    if (found != FOUND_NONE) {
        return found == FOUND_PAIR;
    }
    bool coded = take_first(L, object, codes, code);
    return take_first(L, object, messages, code + 1) || coded;
}

/* Whether an object that was read from this text may have more members: each has a colon. Costs
 * nearly nothing, and mostly there are none. */
static bool may_have_more(const cab_buf *text, int members) {
    const char *p = text->data, *end = p + text->len;
    while ((p = memchr(p, ':', (size_t)(end - p))) != NULL && members >= 0) {
        members--;
        p++;
    }
    return members < 0;
}

/* Moves the members that would hide a method of the result on top into a table, and pushes that;
 * if there is none, nothing. */
static bool set_aside(lua_State *L) {
    static const char *const methods[] = {"wait", "status", "log", "stop"};
    int result = lua_gettop(L);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (lcab_getfield(L, result, methods[i]) == LUA_TNIL) {
            lua_pop(L, 1);
            continue;
        }
        if (lua_gettop(L) == result + 1) {
            lua_createtable(L, 0, 1);
            lua_insert(L, -2);
        }
        lua_setfield(L, result + 1, methods[i]);
        lua_pushnil(L);
        lua_setfield(L, result, methods[i]);
    }
    return lua_gettop(L) > result;
}

static bool is_filler(lua_State *L, int index) {
    size_t len;
    const char *text = lua_tolstring(L, index, &len);
    return lcab_is_filler(text, len);
}

/* See read_build, for the object on top. Empty texts, null and 0, as a failure may leave them, tell
 * of no build: their numbers begin with 1. */
static int take_members(lua_State *L, int names, const cab_buf *text) {
    bool found = false;
    int object = lua_gettop(L), count = 0;
    for (int name = FIRST_MEMBER; name < FIRST_MEMBER + MEMBERS; name++) {
        int type = push_member(L, object, names, name);
        char digits[40];
        bool number = type == LUA_TNUMBER && lcab_number_text(L, -1, digits);
        if (number || type == LUA_TBOOLEAN) {
            lcab_rawgeti(L, names, name);
            lua_pushstring(L, number ? digits : lua_toboolean(L, -2) ? "true" : "false");
            lua_rawset(L, object);
        }
        count += type != LUA_TNIL;
        found = found || (number && lua_tonumber(L, -1) != 0) ||
                (type == LUA_TSTRING && !is_filler(L, -1));
    }
    lua_settop(L, object);
    bool more = count < MEMBERS || may_have_more(text, MEMBERS);
    return !found ? 0 : more && set_aside(L) ? 2 : 1;
}

/* Turns the decoded answer on top of the stack, which came as `text`, into the result of a start:
 * unwraps `result`, makes the three members strings, and takes out those that are called as the
 * methods of results are. Answers how many values it left: 1, the result; 2, with a table of those
 * above it; 0, with the stack as it was, when none of the three is there. */
static int read_build(lua_State *L, int names, const cab_buf *text) {
    if (!lua_istable(L, -1)) {
        return 0;
    }
    int values = take_members(L, names, text);
    if (values > 0) {
        return values;
    }
    if (lcab_getfield(L, -1, "result") == LUA_TTABLE) {
        values = take_members(L, names, text);
    }
    lua_remove(L, values > 0 ? -1 - values : -1);
    return values;
}

/* Text that is no error of a known shape. */
static void push_raw_message(lua_State *L, const cab_call *c, const cab_buf *text) {
    cab_secrets secrets;
    lcab_collect_secrets(c, &secrets);
    lcab_push_short(L, text->data, text->len, LCAB_LONGEST_RAW_MESSAGE, &secrets);
}

bool lcab_is_error_for_bytes(lua_State *L, const cab_call *c, const cab_answer *a) {
    const cab_buf *text = &a->body;
    if (!c->bytes || a->handed || a->error.kind != CAB_KIND_NONE || text->len == 0 ||
        text->len > CAB_ERROR_FOR_BYTES || text->data[0] != '{') {
        return false;
    }
    int top = lua_gettop(L);
    bool failed = lcab_json_decode(L, text->data, text->len);
    if (failed) {
        lcab_push_names(L, NAMES);
        failed = is_failure(L, c, LCAB_ANSWER_BYTES, top + 1, top + 2);
    }
    lua_settop(L, top);
    return failed;
}

/* Decodes the body. In what only reads, a broken character is no reason to know nothing. */
static bool decode(lua_State *L, const cab_call *c, const cab_buf *body, lcab_answer_kind kind) {
    const char *text = body->len > 0 ? body->data : "";
    if (kind == LCAB_ANSWER_CUT) {
        return lcab_json_decode_broken(L, text, body->len, true);
    } else if (lcab_json_decode(L, text, body->len)) {
        return true;
    } else if (c->op != CAB_OP_READ) {
        return false;
    }
    bool good = lcab_json_decode_broken(L, text, body->len, false);
    lua_remove(L, good ? -2 : -1); /* what was wrong with it is told as it came */
    return good;
}

static void read_success(lua_State *L, int names, const cab_call *c, const cab_answer *a,
                         lcab_answer_kind kind, int top, cab_reading *body) {
    if (kind == LCAB_ANSWER_BYTES && !lcab_is_error_for_bytes(L, c, a)) {
        return;
    }
    if (kind != LCAB_ANSWER_RUN && a->body.len == 0 && (a->status == 204 || a->status == 205)) {
        lua_pushboolean(L, 1);
        lua_replace(L, top + 1);
        return;
    }
    if (kind == LCAB_ANSWER_RUN &&
        lcab_plain_texts(L, &a->body, &NAMES[FIRST_MEMBER - 1], MEMBERS, names, FIRST_MEMBER)) {
        lua_replace(L, top + 1); /* a build, and nothing that says otherwise */
        return;
    }
    if (!decode(L, c, &a->body, kind)) {
        lua_replace(L, top + 3);
        body->body_problem = CAB_REASON_BAD_JSON;
        return;
    }
    lua_replace(L, top + 1);
    if (is_failure(L, c, kind, top + 1, names)) {
        body->failed = true;
        if (!find_failure(L, top + 1, top + 2)) {
            push_raw_message(L, c, &a->body);
            lua_replace(L, top + 3);
        }
    } else if (kind == LCAB_ANSWER_RUN) {
        lua_pushvalue(L, top + 1);
        int values = read_build(L, names, &a->body);
        if (values == 0) {
            body->body_problem = CAB_REASON_BAD_ANSWER;
            if (lua_istable(L, top + 1)) {
                (void)find_error(L, top + 1, top + 2);
            }
            return;
        }
        if (values == 2) {
            lcab_remember_members(L);
        }
        lua_replace(L, top + 1);
    }
}

/* Whether a text may be an error: by its length, and by what begins a value within others, wherever
 * that stands. */
static bool may_be_error(const cab_buf *text) {
    if (text->len > LONGEST_ERROR) {
        return false;
    }
    size_t values = 0;
    for (size_t i = 0; i < text->len; i++) {
        char c = text->data[i];
        values += c == ',' || c == '{' || c == '[';
    }
    return values <= MOST_VALUES;
}

/* What can be no error is not taken apart but told by its beginning; then no code in it proves
 * anything. */
static void read_failure(lua_State *L, const cab_call *c, const cab_answer *a, int top) {
    if (a->body.len == 0) {
        return;
    }
    bool json = may_be_error(&a->body) && lcab_json_decode(L, a->body.data, a->body.len);
    if (json) {
        lua_replace(L, top + 1);
    }
    if (!json || !lua_istable(L, top + 1) || find_error(L, top + 1, top + 2) != FOUND_PAIR) {
        push_raw_message(L, c, &a->body);
        lua_replace(L, top + 3);
    }
}

/* Whether the code at top + 2 is in the form of the gateway's own answers (API reference 6.4):
 * beside its message, in the outermost object. */
static bool is_gateway_form(lua_State *L, int top) {
    if (!lua_istable(L, top + 1)) {
        return false;
    }
    lua_pushliteral(L, "error_code");
    lua_rawget(L, top + 1);
    lua_pushliteral(L, "error_msg");
    lua_rawget(L, top + 1);
    bool same = lua_rawequal(L, -2, top + 2) && is_text_or_number(lua_type(L, -1));
    lua_pop(L, 2);
    return same;
}

/* Whether a letter is escaped (\u0040 to \u007f): no encoder does that, and a name could hide so.
 */
static bool hides_letters(const cab_buf *text) {
    static const char prefix[] = "\\u00";
    const size_t len = sizeof prefix - 1;
    for (size_t at = 0; at + len < text->len; at++) {
        char next = text->data[at + len];
        if (next >= '4' && next <= '7' && memcmp(text->data + at, prefix, len) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether more than one member may hold a code: what proves a refusal must be the one thing that is
 * said. Counted in the text, since of two of one name only the last is left when decoded. */
static bool is_ambiguous(const cab_buf *text) {
    static const char end[] = "ode\""; /* error_code, errorCode, code, err_code */
    const size_t len = sizeof end - 1;
    size_t count = 0;
    for (size_t at = 0; at + len < text->len; at++) {
        if (memcmp(text->data + at, end, len) == 0) {
            size_t next = at + len;
            next += strspn(text->data + next, " \t\r\n");
            count += text->data[next] == ':';
        }
    }
    return count > 1 || hides_letters(text);
}

/* Whether a text, which is JSON, has one of the three members that tell of a build, wherever that
 * stands, and in it more than an answer of fixed form has without a build: null, "" or 0. */
static bool tells_of_build(const char *text) {
    static const char blanks[] = " \t\r\n";
    for (int name = FIRST_MEMBER; name < FIRST_MEMBER + MEMBERS; name++) {
        const char *member = NAMES[name - 1];
        for (const char *p = text; (p = strstr(p, member)) != NULL;) {
            p += strlen(member);
            if (*p != '"') {
                continue;
            }
            p++;
            p += strspn(p, blanks);
            if (*p == ':') {
                p++;
                p += strspn(p, blanks);
                bool some = *p == '"' ? p[1] != '"' : *p == '-' || (*p >= '1' && *p <= '9');
                if (some) {
                    return true;
                }
            }
        }
    }
    return false;
}

/* What the code proves of the request that this answers. */
static cab_says weigh(cab_says says, const cab_answer *a, const char *code) {
    size_t len = 0;
    const char *server = cab_answer_header(a, "Server", NULL, &len);
    return a->body.len > LONGEST_ERROR || is_ambiguous(&a->body) ||
                   cab_code_is_of_page(code, a->status, server, len)
               ? CAB_SAYS_NOTHING
               : says;
}

/* core.error_texts(body) -> code, message: the error in a decoded answer, in any of the service's
 * shapes; nil, nil when there is none */
static int error_texts(lua_State *L) {
    lua_settop(L, 1);
    lua_settop(L, 3);
    if (lua_istable(L, 1)) {
        (void)find_error(L, 1, 2);
    }
    return 2;
}

void lcab_body_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"error_texts", error_texts}, {NULL, NULL}};
    lcab_setfuncs(L, functions);
}

void lcab_push_answer_names(lua_State *L) { lcab_push_names(L, NAMES); }

void lcab_read_body(lua_State *L, int names, cab_call *c, lcab_answer_kind kind,
                    cab_reading *body) {
    const cab_answer *a = cab_call_answer(c);
    int top = lua_gettop(L);
    memset(body, 0, sizeof *body);
    lua_settop(L, top + 3);
    if (a == NULL || a->error.kind != CAB_KIND_NONE || kind == LCAB_ANSWER_RAW) {
        return;
    }
    if (a->status >= 200 && a->status < 300) {
        read_success(L, names, c, a, kind, top, body);
    } else {
        read_failure(L, c, a, top);
    }
    size_t len;
    const char *code = lua_tolstring(L, top + 2, &len);
    if (code != NULL && len == strlen(code)) {
        body->says = cab_code_says(code, is_gateway_form(L, top));
        if (body->says != CAB_SAYS_NOTHING) {
            body->says = weigh(body->says, a, code);
        }
    }
    bool refusal = (body->says != CAB_SAYS_NOTHING && body->says != CAB_SAYS_TROUBLE) ||
                   a->status < 200 || a->status >= 300;
    if (refusal && kind == LCAB_ANSWER_RUN && a->body.len > 0 && tells_of_build(a->body.data)) {
        body->says = CAB_SAYS_BOTH;
    }
    lua_settop(L, top + 3);
}
