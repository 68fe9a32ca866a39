/* UTF-8 as RFC 3629 has it: shortest forms, no surrogates, nothing above U+10FFFF. */
#ifndef LCAB_UTF8_H
#define LCAB_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes of the character that begins at p (< end), or 0 when none does. */
static inline size_t lcab_utf8_next(const char *p, const char *end) {
    const unsigned char *s = (const unsigned char *)p;
    size_t left = (size_t)(end - p);
    if (s[0] < 0x80) {
        return 1;
    }
    size_t n = s[0] >= 0xc2 && s[0] <= 0xdf   ? 2
               : (s[0] & 0xf0) == 0xe0        ? 3
               : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
                                              : 0;
    if (n == 0 || left < n) {
        return 0;
    }
    unsigned char low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
    if (s[1] < low || s[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return n;
}

/* Whether all of a text is UTF-8. */
static inline bool lcab_utf8_valid(const char *text, size_t len) {
    const char *end = text + len;
    for (const char *p = text; p < end;) {
        uint64_t eight;
        if (end - p >= (ptrdiff_t)sizeof eight) { /* most texts are ASCII: eight bytes at a time */
            memcpy(&eight, p, sizeof eight);
            if ((eight & 0x8080808080808080u) == 0) {
                p += sizeof eight;
                continue;
            }
        }
        size_t n = lcab_utf8_next(p, end);
        if (n == 0) {
            return false;
        }
        p += n;
    }
    return true;
}

#endif
