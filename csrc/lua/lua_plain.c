#include "lua/lua_plain.h"

#include <stdint.h>
#include <string.h>

#include "lua/compat.h"

#define PLAIN_MOST 1024 /* bytes */
#define PLAIN_DEEPEST 4 /* objects and lists in each other: two slots of the stack for each */

/* ---- plain texts ---------------------------------------------------------------------------- */

/* Bits of a byte, in each of eight. */
#define EIGHT(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Whether one of eight bytes is less than `limit`, which is at most 128. */
static bool has_less(uint64_t eight, unsigned limit) {
    return ((eight - EIGHT(limit)) & ~eight & EIGHT(0x80)) != 0;
}

static bool eight_are_plain(const char *text) {
    uint64_t eight;
    memcpy(&eight, text, sizeof eight);
    return !has_less(eight, ' ') && !has_less(eight ^ EIGHT('"'), 1) &&
           !has_less(eight ^ EIGHT('\\'), 1);
}

size_t lcab_plain_run(const char *text, size_t len) {
    static const bool escaped[256] = {
        ['"'] = true, ['\\'] = true, [0] = true,  [1] = true,  [2] = true,  [3] = true,
        [4] = true,   [5] = true,    [6] = true,  [7] = true,  [8] = true,  [9] = true,
        [10] = true,  [11] = true,   [12] = true, [13] = true, [14] = true, [15] = true,
        [16] = true,  [17] = true,   [18] = true, [19] = true, [20] = true, [21] = true,
        [22] = true,  [23] = true,   [24] = true, [25] = true, [26] = true, [27] = true,
        [28] = true,  [29] = true,   [30] = true, [31] = true};
    size_t i = 0;
    while (len - i >= 8 && eight_are_plain(text + i)) {
        i += 8;
    }
    while (i < len && !escaped[(unsigned char)text[i]]) {
        i++;
    }
    return i;
}

/* ---- any object ----------------------------------------------------------------------------- */

static const char *skip_blanks(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
        p++;
    }
    return p;
}

/* What follows reads one value or its rest at p and pushes it. Answers where the next token is;
 * NULL when it is not plain, or nothing is behind it: what was pushed then is for the caller to
 * drop. */
static const char *push_plain_table(lua_State *L, const char *p, const char *end, int depth);

static const char *push_plain_string(lua_State *L, const char *p, const char *end) {
    if (p == end || *p++ != '"') {
        return NULL;
    }
    size_t len = lcab_plain_run(p, (size_t)(end - p));
    if (p + len == end || p[len] != '"') {
        return NULL;
    }
    lua_pushlstring(L, p, len);
    p = skip_blanks(p + len + 1, end);
    return p < end ? p : NULL;
}

static const char *push_plain_value(lua_State *L, const char *p, const char *end, int depth) {
    p = skip_blanks(p, end);
    return p < end && (*p == '{' || *p == '[') ? push_plain_table(L, p, end, depth)
                                               : push_plain_string(L, p, end);
}

/* From its first member on, into the table on top. */
static const char *put_plain_members(lua_State *L, const char *p, const char *end, int depth) {
    for (char next = ','; next == ',';) {
        p = push_plain_string(L, skip_blanks(p, end), end);
        if (p == NULL || *p != ':') {
            return NULL;
        }
        p = push_plain_value(L, p + 1, end, depth);
        if (p == NULL) {
            return NULL;
        }
        lua_rawset(L, -3);
        next = *p++;
        if (next == '}') {
            return p;
        }
    }
    return NULL;
}

/* From its first element on, into the table on top. */
static const char *put_plain_elements(lua_State *L, const char *p, const char *end, int depth) {
    int count = 0;
    for (char next = ','; next == ',';) {
        p = push_plain_value(L, p, end, depth);
        if (p == NULL) {
            return NULL;
        }
        lcab_rawseti(L, -2, ++count);
        next = *p++;
        if (next == ']') {
            return p;
        }
    }
    return NULL;
}

