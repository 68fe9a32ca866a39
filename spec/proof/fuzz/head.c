/* Answer heads: the first byte says how the lines go in; Retry-After and HTTP dates with them. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "cab/clock.h"
#include "cab/receive.h"
#include "cab/wire.h"

typedef struct {
    const char *begin, *end;
    size_t count;
} seen;

static void look(void *ud, const char *name, size_t name_len, const char *value, size_t value_len) {
    seen *s = ud;
    s->count++;
    MUST(name >= s->begin && name + name_len <= s->end);
    MUST(value >= name + name_len && value + value_len <= s->end);
    MUST(memchr(name, '\n', name_len) == NULL && memchr(value, '\n', value_len) == NULL);
    MUST(value_len == 0 || (value[0] != ' ' && value[0] != '\t'));
    MUST(value_len == 0 || (value[value_len - 1] != ' ' && value[value_len - 1] != '\r'));
}

static void feed(cab_transfer *t, const char *text, size_t len) {
    char line[4096]; /* of its own size, so that reading behind it is noticed */
    while (len > 0) {
        const char *eol = memchr(text, '\n', len);
        size_t n = eol != NULL ? (size_t)(eol - text) + 1 : len;
        n = n < sizeof line ? n : sizeof line;
        char *exact = malloc(n);
        MUST(exact != NULL);
        memcpy(exact, text, n);
        size_t taken = cab_receive_header(exact, 1, n, t);
        free(exact);
        if (taken != n) {
            MUST(t->attempt.encoded || t->attempt.too_large);
            return;
        }
        text += n;
        len -= n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static cab_transfer t;
    if (size == 0) {
        return 0;
    }
    cab_buf_clear(&t.answer.head);
    t.attempt = (cab_attempt){.stream = (data[0] & 1) != 0};
    feed(&t, (const char *)data + 1, size - 1);
    const cab_buf *head = &t.answer.head;
    const char *begin = head->data != NULL ? head->data : "";
    seen s = {begin, begin + head->len, 0};
    cab_answer_each_header(&t.answer, look, &s);
    double wait = cab_answer_retry_after(&t.answer, 1.7e9);
    MUST(wait == -1 || wait >= 0);
    size_t len;
    const char *id = cab_answer_header(&t.answer, "X-Request-Id", NULL, &len);
    MUST(id == NULL || (id >= s.begin && id + len <= s.end));

    char *exact = malloc(size);
    MUST(exact != NULL);
    memcpy(exact, data, size);
    int64_t when = cab_clock_http_date(exact, size);
    free(exact);
    MUST(when >= -11644473600LL && when < 300000000000LL); /* from 1601 to the year 9999 */
    return 0;
}
