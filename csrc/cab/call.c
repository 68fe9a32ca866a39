#include "cab/call.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cab/client.h"
#include "cab/clock.h"
#include "cab/locale.h"
#include "cab/sign.h"

/* libcurl asks "Expect: 100-continue" from 1 MiB on; a line less for all others. */
#define EXPECTING_BODY (64 * 1024)

void cab_call_fail(cab_call *c, cab_kind kind, cab_reason reason, const char *fmt, ...) {
    char text[sizeof c->error.message];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    cab_fail(&c->error, kind, reason, NULL, "%s", text);
    c->verdict = (cab_verdict){kind, reason, CAB_OUTCOME_NOT_STARTED, CAB_AGAIN_NEVER};
    c->retryable = kind == CAB_KIND_TIMEOUT;
    c->judged = false;
}

cab_answer *cab_call_answer(cab_call *c) {
    return c->transfer != NULL ? cab_transfer_answer(c->transfer) : NULL;
}

/* ---- what an attempt sends ------------------------------------------------------------------ */

static const cab_endpoint *endpoint_of(const cab_call *c) {
    return c->elsewhere.base != NULL ? &c->elsewhere : &c->client->options.endpoints[c->endpoint];
}

static size_t name_length(const char *line) {
    const char *colon = strchr(line, ':');
    return colon != NULL ? (size_t)(colon - line) : strlen(line);
}

static bool has_header(const cab_request *r, const char *line) {
    size_t len = name_length(line) + 1; /* with the colon */
    for (size_t i = 0; i < r->header_count; i++) {
        if (cab_same_n(r->headers[i], line, len)) {
            return true;
        }
    }
    return false;
}

/* The first line of a name wins: a call's header replaces the client's. */
static void add_line(cab_request *r, const char *line) {
    if (r->header_count < CAB_MAX_HEADERS && !has_header(r, line)) {
        r->headers[r->header_count++] = line;
    }
}

/* `only`: no lines but those of this name, which ends with a colon. */
static void add_lines(cab_request *r, const cab_buf *lines, const char *only) {
    const char *p = lines->data;
    const char *end = p != NULL ? p + lines->len : NULL;
    while (p < end) {
        if (only == NULL || cab_same_n(p, only, strlen(only))) {
            add_line(r, p);
        }
        p += strlen(p) + 1;
    }
}

static cab_text text_of(const char *s) {
    cab_text t = {s, s != NULL ? strlen(s) : 0};
    return t;
}

static cab_pair pair_of_line(const char *line) {
    size_t len = name_length(line);
    const char *value = line + len + (line[len] == ':');
    value += strspn(value, " \t");
    cab_pair p = {{line, len}, text_of(value)};
    return p;
}

/* Writes the signer's headers into c->signature as lines and adds them to the request. */
static bool sign(cab_call *c, cab_request *r, double utc) {
    const cab_credentials *k = c->credentials;
    const cab_endpoint *ep = endpoint_of(c);
    cab_pair headers[CAB_MAX_HEADERS];
    size_t count = 0;
    for (size_t i = 0; i < r->header_count; i++) {
        cab_pair p = pair_of_line(r->headers[i]);
        if (p.value.len > 0) { /* "Expect:" tells libcurl to leave that header out */
            headers[count++] = p;
        }
    }
    char date[17];
    cab_clock_sdk_date(utc, date);
    cab_buf_clear(&c->signature);
    if (!cab_buf_puts(&c->signature, ep->path) ||
        !cab_buf_append(&c->signature, c->path.data, c->path.len)) {
        return cab_fail_memory(&c->error);
    }
    cab_sign_input in = {
        .ak = text_of(k->ak),
        .sk = text_of(k->sk),
        .security_token = text_of(k->security_token),
        .project_id = text_of(k->project_id),
        .method = text_of(c->method),
        .host = text_of(ep->host),
        .path = {c->signature.data, c->signature.len},
        .query = {c->query.data, c->query.len},
        .headers = headers,
        .header_count = count,
        .body = {c->body.data, c->has_body ? c->body.len : 0},
        .date = {date, 16},
    };
    cab_sign_output out;
    if (!cab_sign_request(&in, &c->scratch, &out, &c->error)) {
        return false;
    }
    c->canonical_request = out.canonical_request;
    size_t need = 0;
    for (size_t i = 0; i < out.header_count; i++) {
        need += out.headers[i].name.len + out.headers[i].value.len + 3;
    }
    cab_buf_clear(&c->signature);
    if (!cab_buf_reserve(&c->signature, need)) {
        return cab_fail_memory(&c->error);
    }
    for (size_t i = 0; i < out.header_count; i++) {
        if (out.headers[i].added && r->header_count < CAB_MAX_HEADERS) {
            const char *line = c->signature.data + c->signature.len;
            (void)cab_buf_append(&c->signature, out.headers[i].name.data, out.headers[i].name.len);
            (void)cab_buf_append(&c->signature, ": ", 2);
            (void)cab_buf_append(&c->signature, out.headers[i].value.data,
                                 out.headers[i].value.len);
            (void)cab_buf_append(&c->signature, "", 1);
            r->headers[r->header_count++] = line;
        }
    }
    return true;
}

