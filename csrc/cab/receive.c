#include "cab/receive.h"

#include <string.h>

#include "cab/clock.h"
#include "cab/locale.h"
#include "cab/wire.h"

/* For so many more counts a line of a head, and a piece of a body: libcurl appends folded lines in
 * time that grows with their square, and a chunk of one byte takes it as long as one of hundreds.
 */
#define PIECE_BYTES 64
/* A stream rests until its owner has taken what is there; libcurl alone would read some 8 MiB. */
#define STREAM_HELD_BYTES (128 * 1024)
/* Other bodies rest for a step: libcurl alone would read some 2 MiB at once, for several ms. */
#define BODY_A_STEP_BYTES (512 * 1024)
/* A longer body gets the memory for all of it at once: it is not copied as it grows. */
#define LONG_BODY_BYTES (64 * 1024)

/* `prefix` ends with a sign, which most other lines do not have there. */
static inline bool starts_with(const char *line, size_t len, const char *prefix) {
    size_t n = strlen(prefix);
    return len >= n && line[n - 1] == prefix[n - 1] && cab_same_n(line, prefix, n);
}

static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool is_encoded(const char *line, size_t len) {
    static const char name[] = "content-encoding:";
    if (!starts_with(line, len, name)) {
        return false;
    }
    const char *value = line + sizeof name - 1;
    const char *end = line + len;
    while (value < end && is_blank(*value)) {
        value++;
    }
    while (end > value && is_blank(end[-1])) {
        end--;
    }
    return !(end == value || (end - value == 8 && cab_same_n(value, "identity", 8)));
}

size_t cab_receive_header(char *line, size_t size, size_t count, void *transfer) {
    cab_transfer *t = transfer;
    cab_attempt *a = &t->attempt;
    size_t len = size * count;
    a->last_byte_ms = a->stream ? cab_clock_ms() : 0;
    a->head_total += len + PIECE_BYTES;
    if (a->head_total > CAB_MAX_HEAD_BYTES) {
        a->too_large = true;
        return 0;
    }
    if (starts_with(line, len, "HTTP/")) {
        cab_buf_clear(&t->answer.head); /* what came before was an interim answer */
        const char *status = memchr(line, ' ', len - 1);
        a->interim = status != NULL && status[1] == '1';
        return len;
    }
    if (line[0] == '\r' || line[0] == '\n') {
        a->head_ended = !a->interim;
        if (a->bytes && a->head_ended) {
            long status = 0;
            (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
            a->other = cab_answer_other_than_bytes(&t->answer, (int)status, a->part);
        }
        return a->other == NULL ? len : 0;
    }
    if (is_encoded(line, len)) {
        a->encoded = true;
        return 0;
    }
    t->answer.aged = t->answer.aged || line[0] == 'A' || line[0] == 'a';
    if (!cab_buf_append(&t->answer.head, line, len)) {
        a->no_memory = true;
        return 0;
    }
    return len;
}

/* libcurl keeps what it has and brings it again. */
static size_t rest(cab_transfer *t) {
    t->wire->paused += t->attempt.paused ? 0 : 1;
    t->attempt.paused = true;
    return CURL_WRITEFUNC_PAUSE;
}

/* Whether there is room for more of a streamed body. */
static bool stream_on(cab_transfer *t) {
    cab_attempt *a = &t->attempt;
    if (t->answer.body.len >= STREAM_HELD_BYTES) {
        return false;
    }
    t->answer.handed = true;
    if (!a->streaming) {
        a->streaming = true;
        cab_list_remove(&t->wire->running, &t->link);
        cab_list_add(&t->wire->streaming, &t->link);
    }
    return true;
}

/* Whether the bytes so far may be an error of the service in the place of a stream: a short object,
 * which is kept together until its end, when it can be told. */
static bool may_be_error(const cab_transfer *t, const char *data, size_t len) {
    const cab_buf *body = &t->answer.body;
    return len > 0 && t->attempt.bytes && !t->answer.handed &&
           body->len + len <= CAB_ERROR_FOR_BYTES &&
           (body->len > 0 ? body->data[0] : data[0]) == '{';
}

/* Makes room for a long answer at once: all of it, where its head tells how long it is, and no more
 * than may come, since each page is written to when it is wiped. False if it is to be too large. */
static bool make_room(cab_transfer *t, size_t len) {
    cab_buf *body = &t->answer.body;
    const size_t most = t->attempt.max_body;
    curl_off_t whole = 0;
    if (body->len + len <= LONG_BODY_BYTES || body->len + len < body->cap || t->attempt.stream) {
        return true;
    }
    (void)curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &whole);
    if (whole > (curl_off_t)most) {
        return false;
    } else if (whole > (curl_off_t)body->len) {
        (void)cab_buf_reserve(body, (size_t)whole - body->len);
    } else if (body->cap >= most / 2 && body->len < most) {
        (void)cab_buf_reserve(body, most - body->len);
    }
    return true;
}

size_t cab_receive_body(char *data, size_t size, size_t count, void *transfer) {
    cab_transfer *t = transfer;
    cab_attempt *a = &t->attempt;
    size_t len = size * count;
    long status = 0;
    if (a->stream) {
        (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        a->last_byte_ms = cab_clock_ms();
    }
    if (status >= 200 && status < 300) {
        if (!may_be_error(t, data, len) && !stream_on(t)) {
            return rest(t);
        }
    } else if (t->answer.body.len + len > a->max_body || !make_room(t, len)) {
        a->too_large = true;
        return 0;
    } else if (a->since_pause >= BODY_A_STEP_BYTES) {
        return rest(t);
    }
    a->since_pause += len + PIECE_BYTES;
    if (!cab_buf_append(&t->answer.body, data, len)) {
        a->no_memory = true;
        return 0;
    }
    return len;
}
