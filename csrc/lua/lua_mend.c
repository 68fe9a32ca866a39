#include "lua/lua_mend.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <lauxlib.h>

#include "cab/escape.h"
#include "lua/compat.h"
#include "lua/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define ESCAPE 6                   /* bytes of \ud83d */
#define HALF 3                     /* bytes of the same as UTF-8 would have it */

static bool is_high(uint32_t half) { return half >= 0xd800 && half < 0xdc00; }
static bool is_low(uint32_t half) { return half >= 0xdc00 && half < 0xe000; }

/* The half that an escape at p stands for, or 0. */
static uint32_t escaped_half(const char *p, const char *end) {
    uint32_t half = 0;
    bool escape = end - p >= ESCAPE && p[0] == '\\' && p[1] == 'u' &&
                  cab_read_digits(p + 2, end, 4, 16, &half) == 4;
    return escape && (is_high(half) || is_low(half)) ? half : 0;
}

/* The half that three bytes at p stand for, or 0. */
static uint32_t plain_half(const char *p, const char *end) {
    const unsigned char *s = (const unsigned char *)p;
    bool half = end - p >= HALF && s[0] == 0xed && (s[1] & 0xe0) == 0xa0 && (s[2] & 0xc0) == 0x80;
    return half ? 0xd000u | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu) : 0;
}

static void add_half(luaL_Buffer *b, uint32_t half) {
    const char bytes[HALF] = {(char)0xed, (char)(0x80 | (half >> 6 & 0x3f)),
                              (char)(0x80 | (half & 0x3f))};
    luaL_addlstring(b, bytes, sizeof bytes);
}

static void add_pair(luaL_Buffer *b, uint32_t high, uint32_t low) {
    uint32_t point = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    const char bytes[4] = {(char)(0xf0 | point >> 18), (char)(0x80 | (point >> 12 & 0x3f)),
                           (char)(0x80 | (point >> 6 & 0x3f)), (char)(0x80 | (point & 0x3f))};
    luaL_addlstring(b, bytes, sizeof bytes);
}

void lcab_push_halves(lua_State *L, const char *json, size_t len) {
    const char *end = json + len, *from = json, *p = json;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    while (p < end && (p = memchr(p, '\\', (size_t)(end - p))) != NULL) {
        uint32_t half = escaped_half(p, end);
        if (half == 0) {
            p += 2; /* what follows a backslash begins no escape */
        } else if (is_high(half) && is_low(escaped_half(p + ESCAPE, end))) {
            p += (ptrdiff_t)2 * ESCAPE;
        } else {
            luaL_addlstring(&b, from, (size_t)(p - from));
            add_half(&b, half);
            from = p += ESCAPE;
        }
    }
    luaL_addlstring(&b, from, (size_t)(end - from));
    luaL_pushresult(&b);
}

void lcab_push_repaired(lua_State *L, const char *text, size_t len) {
    const char *end = text + len, *from = text, *p = text;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    while (p < end) {
        size_t good = lcab_utf8_next(p, end);
        if (good > 0) {
            p += good;
            continue;
        }
        uint32_t half = plain_half(p, end);
        uint32_t next = is_high(half) ? plain_half(p + HALF, end) : 0;
        luaL_addlstring(&b, from, (size_t)(p - from));
        if (is_low(next)) {
            add_pair(&b, half, next);
        } else {
            luaL_addstring(&b, REPLACEMENT);
        }
        from = p += is_low(next) ? 2 * HALF : half != 0 ? HALF : 1;
    }
    luaL_addlstring(&b, from, (size_t)(end - from));
    luaL_pushresult(&b);
}

/* core.repair(text) -> the same */
static int repair(lua_State *L) {
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    if (lcab_utf8_valid(text, len)) {
        lua_settop(L, 1);
    } else {
        lcab_push_repaired(L, text, len);
    }
    return 1;
}

void lcab_mend_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"repair", repair}, {NULL, NULL}};
    lcab_setfuncs(L, functions);
}
