#include "cab/call.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cab/clock.h"
#include "cab/locale.h"
#include "cab/sign.h"
#include "cab/texts.h"

/* libcurl asks "Expect: 100-continue" from 1 MiB on; a line less for all others. */
#define EXPECTING_BODY (64 * 1024)

/* ---- life ----------------------------------------------------------------------------------- */

const char *cab_call_state_name(cab_call_state state) {
    static const char *const names[] = {
        [CAB_CALL_NEW] = "new",
        [CAB_CALL_QUEUED] = "queued",
        [CAB_CALL_PARKED] = "parked",
        [CAB_CALL_ADMITTING] = "admitting",
        [CAB_CALL_WORKING] = "working",
        [CAB_CALL_WAITING] = "waiting",
        [CAB_CALL_IN_FLIGHT] = "in_flight",
        [CAB_CALL_ANSWERED] = "answered",
        [CAB_CALL_DONE] = "done",
    };
    return names[state];
}

void cab_call_prepare(cab_call *call, const cab_client_options *options) {
    memset(call, 0, offsetof(cab_call, client));
    call->error.kind = CAB_KIND_NONE;
    call->error.reason = CAB_REASON_NONE;
    call->error.field[0] = call->error.message[0] = '\0';
    call->op = CAB_OP_READ;
    call->owned = true;
    call->timeout = options->timeout;
    call->connect_timeout = options->connect_timeout;
    call->deadline = options->deadline;
    call->retry = options->retry;
    call->identity = cab_identity_ref(options->identity);
}

/* Does something to those of a call's buffers that have memory. */
static void each_buf(cab_call *call, void (*f)(cab_buf *)) {
    cab_buf *bufs[] = {&call->path,    &call->query,   &call->body,
                       &call->headers, &call->note,    &call->signature,
                       &call->scratch, &call->secrets, &call->trust_texts};
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++) {
        if (bufs[i]->cap > 0) {
            f(bufs[i]);
        }
    }
}

void cab_call_forget(cab_call *call) {
    cab_identity_unref(call->identity);
    call->identity = NULL;
    cab_credentials_unref(call->credentials);
    call->credentials = NULL;
    if (call->work != NULL) {
        call->work->free(call->work);
        call->work = NULL;
    }
    if (call->elsewhere.base != NULL) {
        cab_endpoint_free(&call->elsewhere);
    }
    each_buf(call, cab_buf_wipe);
}

void cab_call_free(cab_call *call) {
    cab_call_forget(call);
    each_buf(call, cab_buf_free);
    free(call);
}

void cab_call_fail(cab_call *call, cab_kind kind, cab_reason reason, const char *fmt, ...) {
    char text[sizeof call->error.message];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    cab_fail(&call->error, kind, reason, NULL, "%s", text);
    call->verdict = (cab_verdict){kind, reason, CAB_OUTCOME_NOT_STARTED, CAB_AGAIN_NEVER};
    call->retryable = kind == CAB_KIND_TIMEOUT;
    call->judged = false;
}

cab_answer *cab_call_answer(cab_call *call) {
    return call->transfer != NULL ? cab_transfer_answer(call->transfer) : NULL;
}

/* ---- what an attempt sends ------------------------------------------------------------------ */

static const cab_endpoint *endpoint_of(const cab_call_env *env, const cab_call *call) {
    return call->elsewhere.base != NULL ? &call->elsewhere
                                        : &env->options->endpoints[call->endpoint];
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
    for (const char *line = NULL; (line = cab_texts_next(lines, line)) != NULL;) {
        if (only == NULL || cab_same_n(line, only, strlen(only))) {
            add_line(r, line);
        }
    }
}

static cab_text text_of(const char *s) { return (cab_text){s, s != NULL ? strlen(s) : 0}; }

static cab_pair pair_of_line(const char *line) {
    size_t len = name_length(line);
    const char *value = line + len + (line[len] == ':');
    value += strspn(value, " \t");
    return (cab_pair){{line, len}, text_of(value)};
}

