#include "cab/request.h"

#include <math.h>
#include <string.h>

#include "cab/clock.h"
#include "cab/locale.h"

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* The value between the colon and the end of a line, without white space at its ends. */
static const char *value_of(const char *colon, const char *stop, size_t *len) {
    const char *value = colon + 1;
    while (value < stop && is_blank(*value)) {
        value++;
    }
    while (stop > value && (is_blank(stop[-1]) || stop[-1] == '\r')) {
        stop--;
    }
    *len = (size_t)(stop - value);
    return value;
}

const char *cab_answer_other_than_bytes(const cab_answer *answer, int status, bool part) {
    static const char *const pages[] = {"text/html", "application/xhtml+xml"};
    size_t len = 0;
    if (status < 200 || status >= 300) {
        return NULL;
    }
    const char *type = cab_answer_header(answer, "Content-Type", NULL, &len);
    for (size_t i = 0; type != NULL && i < sizeof pages / sizeof *pages; i++) {
        size_t n = strlen(pages[i]);
        if (len >= n && cab_same_n(type, pages[i], n)) {
            return "a web page";
        }
    }
    return status == 206 && !part ? "a part" : NULL;
}

bool cab_answer_has_end(const cab_answer *answer) {
    size_t len = 0;
    return answer->http_major != 1 || answer->status == 204 ||
           cab_answer_header(answer, "Transfer-Encoding", "Content-Length", &len) != NULL;
}

void cab_answer_each_header(const cab_answer *answer,
                            void (*f)(void *ud, const char *name, size_t name_len,
                                      const char *value, size_t value_len),
                            void *ud) {
    const char *p = answer->head.data;
    const char *end = p != NULL ? p + answer->head.len : NULL;
    while (p < end) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        const char *stop = eol != NULL ? eol : end;
        const char *colon = memchr(p, ':', (size_t)(stop - p));
        if (colon != NULL) {
            size_t len;
            const char *value = value_of(colon, stop, &len);
            f(ud, p, (size_t)(colon - p), value, len);
        }
        p = eol != NULL ? eol + 1 : end;
    }
}

static bool is_named(const char *line, const char *stop, const char *name, size_t len) {
    return (size_t)(stop - line) > len && line[len] == ':' && cab_same_n(line, name, len);
}

const char *cab_answer_header(const cab_answer *answer, const char *name, const char *other,
                              size_t *len) {
    size_t name_len = strlen(name), other_len = other != NULL ? strlen(other) : SIZE_MAX;
    size_t second_len = 0;
    const char *second = NULL;
    const char *p = answer->head.data;
    const char *end = p != NULL ? p + answer->head.len : NULL;
    while (p < end) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        const char *stop = eol != NULL ? eol : end;
        if (is_named(p, stop, name, name_len)) {
            const char *value = value_of(p + name_len, stop, len);
            if (*len > 0) {
                return value;
            }
        } else if (second_len == 0 && is_named(p, stop, other, other_len)) {
            second = value_of(p + other_len, stop, &second_len);
        }
        p = eol != NULL ? eol + 1 : end;
    }
    *len = second_len;
    return second_len > 0 ? second : NULL;
}

int64_t cab_answer_date(const cab_answer *answer) {
    size_t len;
    const char *date = cab_answer_header(answer, "Date", NULL, &len);
    return date != NULL ? cab_clock_http_date(date, len) : -1;
}

int cab_answer_age(const cab_answer *answer) {
    const int most = 100000000; /* three years */
    size_t len = 0;
    const char *text = answer->aged ? cab_answer_header(answer, "Age", NULL, &len) : NULL;
    int seconds = 0;
    for (size_t i = 0; i < len && text[i] >= '0' && text[i] <= '9' && seconds < most; i++) {
        seconds = seconds * 10 + (text[i] - '0');
    }
    return seconds - 1 > answer->timings.first_byte ? seconds : 0;
}

int64_t cab_answer_now(const cab_answer *answer) {
    int64_t date = cab_answer_date(answer);
    return date < 0 ? -1 : date + cab_answer_age(answer);
}

double cab_answer_retry_after(const cab_answer *answer, double utc) {
    size_t len;
    const char *text = cab_answer_header(answer, "Retry-After", NULL, &len);
    if (text == NULL) {
        return -1;
    }
    double seconds = 0;
    size_t i = 0;
    for (; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
        seconds = seconds * 10 + (text[i] - '0'); /* may become infinite, which is long enough */
    }
    if (i < len) {
        int64_t when = cab_clock_http_date(text, len), now = cab_answer_now(answer);
        if (when < 0) {
            return -1;
        }
        seconds = fmax(0, (double)when - (now >= 0 ? (double)now : utc));
    }
    return fmin(seconds, CAB_RETRY_AFTER_MOST);
}
