#include "cab/locale.h"

#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__DragonFly__)
#include <xlocale.h>
#endif

#define EXACT 9007199254740992.0 /* 2^53 */

#ifdef __NetBSD__ /* which has no locale of a thread */
void *cab_locale_enter(void) { return NULL; }
void cab_locale_leave(void *token) { (void)token; }
#else
void *cab_locale_enter(void) {
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return plain != (locale_t)0 ? (void *)uselocale(plain) : NULL;
}

void cab_locale_leave(void *token) {
    if (token != NULL) {
        freelocale(uselocale((locale_t)token));
    }
}
#endif

const char *cab_errno_text(int code) {
    static _Thread_local char text[128];
    void *before = cab_locale_enter();
    (void)snprintf(text, sizeof text, "%s", strerror(code));
    cab_locale_leave(before);
    return text;
}

void cab_integer_text(char out[40], int64_t n) {
    char digits[20];
    size_t count = 0;
    uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    do {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (n < 0) {
        *out++ = '-';
    }
    while (count > 0) {
        *out++ = digits[--count];
    }
    *out = '\0';
}

void cab_number_text(char out[40], double n) {
    if (n == floor(n) && fabs(n) <= EXACT) {
        cab_integer_text(out, (int64_t)n);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(out, 40, "%.*g", digits, n);
        if (strtod(out, NULL) == n) {
            break;
        }
    }
    char *radix = out + strspn(out, "-0123456789");
    size_t len = strcspn(radix, "0123456789einf");
    if (len > 0) {
        *radix = '.';
        memmove(radix + 1, radix + len, strlen(radix + len) + 1);
    }
}

static unsigned char lower(char c) {
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool cab_same_n(const char *a, const char *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i] && lower(a[i]) != lower(b[i])) {
            return false;
        }
        if (a[i] == '\0') {
            break;
        }
    }
    return true;
}

bool cab_same(const char *a, const char *b) { return cab_same_n(a, b, SIZE_MAX); }

bool cab_holds(const char *text, const char *part) {
    size_t len = strlen(part);
    for (; *text != '\0'; text++) {
        if (cab_same_n(text, part, len)) {
            return true;
        }
    }
    return len == 0;
}
