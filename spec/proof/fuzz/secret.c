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

enum { PLAIN, URL, HEX_ESCAPES, UNICODE_ESCAPES, ENTITIES, URL_OF_ESCAPES, ENTITIES_OF_URL, WAYS };

static void write_secret(cab_buf *b, const char *secret, int way) {
    char one[16];
    switch (way) {
    case URL:
        MUST(cab_url_encode(b, secret, strlen(secret)));
        return;
    case HEX_ESCAPES:
    case UNICODE_ESCAPES:
    case ENTITIES:
    case URL_OF_ESCAPES:
    case ENTITIES_OF_URL:
        for (const char *p = secret; *p != '\0'; p++) {
            const char *form = way == HEX_ESCAPES       ? "\\x%02x"
                               : way == UNICODE_ESCAPES ? "\\u%04X"
                               : way == URL_OF_ESCAPES  ? "%%5Cu%04x"
                               : way == ENTITIES_OF_URL ? "&#37;%02x"
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

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static size_t letters_of(const char *text, size_t len, char *out) {
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (is_letter(text[i])) {
            out[n++] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 32 : text[i]);
        }
    }
    return n;
}

/* Whether eight or twelve letters and digits of the secret are left between two masks. */
static bool shows_piece(const char *text, size_t len, const char *secret) {
    char theirs[64];
    size_t n = letters_of(secret, strlen(secret), theirs), length = n < 24 ? 8 : 12;
    char *ours = malloc(len + 1);
    MUST(ours != NULL);
    bool shows = false;
    for (size_t from = 0; from < len;) {
        size_t to = from;
        while (to < len && (len - to < 3 || memcmp(text + to, "***", 3) != 0)) {
            to++;
        }
        size_t count = letters_of(text + from, to - from, ours);
        for (size_t i = 0; i + length <= count; i++) {
            for (size_t k = 0; k + length <= n; k++) {
                shows = shows || memcmp(ours + i, theirs + k, length) == 0;
            }
        }
        from = to + 3;
    }
    free(ours);
    return shows;
}

/* The same of a secret that is looked for as a whole: nothing of it is left where we cut it off, be
 * it within an escape, unless less than eight bytes of it stand there. (The first byte of an escape
 * may pass for its last one.) */
static void check_cut(lua_State *L, const char *secret, size_t len, int way, size_t any) {
    if (len <= 8 || strchr("%&\\", secret[len - 1]) != NULL) {
        return;
    }
    char beginning[9] = {0};
    memcpy(beginning, secret, 8);
    cab_buf b = {NULL, 0, 0};
    write_secret(&b, beginning, way);
    const size_t least = b.len;
    b.len = 0;
    write_secret(&b, secret, way);
    b.len = least + any % (b.len - least);
    MUST(cab_buf_append(&b, "…", strlen("…")));
    cab_secrets secrets = {.whole = true};
    cab_secrets_add(&secrets, secret);
    lcab_push_masked(L, b.data, b.len, &secrets);
    MUST(strcmp(lua_tostring(L, -1), "***…") == 0);
    lua_pop(L, 1);
    cab_buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static lua_State *L;
    if (L == NULL) {
        L = luaL_newstate();
    }
    fuzz_input in = {data, data + size};
    char secret[64] = {0};
    size_t len, before_len;
    const char *told = fuzz_text(&in, sizeof secret - 1, &len);
    for (size_t i = 0; i < len; i++) { /* as credentials are checked: printable ASCII */
        secret[i] = (char)(0x21 + (unsigned char)told[i] % 0x5e);
    }
    int way = fuzz_byte(&in) % WAYS;
    const char *before = fuzz_text(&in, 255, &before_len);
    cab_buf b = {NULL, 0, 0};
    MUST(cab_buf_append(&b, before, before_len));
    write_secret(&b, secret, way);
    MUST(cab_buf_append(&b, in.at, (size_t)(in.end - in.at)));
    char *exact = malloc(b.len > 0 ? b.len : 1);
    MUST(exact != NULL);
    memcpy(exact, b.data, b.len);

    cab_secrets secrets = {.count = 0};
    cab_secrets_add(&secrets, secret);
    lcab_push_masked(L, exact, b.len, &secrets);
    size_t masked_len;
    const char *masked = lua_tolstring(L, -1, &masked_len);
    /* Masks, and the marks for odd bytes, may spell one that holds such characters. */
    if (len > 0 && strpbrk(secret, "*?") == NULL) {
        MUST(!holds(masked, masked_len, secret));
    }
    MUST(!shows_piece(masked, masked_len, secret));
    cab_buf escaped = {NULL, 0, 0};
    write_secret(&escaped, secret, way);
    if (len > 0 && strpbrk(secret, "*?") == NULL) {
        MUST(!holds(masked, masked_len, escaped.data));
    }
    check_cut(L, secret, len, way, (size_t)(in.end - in.at));
    lua_settop(L, 0);
    cab_buf_free(&escaped);
    cab_buf_free(&b);
    free(exact);
    return 0;
}