/* Writes the headers that the signer adds into call->signature as lines, and puts them into the
 * request. */
static bool add_signed_lines(cab_call *call, const cab_sign_output *out, cab_request *r) {
    size_t need = 0;
    for (size_t i = 0; i < out->header_count; i++) {
        need += out->headers[i].name.len + out->headers[i].value.len + 3;
    }
    cab_buf_clear(&call->signature);
    if (!cab_buf_reserve(&call->signature, need)) {
        return cab_fail_memory(&call->error);
    }
    for (size_t i = 0; i < out->header_count; i++) {
        if (out->headers[i].added && r->header_count < CAB_MAX_HEADERS) {
            const char *line = call->signature.data + call->signature.len;
            (void)cab_buf_append(&call->signature, out->headers[i].name.data,
                                 out->headers[i].name.len);
            (void)cab_buf_append(&call->signature, ": ", 2);
            (void)cab_buf_append(&call->signature, out->headers[i].value.data,
                                 out->headers[i].value.len);
            (void)cab_buf_append(&call->signature, "", 1);
            r->headers[r->header_count++] = line;
        }
    }
    return true;
}

/* Signs the request as it stands. On its own: with its room on their stack, all that calls without
 * a signature touch would lie kilobytes apart. */
__attribute__((noinline)) static bool sign(const cab_endpoint *ep, cab_call *call, cab_request *r,
                                           double utc) {
    const cab_credentials *k = call->credentials;
    cab_pair headers[CAB_MAX_HEADERS];
    size_t count = 0;
    for (size_t i = 0; i < r->header_count; i++) {
        cab_pair pair = pair_of_line(r->headers[i]);
        if (pair.value.len > 0) { /* "Expect:" tells libcurl to leave that header out */
            headers[count++] = pair;
        }
    }
    char date[17];
    cab_clock_sdk_date(utc, date);
    cab_buf_clear(&call->signature);
    if (!cab_buf_puts(&call->signature, ep->path) ||
        !cab_buf_append(&call->signature, call->path.data, call->path.len)) {
        return cab_fail_memory(&call->error);
    }
    cab_sign_input in = {
        .algorithm = k->algorithm,
        .region = text_of(k->region),
        .service = text_of(k->service),
        .ak = text_of(k->ak),
        .sk = text_of(k->sk),
        .security_token = text_of(k->security_token),
        .project_id = text_of(k->project_id),
        .method = text_of(call->method),
        .host = text_of(ep->host),
        .path = {call->signature.data, call->signature.len},
        .query = {call->query.data, call->query.len},
        .headers = headers,
        .header_count = count,
        .body = {call->body.data, call->has_body ? call->body.len : 0},
        .date = {date, 16},
    };
    cab_sign_output out;
    if (!cab_sign_request(&in, &call->scratch, &out, &call->error)) {
        return false;
    }
    call->canonical_request = out.canonical_request;
    return add_signed_lines(call, &out, r);
}

/* The engine copies it, so that all calls of a client share the memory. */
static bool set_url(const cab_call_env *env, const cab_call *call) {
    cab_buf *url = env->url;
    cab_buf_clear(url);
    return cab_buf_puts(url, endpoint_of(env, call)->base) &&
           cab_buf_append(url, call->path.data, call->path.len) &&
           (call->query.len == 0 || (cab_buf_append(url, "?", 1) &&
                                     cab_buf_append(url, call->query.data, call->query.len)));
}

/* For libcurl, where 0 means no limit: time that is over is a limit still. */
static long whole_ms(double ms) {
    return isinf(ms) ? 0 : ms < 1 ? 1 : ms > INT_MAX ? INT_MAX : (long)ceil(ms);
}

