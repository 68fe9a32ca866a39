/* Masking: a secret put into any text, as it is or escaped, does not come out again. The input: the
 * secret, then how it is written, then the text before it; the rest is the text behind it. */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#include "cab/buf.h"
#include "cab/url.h"
#include "lua/lua_error.h"

enum { PLAIN, URL, HEX_ESCAPES, UNICODE_ESCAPES, ENTITIES, WAYS };

static void write_secret(cab_buf *b, const char *secret, int way) {
    char one[16];
    switch (way) {
    case URL:
        MUST(cab_url_encode(b, secret, strlen(secret)));
        return;
    case HEX_ESCAPES:
    case UNICODE_ESCAPES:
    case ENTITIES:
        for (const char *p = secret; *p != '\0'; p++) {
            const char *form = way == HEX_ESCAPES       ? "\\x%02x"
                               : way == UNICODE_ESCAPES ? "\\u%04X"
                                                        : "&#%u;";
            (void)snprintf(one, sizeof one, form, (unsigned)(unsigned char)*p);
            MUST(cab_buf_puts(b, one));
        }
        return;
    default:
        MUST(cab_buf_puts(b, secret));
    }
}

static bool holds(const char *text, size_t len, const char *what) {
    size_t n = strlen(what);
    for (size_t i = 0; i + n <= len; i++) {
        if (memcmp(text + i, what, n) == 0) {
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static lua_State *L;
    if (L == NULL) {
        L = luaL_newstate();
    }
    fuzz_input in = {data, data + size};
    char secret[64];
    size_t len, before_len;
    const char *told = fuzz_text(&in, sizeof secret - 1, &len);
    for (size_t i = 0; i < len; i++) { /* as credentials are checked: printable ASCII */
        secret[i] = (char)(0x21 + (unsigned char)told[i] % 0x5e);
    }
    secret[len] = '\0';
    int way = fuzz_byte(&in) % WAYS;
    const char *before = fuzz_text(&in, 255, &before_len);
    cab_buf b = {NULL, 0, 0};
    MUST(cab_buf_append(&b, before, before_len));
    write_secret(&b, secret, way);
    MUST(cab_buf_append(&b, in.at, (size_t)(in.end - in.at)));
    char *exact = malloc(b.len > 0 ? b.len : 1);
    MUST(exact != NULL);
    memcpy(exact, b.data, b.len);

    cab_secrets secrets = {{NULL}, 0, false};
    cab_secrets_add(&secrets, secret);
    lcab_push_masked(L, exact, b.len, &secrets);
    size_t masked_len;
    const char *masked = lua_tolstring(L, -1, &masked_len);
    /* Masks, and the marks for odd bytes, may spell one that holds such characters. */
    if (len > 0 && strpbrk(secret, "*?") == NULL) {
        MUST(!holds(masked, masked_len, secret));
    }
    cab_buf escaped = {NULL, 0, 0};
    write_secret(&escaped, secret, way);
    if (len > 0 && strpbrk(secret, "*?") == NULL) {
        MUST(!holds(masked, masked_len, escaped.data));
    }
    lua_settop(L, 0);
    cab_buf_free(&escaped);
    cab_buf_free(&b);
    free(exact);
    return 0;
}