static const char *push_plain_table(lua_State *L, const char *p, const char *end, int depth) {
    if (depth == PLAIN_DEEPEST) {
        return NULL;
    }
    bool list = *p == '[';
    lua_createtable(L, list, list ? 0 : 4);
    p = list ? put_plain_elements(L, p + 1, end, depth + 1)
             : put_plain_members(L, p + 1, end, depth + 1);
    p = p != NULL ? skip_blanks(p, end) : NULL;
    return p != end || depth == 0 ? p : NULL;
}

bool lcab_plain_object(lua_State *L, const char *text, size_t len) {
    const char *end = text + len, *p = skip_blanks(text, end);
    int top = lua_gettop(L);
    if (len <= PLAIN_MOST && p < end && *p == '{' && push_plain_table(L, p, end, 0) == end) {
        return true;
    }
    lua_settop(L, top);
    return false;
}

/* ---- one of known members ------------------------------------------------------------------- */

/* Whether a text has no signs but those of ASCII, and none that begins an escape or breaks a line:
 * then each of its strings ends at the next quotation mark. */
static bool is_simple(const char *text, size_t len) {
    uint64_t odd = 0;
    size_t i = 0;
    for (; len - i >= 8; i += 8) {
        uint64_t eight;
        memcpy(&eight, text + i, sizeof eight);
        odd |= eight | (eight - EIGHT(' '));
    }
    for (; i < len; i++) {
        odd |= (uint64_t)((unsigned char)text[i] < ' ' || (unsigned char)text[i] > 0x7f) << 7;
    }
    return (odd & EIGHT(0x80)) == 0 && memchr(text, '\\', len) == NULL;
}

/* Which of the names stands at p in quotation marks; `count`: none. Looked for from `next` on. */
static int name_there(const char *p, const char *end, const char *const *names, int count,
                      int next) {
    for (int i = 0; i < count; i++, next = next + 1 < count ? next + 1 : 0) {
        size_t len = strlen(names[next]);
        if ((size_t)(end - p) > len + 2 && p[0] == '"' && p[len + 1] == '"' &&
            memcmp(p + 1, names[next], len) == 0) {
            return next;
        }
    }
    return count;
}

/* Reads the text at p, which is simple and no filler, and pushes it; what is behind it, or NULL. */
static const char *push_some_text(lua_State *L, const char *p, const char *end) {
    const char *stop = p < end && *p == '"' ? memchr(p + 1, '"', (size_t)(end - p) - 1) : NULL;
    if (stop == NULL || lcab_is_filler(p + 1, (size_t)(stop - p) - 1)) {
        return NULL;
    }
    lua_pushlstring(L, p + 1, (size_t)(stop - p) - 1);
    return stop + 1;
}

bool lcab_plain_texts(lua_State *L, const cab_buf *text, const char *const *names, int count,
                      int list, int first) {
    if (text->len > PLAIN_MOST || text->len == 0 || !is_simple(text->data, text->len)) {
        return false;
    }
    int top = lua_gettop(L), left = count;
    unsigned seen = 0;
    const char *end = text->data + text->len, *p = skip_blanks(text->data, end);
    const char *before = "{";
    lua_createtable(L, 0, count);
    for (; left > 0 && p < end && *p == *before; left--, before = ",") {
        p = skip_blanks(p + 1, end);
        int name = name_there(p, end, names, count, count - left);
        if (name == count || (seen >> name & 1) != 0) {
            break;
        }
        seen |= 1U << name;
        p = skip_blanks(p + strlen(names[name]) + 2, end);
        if (p == end || *p != ':') {
            break;
        }
        lcab_rawgeti(L, list, first + name);
        p = push_some_text(L, skip_blanks(p + 1, end), end);
        if (p == NULL) {
            break;
        }
        p = skip_blanks(p, end);
        lua_rawset(L, top + 1);
    }
    if (left == 0 && p < end && *p == '}' && skip_blanks(p + 1, end) == end) {
        return true;
    }
    lua_settop(L, top);
    return false;
}