/* The trust of a call that has its own, or NULL. */
static const cab_trust *trust_of(cab_call *call) {
    cab_trust *trust = &call->trust;
    const char **texts[] = {&trust->ca_file,  &trust->ca_path,      &trust->cert_file,
                            &trust->key_file, &trust->key_password, &trust->pinned_public_key};
    const char *p = call->trust_texts.data;
    if (!call->has_trust) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        *texts[i] = *p != '\0' ? p : NULL;
        p += strlen(p) + 1;
    }
    return trust;
}

static void set_limits(cab_call *call, cab_request *r, int64_t now_ms) {
    double limit_ms =
        call->stream ? HUGE_VAL : call->timeout * 1000; /* a stream's silence has a timer */
    double left_ms =
        call->deadline_ms == INT64_MAX ? HUGE_VAL : (double)(call->deadline_ms - now_ms);
    call->deadline_bound = left_ms < limit_ms;
    call->connect_bound = call->connect_timeout * 1000 < fmin(limit_ms, left_ms);
    r->timeout_ms = whole_ms(call->deadline_bound ? left_ms : limit_ms);
    r->connect_timeout_ms = whole_ms(call->connect_timeout * 1000);
}

/* A proxy elsewhere could not reach this machine's own address, but would see the token. */
static bool goes_direct(const cab_call_env *env, const cab_call *call) {
    return call->direct || (endpoint_of(env, call)->loopback && !env->options->proxy_loopback);
}

/* That of a client's endpoint is nearly always the one: it is looked for once. */
bool cab_call_find_host(const cab_call_env *env, cab_call *call) {
    bool usual = call->elsewhere.base == NULL && !call->direct && !call->has_trust && !call->bytes;
    call->host = usual ? env->hosts[call->endpoint] : NULL;
    if (call->host == NULL) {
        const cab_endpoint *ep = endpoint_of(env, call);
        const cab_host_key key = {ep->host, ep->https, goes_direct(env, call), call->has_trust,
                                  call->bytes};
        call->host = cab_engine_host(env->engine, &key);
        if (usual && call->host != NULL) {
            call->host->kept = true;
            env->hosts[call->endpoint] = call->host;
        }
    }
    return call->host != NULL;
}

bool cab_call_attempt(const cab_call_env *env, cab_call *call, int64_t now_ms) {
    const cab_endpoint *ep = endpoint_of(env, call);
    const char *headers[CAB_MAX_HEADERS];
    cab_request r = {.headers = headers};
    r.host = call->host;
    r.method = call->method;
    /* What changes something has a body, of no bytes if need be: proxies want to know its length.
     */
    bool sends_body = call->has_body || strcmp(call->method, "GET") != 0;
    r.body = sends_body ? (call->body.data != NULL ? call->body.data : "") : NULL;
    r.body_len = call->body.len;
    r.direct = goes_direct(env, call);
    r.trust = trust_of(call);
    r.once = call->op != CAB_OP_READ;
    r.stream = call->stream;
    r.now_ms = now_ms;
    r.max_body = env->options->max_response_bytes;
    call->attempts++;
    call->judged = call->silent = false;
    call->canonical_request.len = 0;
    if (!set_url(env, call)) {
        return cab_fail_memory(&call->error);
    }
    r.url = env->url->data;
    r.bytes = call->bytes;
    add_lines(&r, &call->headers, NULL);
    /* To others than the service a client's headers say no more than who it is. */
    add_lines(&r, &env->options->headers, call->no_client_headers ? "User-Agent:" : NULL);
    r.part = r.bytes && has_header(&r, "Range:");
    if (sends_body) {
        /* Never left out: libcurl would call it form data. */
        add_line(&r, call->has_body || !call->no_client_headers ? "Content-Type: application/json"
                                                                : "Content-Type:");
        if (r.body_len > EXPECTING_BODY) {
            add_line(&r, "Expect:"); /* tells libcurl not to ask before it sends the body */
        }
    }
    if (call->credentials != NULL) {
        if (call->credentials->token_line != NULL) {
            add_line(&r, call->credentials->token_line);
        } else if (!sign(ep, call, &r, call->admitted ? call->admitted_at : cab_clock_utc())) {
            return false;
        }
    }
    call->admitted = false; /* that was for this attempt */
    set_limits(call, &r, now_ms);
    call->transfer = cab_engine_begin(env->engine, &r, call, &call->error);
    return call->transfer != NULL;
}

