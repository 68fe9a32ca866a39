#include "cab/request.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "cab/clock.h"

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

void cab_answer_each_header(const cab_answer *a,
                            void (*f)(void *ud, const char *name, size_t name_len,
                                      const char *value, size_t value_len),
                            void *ud) {
    const char *p = a->head.data;
    const char *end = p != NULL ? p + a->head.len : NULL;
    while (p < end) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        const char *next = eol != NULL ? eol + 1 : end;
        const char *stop = eol != NULL ? eol : end;
        const char *colon = memchr(p, ':', (size_t)(stop - p));
        if (colon != NULL) {
            const char *value = colon + 1;
            while (value < stop && is_blank(*value)) {
                value++;
            }
            while (stop > value && (is_blank(stop[-1]) || stop[-1] == '\r')) {
                stop--;
            }
            f(ud, p, (size_t)(colon - p), value, (size_t)(stop - value));
        }
        p = next;
    }
}

typedef struct {
    const char *name;
    size_t name_len;
    const char *value;
    size_t len;
} wanted;

static void match(void *ud, const char *name, size_t name_len, const char *value,
                  size_t value_len) {
    wanted *w = ud;
    if (w->value == NULL && name_len == w->name_len && strncasecmp(name, w->name, name_len) == 0) {
        w->value = value;
        w->len = value_len;
    }
}

const char *cab_answer_header(const cab_answer *a, const char *name, size_t *len) {
    wanted w = {name, strlen(name), NULL, 0};
    cab_answer_each_header(a, match, &w);
    *len = w.len;
    return w.value;
}

double cab_answer_retry_after(const cab_answer *a, double utc) {
    size_t len;
    const char *text = cab_answer_header(a, "Retry-After", &len);
    if (text == NULL || len == 0) {
        return -1;
    }
    double seconds = 0;
    size_t i = 0;
    for (; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
        seconds = seconds * 10 + (text[i] - '0'); /* may become infinite, which is long enough */
    }
    if (i == len) {
        return seconds;
    }
    int64_t when = cab_clock_http_date(text, len);
    return when < 0 ? -1 : fmax(0, (double)when - utc);
}
