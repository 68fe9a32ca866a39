#include "cab/url.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cab/escape.h"

static const char DIGITS[] = "0123456789ABCDEF";

static bool alphanumeric(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool unreserved(unsigned char c) {
    return alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

int cab_text_compare(cab_text left, cab_text right) {
    size_t shorter = left.len < right.len ? left.len : right.len;
    int order = shorter > 0 ? memcmp(left.data, right.data, shorter) : 0;
    return order != 0 ? order : (left.len > right.len) - (left.len < right.len);
}

bool cab_text_is_token(cab_text text) {
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < text.len; i++) {
        if (!alphanumeric((unsigned char)text.data[i]) &&
            memchr(others, text.data[i], sizeof others - 1) == NULL) {
            return false;
        }
    }
    return text.len > 0;
}

/* Reads one byte at *at, an escape or itself, and moves *at behind it. */
static unsigned char next_byte(const char *text, size_t len, size_t *at) {
    uint32_t code;
    const char *p = text + (*at)++;
    if (*p != '%' || cab_read_digits(p + 1, text + len, 2, 16, &code) != 2) {
        return (unsigned char)*p;
    }
    *at += 2;
    return (unsigned char)code;
}

/* Writes one byte; room for three was made by the caller. */
static void put(cab_buf *out, unsigned char c, bool plain) {
    if (plain) {
        out->data[out->len++] = (char)c;
    } else {
        out->data[out->len++] = '%';
        out->data[out->len++] = DIGITS[c >> 4];
        out->data[out->len++] = DIGITS[c & 0xf];
    }
}

static bool reserve(cab_buf *out, size_t units, size_t each) {
    return units <= ((size_t)-1) / 8 && cab_buf_reserve(out, units * each + 1);
}

bool cab_url_encode(cab_buf *out, const char *text, size_t len) {
    if (!reserve(out, len, 3)) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        put(out, (unsigned char)text[i], unreserved((unsigned char)text[i]));
    }
    out->data[out->len] = '\0';
    return true;
}

bool cab_url_decode(cab_buf *out, const char *text, size_t len) {
    if (!reserve(out, len, 1)) {
        return false;
    }
    for (size_t i = 0; i < len;) {
        put(out, next_byte(text, len, &i), true);
    }
    out->data[out->len] = '\0';
    return true;
}

bool cab_url_canonical_path(cab_buf *out, const char *path, size_t len) {
    if (!reserve(out, len, 3)) {
        return false;
    }
    unsigned char last = '\0';
    for (size_t i = 0; i < len;) {
        last = next_byte(path, len, &i);
        put(out, last, last == '/' || unreserved(last));
    }
    if (last != '/') {
        put(out, '/', true);
    }
    out->data[out->len] = '\0';
    return true;
}

static int compare_pairs(const void *left, const void *right) {
    const cab_pair *one = left;
    const cab_pair *other = right;
    int order = cab_text_compare(one->name, other->name);
    return order != 0 ? order : cab_text_compare(one->value, other->value);
}

bool cab_url_canonical_query(cab_buf *out, cab_pair *pairs, size_t count) {
    if (count > 1) {
        qsort(pairs, count, sizeof *pairs, compare_pairs);
    }
    for (size_t i = 0; i < count; i++) {
        if ((i > 0 && !cab_buf_append(out, "&", 1)) ||
            !cab_url_encode(out, pairs[i].name.data, pairs[i].name.len) ||
            !cab_buf_append(out, "=", 1) ||
            !cab_url_encode(out, pairs[i].value.data, pairs[i].value.len)) {
            return false;
        }
    }
    return true;
}