/* ---- what its end means --------------------------------------------------------------------- */

/* One reason stands for every limit; which one it was follows from what was set, and for the
 * deadline from the clock as libcurl may have seen it, not from when this step began. Its clock may
 * run a little faster than ours (CLOCK_MONOTONIC_RAW). */
__attribute__((cold)) static void name_the_limit(const cab_call *call, cab_answer *answer) {
    char seconds[40];
    double left = call->deadline_bound ? (double)(call->deadline_ms - cab_clock_ms()) : HUGE_VAL;
    if (call->silent) {
        cab_number_text(seconds, call->timeout);
        cab_fail(&answer->error, CAB_KIND_TIMEOUT, CAB_REASON_TIMEOUT, NULL,
                 "the answer fell silent for %s s", seconds);
    } else if (!answer->sent && left > 1 && call->connect_bound &&
               answer->error.reason == CAB_REASON_CONNECT_TIMEOUT) {
        cab_number_text(seconds, call->connect_timeout);
        cab_fail(&answer->error, CAB_KIND_TIMEOUT, CAB_REASON_CONNECT_TIMEOUT, NULL,
                 "no connection within %s s", seconds);
    } else if (call->deadline_bound) {
        cab_number_text(seconds, call->deadline);
        cab_fail(&answer->error, CAB_KIND_TIMEOUT, CAB_REASON_DEADLINE, NULL,
                 "the deadline of %s s passed %s", seconds,
                 answer->sent ? "before an answer came" : "before the request was sent");
    } else {
        cab_number_text(seconds, call->timeout);
        cab_fail(&answer->error, CAB_KIND_TIMEOUT, CAB_REASON_TIMEOUT, NULL, "no %s within %s s",
                 answer->sent ? "answer" : "connection", seconds);
    }
}

/* The official rule for several endpoints (API reference 5): only these two move on. */
static bool try_next_endpoint(size_t count, cab_call *call, const cab_answer *answer) {
    bool moves_on = answer->error.reason == CAB_REASON_RESOLVE ||
                    answer->error.reason == CAB_REASON_TLS_HANDSHAKE;
    if (call->elsewhere.base != NULL || answer->sent || !moves_on ||
        call->endpoints_failed + 1 >= count) {
        return false;
    }
    call->endpoints_failed++;
    call->endpoint = (call->endpoint + 1) % count;
    return true;
}

/* Where an operation of the outdated group is gone, its twin serves (API reference 1.6, 7.10). */
static bool take_other_path(cab_call *call) {
    if (call->other_path == NULL) {
        return false;
    }
    cab_buf_clear(&call->path);
    if (!cab_buf_puts(&call->path, call->other_path)) {
        return false;
    }
    (void)snprintf(call->operation, sizeof call->operation, "%s", call->other_operation);
    call->other_path = NULL;
    return true;
}

const char *cab_call_signature(const cab_call *call) {
    static const char before[] = "Signature=";
    for (const char *line = NULL; (line = cab_texts_next(&call->signature, line)) != NULL;) {
        const char *found = strstr(line, before);
        if (found != NULL) {
            return found + sizeof before - 1;
        }
    }
    return NULL;
}

/* Has a text masked for as long as the call lives. False: no memory. */
static bool keep_secret(cab_call *call, const char *secret) {
    if (secret == NULL) {
        return true;
    }
    for (const char *text = NULL; (text = cab_texts_next(&call->secrets, text)) != NULL;) {
        if (strcmp(text, secret) == 0) {
            return true;
        }
    }
    return cab_texts_add(&call->secrets, secret, strlen(secret));
}