/* The engine copies it, so that all calls of a client share the memory. */
static bool set_url(cab_call *c) {
    cab_buf *url = &c->client->url;
    cab_buf_clear(url);
    return cab_buf_puts(url, endpoint_of(c)->base) &&
           cab_buf_append(url, c->path.data, c->path.len) &&
           (c->query.len == 0 ||
            (cab_buf_append(url, "?", 1) && cab_buf_append(url, c->query.data, c->query.len)));
}

/* For libcurl, where 0 means no limit: time that is over is a limit still. */
static long whole_ms(double ms) {
    return isinf(ms) ? 0 : ms < 1 ? 1 : ms > INT_MAX ? INT_MAX : (long)ceil(ms);
}

static void set_limits(cab_call *c, cab_request *r, int64_t now_ms) {
    double limit_ms = c->stream ? HUGE_VAL : c->timeout * 1000; /* a stream's silence has a timer */
    double left_ms = c->deadline_ms == INT64_MAX ? HUGE_VAL : (double)(c->deadline_ms - now_ms);
    c->deadline_bound = left_ms < limit_ms;
    r->timeout_ms = whole_ms(c->deadline_bound ? left_ms : limit_ms);
    r->connect_timeout_ms = whole_ms(c->connect_timeout * 1000);
}

bool cab_call_attempt(cab_call *c, int64_t now_ms) {
    cab_request r = {0};
    r.method = c->method;
    /* What changes something has a body, of no bytes if need be: proxies want to know its length.
     */
    bool sends_body = c->has_body || strcmp(c->method, "GET") != 0;
    r.body = sends_body ? (c->body.data != NULL ? c->body.data : "") : NULL;
    r.body_len = c->body.len;
    /* A proxy elsewhere could not reach this machine's own address, but would see the token. */
    r.direct = endpoint_of(c)->loopback && !c->client->options.proxy_loopback;
    r.once = c->op != CAB_OP_READ;
    r.stream = c->stream;
    r.now_ms = now_ms;
    r.max_body = c->client->options.max_response_bytes;
    c->attempts++;
    c->judged = c->silent = false;
    c->canonical_request.len = 0;
    if (!set_url(c)) {
        return cab_fail_memory(&c->error);
    }
    r.url = c->client->url.data;
    add_lines(&r, &c->headers, NULL);
    /* To others than the service a client's headers say no more than who it is. */
    add_lines(&r, &c->client->options.headers, c->no_client_headers ? "User-Agent:" : NULL);
    if (sends_body) {
        /* Never left out: libcurl would call it form data. */
        add_line(&r, c->has_body || !c->no_client_headers ? "Content-Type: application/json"
                                                          : "Content-Type:");
        if (r.body_len > EXPECTING_BODY) {
            add_line(&r, "Expect:"); /* tells libcurl not to ask before it sends the body */
        }
    }
    if (c->credentials != NULL) {
        if (c->credentials->token_line != NULL) {
            add_line(&r, c->credentials->token_line);
        } else if (!sign(c, &r, c->admitted ? c->admitted_at : cab_clock_utc())) {
            return false;
        }
    }
    c->admitted = false; /* that was for this attempt */
    set_limits(c, &r, now_ms);
    c->transfer = cab_engine_begin(c->client->engine, &r, c, &c->error);
    return c->transfer != NULL;
}

/* ---- what its end means --------------------------------------------------------------------- */

