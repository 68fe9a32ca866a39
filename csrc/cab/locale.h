/* What a program's locale must not change: numbers in texts, and which letters are the same. The
 * library speaks to a service; setlocale is for people. */
#ifndef CAB_LOCALE_H
#define CAB_LOCALE_H

#include <langinfo.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* What the C library reads and writes in numbers for a decimal point: mostly one byte. */
static inline const char *cab_locale_point(void) { return nl_langinfo(RADIXCHAR); }
/* Whether that is a point, as in JSON. */
static inline bool cab_locale_has_point(void) {
    const char *point = cab_locale_point();
    return point[0] == '.' && point[1] == '\0';
}

/* Puts this thread into the locale "C" until cab_locale_leave, which takes what this answers. For
 * foreign code; nothing may be raised meanwhile. */
void *cab_locale_enter(void);
void cab_locale_leave(void *token);

/* What an errno means, in English, whatever the locale's language and character set. Good until the
 * next call in this thread. */
const char *cab_errno_text(int code);

/* Decimal digits; what snprintf does takes ten times as long. */
void cab_integer_text(char out[40], int64_t n);
/* A number's shortest plain text that reads back equal, with a point: 20, 0.1, 1e+21. */
void cab_number_text(char out[40], double n);

/* Whether two texts differ in the case of ASCII letters at most: all of them, or their first n
 * bytes, or up to a NUL before that. */
bool cab_same(const char *a, const char *b);
bool cab_same_n(const char *a, const char *b, size_t n);
/* Whether `part` is in `text`, likewise. */
bool cab_holds(const char *text, const char *part);

#pragma GCC visibility pop

#endif