/* What the attempt was sent with: the answer to another may repeat it. */
static bool keep_secrets(cab_call *call) {
    const cab_credentials *k = call->credentials;
    return k == NULL ||
           (keep_secret(call, cab_credentials_get_token(k)) && keep_secret(call, k->sk) &&
            keep_secret(call, k->security_token) && keep_secret(call, cab_call_signature(call)));
}

static double remaining_seconds(const cab_call *call, int64_t now_ms) {
    return call->deadline_ms == INT64_MAX ? HUGE_VAL
                                          : (double)(call->deadline_ms - now_ms) / 1000.0;
}

/* What comes after an attempt that is judged to have failed. */
__attribute__((cold)) static cab_next after_failure(const cab_call_env *env, cab_call *call,
                                                    const cab_answer *answer,
                                                    const cab_reading *body, int64_t now_ms,
                                                    double random) {
    bool later = call->verdict.again == CAB_AGAIN_LATER;
    call->retryable = later || (call->verdict.kind == CAB_KIND_TIMEOUT &&
                                (call->op == CAB_OP_READ || !answer->sent));
    /* Without memory for what is to be masked in what comes next, nothing does. */
    if (call->cancelled || !keep_secrets(call)) {
        return CAB_NEXT_END;
    }
    if (call->verdict.again == CAB_AGAIN_RENEWED && !call->renewed && call->identity != NULL &&
        !call->identity->fixed) {
        call->renewed = true;
        cab_identity_refuse(call->identity, call->credentials);
        return CAB_NEXT_PARK;
    }
    if (body->says == CAB_SAYS_NO_SUCH_API && answer->status == 404 && take_other_path(call)) {
        return CAB_NEXT_NOW;
    }
    /* Pieces of a streamed body are with the caller already: another attempt would repeat them. */
    bool spent = call->stream && answer->status >= 200 && answer->status < 300;
    if (!later || spent) {
        return CAB_NEXT_END;
    }
    if (try_next_endpoint(env->options->endpoint_count, call, answer)) {
        return CAB_NEXT_NOW;
    }
    cab_retry_case rc = {call->attempts, true, cab_answer_retry_after(answer, cab_clock_utc()),
                         remaining_seconds(call, now_ms), random};
    double delay = cab_retry_delay(&call->retry, &rc);
    if (delay < 0) {
        return CAB_NEXT_END;
    }
    call->delay_ms = (int64_t)ceil(delay * 1000);
    call->endpoints_failed = 0; /* after a pause each may be asked once more */
    return CAB_NEXT_WAIT;
}

cab_next cab_call_judge(const cab_call_env *env, cab_call *call, const cab_reading *body,
                        int64_t now_ms, double random) {
    cab_answer *answer = cab_call_answer(call);
    if (answer == NULL || call->judged) {
        return CAB_NEXT_END;
    }
    if (answer->error.kind == CAB_KIND_TIMEOUT) {
        name_the_limit(call, answer);
    }
    cab_ending ending = {
        call->op,     answer->error.kind, answer->error.reason,
        answer->sent, answer->status,     body->says,
        body->failed, body->body_problem, call->op == CAB_OP_START && cab_answer_age(answer) > 0};
    if (call->any_status && answer->error.kind == CAB_KIND_NONE) {
        call->verdict =
            (cab_verdict){CAB_KIND_NONE, CAB_REASON_NONE, CAB_OUTCOME_STARTED, CAB_AGAIN_NEVER};
    } else {
        call->verdict = cab_classify(&ending);
    }
    if (answer->error.kind != CAB_KIND_NONE) {
        call->error = answer->error;
    } else { /* the rest of it is half a kibibyte that a good answer does not need */
        call->error.field[0] = call->error.message[0] = '\0';
    }
    call->error.kind = call->verdict.kind;
    call->error.reason = call->verdict.reason;
    call->retryable = false;
    cab_next next = call->verdict.kind == CAB_KIND_NONE
                        ? CAB_NEXT_END
                        : after_failure(env, call, answer, body, now_ms, random);
    call->judged = next == CAB_NEXT_END;
    return next;
}
