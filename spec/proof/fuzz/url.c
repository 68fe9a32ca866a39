/* Percent-encoding and the canonical forms, against a reference that is slow and plain. */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "cab/url.h"

enum { MAX_PAIRS = 8, MAX_TEXT = 4096 };

typedef struct {
    size_t len;
    char text[MAX_TEXT * 4];
} slow_text;

static void slow_put(slow_text *t, char c) { t->text[t->len++] = c; }

static void slow_encode_byte(slow_text *t, unsigned char c, const char *also) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    if (c != '\0' && (strchr(plain, c) != NULL || strchr(also, c) != NULL)) {
        slow_put(t, (char)c);
        return;
    }
    char escape[4];
    (void)snprintf(escape, sizeof escape, "%%%02X", c);
    slow_put(t, escape[0]);
    slow_put(t, escape[1]);
    slow_put(t, escape[2]);
}

static bool is_hex(char c) { return c != '\0' && strchr("0123456789abcdefABCDEF", c) != NULL; }

static void slow_decode(slow_text *t, const char *s, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '%' && i + 2 < len && is_hex(s[i + 1]) && is_hex(s[i + 2])) {
            char digits[3] = {s[i + 1], s[i + 2], '\0'};
            slow_put(t, (char)strtol(digits, NULL, 16));
            i += 2;
        } else {
            slow_put(t, s[i]);
        }
    }
}

static void must_equal(const cab_buf *b, const slow_text *t) {
    MUST(b->len == t->len);
    MUST(b->len == 0 || memcmp(b->data, t->text, t->len) == 0);
    MUST(b->data == NULL || b->data[b->len] == '\0');
}

static void check_text(const char *s, size_t len) {
    static slow_text expected, plain;
    cab_buf b = {NULL, 0, 0}, back = {NULL, 0, 0};
    expected.len = plain.len = 0;
    for (size_t i = 0; i < len; i++) {
        slow_encode_byte(&expected, (unsigned char)s[i], "");
    }
    MUST(cab_url_encode(&b, s, len));
    must_equal(&b, &expected);
    MUST(cab_url_decode(&back, b.data, b.len));
    MUST(back.len == len && (len == 0 || memcmp(back.data, s, len) == 0));

    cab_buf_clear(&b);
    slow_decode(&plain, s, len);
    MUST(cab_url_decode(&b, s, len));
    must_equal(&b, &plain);

    cab_buf_clear(&b);
    expected.len = 0;
    for (size_t i = 0; i < plain.len; i++) {
        slow_encode_byte(&expected, (unsigned char)plain.text[i], "/");
    }
    if (plain.len == 0 || plain.text[plain.len - 1] != '/') {
        slow_put(&expected, '/');
    }
    MUST(cab_url_canonical_path(&b, s, len));
    must_equal(&b, &expected);
    cab_buf_free(&b);
    cab_buf_free(&back);
}

/* Whether a goes behind b, byte by byte. */
static bool behind(cab_text a, cab_text b, bool *equal) {
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        if (a.data[i] != b.data[i]) {
            *equal = false;
            return (unsigned char)a.data[i] > (unsigned char)b.data[i];
        }
    }
    *equal = a.len == b.len;
    return a.len > b.len;
}

static bool pair_behind(const cab_pair *a, const cab_pair *b) {
    bool equal;
    bool name = behind(a->name, b->name, &equal);
    return equal ? behind(a->value, b->value, &equal) : name;
}

static void check_query(fuzz_input *in) {
    static slow_text expected;
    cab_pair pairs[MAX_PAIRS], sorted[MAX_PAIRS];
    size_t count = fuzz_byte(in) % (MAX_PAIRS + 1);
    for (size_t i = 0; i < count; i++) {
        pairs[i].name.data = fuzz_text(in, 64, &pairs[i].name.len);
        pairs[i].value.data = fuzz_text(in, 64, &pairs[i].value.len);
        sorted[i] = pairs[i];
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j + 1 < count; j++) {
            if (pair_behind(&sorted[j], &sorted[j + 1])) {
                cab_pair p = sorted[j];
                sorted[j] = sorted[j + 1];
                sorted[j + 1] = p;
            }
        }
    }
    expected.len = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            slow_put(&expected, '&');
        }
        for (size_t k = 0; k < sorted[i].name.len; k++) {
            slow_encode_byte(&expected, (unsigned char)sorted[i].name.data[k], "");
        }
        slow_put(&expected, '=');
        for (size_t k = 0; k < sorted[i].value.len; k++) {
            slow_encode_byte(&expected, (unsigned char)sorted[i].value.data[k], "");
        }
    }
    cab_buf b = {NULL, 0, 0};
    MUST(cab_url_canonical_query(&b, pairs, count));
    must_equal(&b, &expected);
    cab_buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > MAX_TEXT) {
        return 0;
    }
    check_text((const char *)data, size);
    fuzz_input in = {data, data + size};
    check_query(&in);
    return 0;
}