/* libcurl has one code for every limit; which one it was follows from what was set. */
static void name_the_limit(cab_call *c, cab_answer *a, int64_t now_ms) {
    if (a->error.reason != CAB_REASON_TIMEOUT || c->silent) {
        return;
    }
    char seconds[40];
    double attempt_limit = c->deadline_bound ? HUGE_VAL : c->timeout;
    double left = c->deadline_bound ? (double)(c->deadline_ms - now_ms) : HUGE_VAL;
    if (!a->connected && left > 1 && c->connect_timeout < attempt_limit) {
        cab_number_text(seconds, c->connect_timeout);
        cab_fail(&a->error, CAB_KIND_TIMEOUT, CAB_REASON_CONNECT_TIMEOUT, NULL,
                 "no connection within %s s", seconds);
    } else if (c->deadline_bound) {
        cab_number_text(seconds, c->deadline);
        cab_fail(&a->error, CAB_KIND_TIMEOUT, CAB_REASON_DEADLINE, NULL,
                 "the deadline of %s s passed %s", seconds,
                 a->sent ? "before an answer came" : "before the request was sent");
    } else {
        cab_number_text(seconds, c->timeout);
        cab_fail(&a->error, CAB_KIND_TIMEOUT, CAB_REASON_TIMEOUT, NULL, "no answer within %s s",
                 seconds);
    }
}

/* The official rule for several endpoints (API reference 5): only these two move on. */
static bool try_next_endpoint(cab_call *c, const cab_answer *a) {
    size_t count = c->client->options.endpoint_count;
    bool moves_on =
        a->error.reason == CAB_REASON_RESOLVE || a->error.reason == CAB_REASON_TLS_HANDSHAKE;
    if (c->elsewhere.base != NULL || a->sent || !moves_on || c->endpoints_failed + 1 >= count) {
        return false;
    }
    c->endpoints_failed++;
    c->endpoint = (c->endpoint + 1) % count;
    return true;
}

/* Where an operation of the outdated group is gone, its twin serves (API reference 1.6, 7.10). */
static bool take_other_path(cab_call *c) {
    if (c->other_path == NULL) {
        return false;
    }
    cab_buf_clear(&c->path);
    if (!cab_buf_puts(&c->path, c->other_path)) {
        return false;
    }
    (void)snprintf(c->operation, sizeof c->operation, "%s", c->other_operation);
    c->other_path = NULL;
    c->client->starts_by_twin = true;
    return true;
}

static double remaining_seconds(const cab_call *c, int64_t now_ms) {
    return c->deadline_ms == INT64_MAX ? HUGE_VAL : (double)(c->deadline_ms - now_ms) / 1000.0;
}

cab_next cab_call_judge(cab_call *c, const cab_reading *body, int64_t now_ms, double random) {
    cab_answer *a = cab_call_answer(c);
    if (a == NULL || c->judged) {
        return CAB_NEXT_END;
    }
    name_the_limit(c, a, now_ms);
    cab_ending f = {c->op,     a->error.kind, a->error.reason, a->sent,
                    a->status, body->says,    body->failed,    body->body_problem};
    if (c->any_status && a->error.kind == CAB_KIND_NONE) {
        c->verdict =
            (cab_verdict){CAB_KIND_NONE, CAB_REASON_NONE, CAB_OUTCOME_STARTED, CAB_AGAIN_NEVER};
    } else {
        c->verdict = cab_classify(&f);
    }
    if (a->error.kind != CAB_KIND_NONE) {
        c->error = a->error;
    } else { /* the rest of it is half a kibibyte that a good answer does not need */
        c->error.field[0] = c->error.message[0] = '\0';
    }
    c->error.kind = c->verdict.kind;
    c->error.reason = c->verdict.reason;
    bool later = c->verdict.again == CAB_AGAIN_LATER;
    c->retryable =
        later || (c->verdict.kind == CAB_KIND_TIMEOUT && (c->op == CAB_OP_READ || !a->sent));
    if (c->verdict.again == CAB_AGAIN_RENEWED && c->refused == NULL && !c->cancelled &&
        c->identity != NULL && !c->identity->fixed) {
        c->refused = cab_credentials_ref(c->credentials);
        cab_identity_refuse(c->identity, c->credentials);
        return CAB_NEXT_PARK;
    }
    if (body->says == CAB_SAYS_NO_SUCH_API && a->status == 404 && !c->cancelled &&
        take_other_path(c)) {
        return CAB_NEXT_NOW;
    }
    /* Pieces of a streamed body are with the caller already: another attempt would repeat them. */
    bool spent = c->stream && a->status >= 200 && a->status < 300;
    if (later && !spent && !c->cancelled) {
        if (try_next_endpoint(c, a)) {
            return CAB_NEXT_NOW;
        }
        cab_retry_case rc = {c->attempts, true, cab_answer_retry_after(a, cab_clock_utc()),
                             remaining_seconds(c, now_ms), random};
        double delay = cab_retry_delay(&c->retry, &rc);
        if (delay >= 0) {
            c->delay_ms = (int64_t)ceil(delay * 1000);
            c->endpoints_failed = 0; /* after a pause each may be asked once more */
            return CAB_NEXT_WAIT;
        }
    }
    c->judged = true;
    return CAB_NEXT_END;
}
