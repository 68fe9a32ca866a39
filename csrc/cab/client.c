#include "cab/client.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cab/clock.h"
#include "cab/crypto.h"

/* Streams carried by one HTTP/2 connection; calls beyond wait in our queue, where they are free. */
#define STREAMS_PER_CONNECTION 100
/* Handles in the engine at once whatever the connections allow: each more costs libcurl time. */
#define MAX_IN_ENGINE 1024

/* ---- the process ---------------------------------------------------------------------------- */

static pthread_once_t watch_once = PTHREAD_ONCE_INIT;
static volatile unsigned fork_count;

static void on_fork_in_child(void) { fork_count++; }
static void watch_forks(void) { (void)pthread_atfork(NULL, NULL, on_fork_in_child); }

bool cab_client_forked(const cab_client *c) { return c->fork_count != fork_count; }

/* ---- lists ---------------------------------------------------------------------------------- */

static void list_add(cab_call_list *l, cab_call *c) {
    c->next = NULL;
    c->prev = l->last;
    if (l->last != NULL) {
        l->last->next = c;
    } else {
        l->first = c;
    }
    l->last = c;
}

static void list_remove(cab_call_list *l, cab_call *c) {
    if (c->prev != NULL) {
        c->prev->next = c->next;
    } else {
        l->first = c->next;
    }
    if (c->next != NULL) {
        c->next->prev = c->prev;
    } else {
        l->last = c->prev;
    }
    c->next = c->prev = NULL;
}

static void park(cab_identity *i, cab_call *c) {
    cab_call_list l = {i->first, i->last};
    list_add(&l, c);
    i->first = l.first;
    i->last = l.last;
}

static void unpark(cab_identity *i, cab_call *c) {
    cab_call_list l = {i->first, i->last};
    list_remove(&l, c);
    i->first = l.first;
    i->last = l.last;
}

/* Takes the call out of whatever its state keeps it in. */
static void leave_state(cab_client *c, cab_call *call) {
    cab_timers_clear(&c->timers, &call->timer);
    switch (call->state) {
    case CAB_CALL_QUEUED:
        list_remove(&c->queued, call);
        break;
    case CAB_CALL_PARKED:
        unpark(call->identity, call);
        break;
    case CAB_CALL_ADMITTING:
        list_remove(&c->admitting, call);
        break;
    case CAB_CALL_WORKING:
        list_remove(&c->working, call);
        break;
    case CAB_CALL_WAITING:
        list_remove(&c->waiting, call);
        break;
    case CAB_CALL_FLYING:
        list_remove(&c->flying, call);
        c->flying_count--;
        break;
    case CAB_CALL_ANSWERED:
        list_remove(&c->answered, call);
        break;
    case CAB_CALL_NEW:
    case CAB_CALL_DONE:
        break;
    }
}

static void enter_state(cab_client *c, cab_call *call, cab_call_state state) {
    leave_state(c, call);
    call->state = state;
    switch (state) {
    case CAB_CALL_QUEUED:
        list_add(&c->queued, call);
        break;
    case CAB_CALL_PARKED:
        park(call->identity, call);
        break;
    case CAB_CALL_ADMITTING:
        list_add(&c->admitting, call);
        c->admissions++;
        break;
    case CAB_CALL_WORKING:
        list_add(&c->working, call);
        break;
    case CAB_CALL_WAITING:
        list_add(&c->waiting, call);
        break;
    case CAB_CALL_FLYING:
        list_add(&c->flying, call);
        c->flying_count++;
        break;
    case CAB_CALL_ANSWERED:
        list_add(&c->answered, call);
        break;
    case CAB_CALL_NEW:
    case CAB_CALL_DONE:
        break;
    }
    bool waits =
        state == CAB_CALL_QUEUED || state == CAB_CALL_PARKED || state == CAB_CALL_ADMITTING;
    if (waits && call->deadline_ms != INT64_MAX) {
        cab_timers_set(&c->timers, &call->timer, call->deadline_ms);
    }
}

/* ---- life ----------------------------------------------------------------------------------- */

void cab_client_options_free(cab_client_options *o) {
    for (size_t i = 0; i < o->endpoint_count; i++) {
        cab_endpoint_free(&o->endpoints[i]);
    }
    o->endpoint_count = 0;
    cab_identity_unref(o->identity);
    o->identity = NULL;
    cab_buf_free(&o->headers);
    cab_buf_free(&o->secrets);
}

cab_client *cab_client_new(const cab_client_options *options, const cab_engine_options *engine,
                           cab_error *err) {
    (void)pthread_once(&watch_once, watch_forks);
    if (!cab_engine_global_init(err)) {
        return NULL;
    }
    cab_client *c = calloc(1, sizeof *c);
    if (c == NULL) {
        cab_fail_memory(err);
        return NULL;
    }
    c->engine = cab_engine_new(engine, err);
    if (c->engine == NULL) {
        free(c);
        return NULL;
    }
    uint64_t seed = 0;
    if (!cab_random(&seed, sizeof seed)) {
        seed = (uint64_t)cab_clock_ms();
    }
    c->random = seed != 0 ? seed : 1;
    c->options = *options;
    c->fork_count = fork_count;
    return c;
}

static void release_attempt(cab_client *c, cab_call *call) {
    if (call->transfer != NULL) {
        cab_transfer_release(c->engine, call->transfer);
        call->transfer = NULL;
    }
    cab_credentials_unref(call->credentials);
    call->credentials = NULL;
}

/* Does something to all of a call's buffers. */
static void each_buf(cab_call *call, void (*f)(cab_buf *)) {
    cab_buf *bufs[] = {&call->path, &call->query,     &call->body,    &call->headers,
                       &call->note, &call->signature, &call->scratch, &call->secrets};
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++) {
        f(bufs[i]);
    }
}

/* Forgets what the call asked for, keeps the memory for the next one. */
static void reset(cab_call *call) {
    cab_identity_unref(call->identity);
    call->identity = NULL;
    cab_credentials_unref(call->credentials);
    call->credentials = NULL;
    cab_credentials_unref(call->refused);
    call->refused = NULL;
    if (call->work != NULL) {
        call->work->free(call->work);
        call->work = NULL;
    }
    cab_endpoint_free(&call->elsewhere);
    each_buf(call, cab_buf_wipe);
}

static void call_free(cab_call *call) {
    reset(call);
    each_buf(call, cab_buf_free);
    free(call);
}

static void drop_calls(cab_client *c) {
    for (size_t i = 0; i < c->slots; i++) {
        cab_call *call = c->calls[i];
        leave_state(c, call);
        call->transfer = NULL; /* the engine frees its own */
        call->state = CAB_CALL_DONE;
        call->client = NULL;
        if (!call->owned) {
            call_free(call);
        }
    }
    free(c->calls);
}

void cab_client_free(cab_client *c) {
    if (c == NULL) {
        return;
    }
    if (cab_client_forked(c)) {
        /* Cleaning up would write on the parent's connections. */
        cab_engine_abandon(c->engine);
        return;
    }
    cab_worker_free(c->worker); /* first: it works with what the calls hold */
    drop_calls(c);
    cab_engine_free(c->engine);
    cab_timers_free(&c->timers);
    cab_client_options_free(&c->options);
    cab_buf_free(&c->url);
    free(c->events);
    free(c);
}

/* ---- jitter --------------------------------------------------------------------------------- */

/* A number in [0, 1). */
static double next_random(cab_client *c) {
    uint64_t x = c->random; /* xorshift64*: good enough to spread clients out */
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    c->random = x;
    return (double)((x * 0x2545F4914F6CDD1DULL) >> 11) * 0x1.0p-53;
}

/* ---- events --------------------------------------------------------------------------------- */

static void tell(cab_client *c, cab_event_type type, const cab_call *call, double delay) {
    if (!c->options.events) {
        return;
    }
    if (c->event_count == c->event_cap) {
        size_t cap = c->event_cap == 0 ? 16 : c->event_cap * 2;
        cab_event *longer = realloc(c->events, cap * sizeof *longer);
        if (longer == NULL) {
            return; /* an event lost is better than a call lost */
        }
        c->events = longer;
        c->event_cap = cap;
    }
    cab_event *e = &c->events[c->event_count++];
    memset(e, 0, sizeof *e);
    e->type = type;
    e->slot = call->slot;
    (void)snprintf(e->operation, sizeof e->operation, "%s", call->operation);
    e->attempt = call->attempts;
    e->delay = delay;
    if (call->transfer != NULL && type != CAB_EVENT_REQUEST) {
        const cab_answer *a = cab_transfer_answer(call->transfer);
        e->status = a->status;
        e->kind = type == CAB_EVENT_RETRY ? call->verdict.kind : a->error.kind;
        e->reason = type == CAB_EVENT_RETRY ? call->verdict.reason : a->error.reason;
        e->elapsed = a->timings.total;
    }
}

/* ---- calls ---------------------------------------------------------------------------------- */

static cab_call *call_new(cab_client *c) {
    if (c->slots == c->slots_cap) {
        size_t cap = c->slots_cap == 0 ? 16 : c->slots_cap * 2;
        cab_call **calls = realloc(c->calls, cap * sizeof(cab_call *));
        if (calls == NULL) {
            return NULL;
        }
        c->calls = calls;
        c->slots_cap = cap;
    }
    cab_call *call = cab_timers_reserve(&c->timers, c->slots + 1) ? calloc(1, sizeof *call) : NULL;
    if (call != NULL) {
        call->client = c;
        c->calls[c->slots++] = call;
        call->slot = c->slots;
    }
    return call;
}

cab_call *cab_client_acquire(cab_client *c) {
    cab_call *call = c->spare.first;
    if (call != NULL) {
        list_remove(&c->spare, call);
    } else {
        call = call_new(c);
        if (call == NULL) {
            return NULL;
        }
    }
    call->state = CAB_CALL_NEW;
    call->owned = true;
    call->op = CAB_OP_READ;
    call->has_body = call->any_status = call->stream = call->sleeps = false;
    call->no_client_headers = call->asks_admission = call->admitted = false;
    call->other_path = NULL;
    call->work_blocked = false;
    call->delay_ms = 0;
    call->timeout = c->options.timeout;
    call->connect_timeout = c->options.connect_timeout;
    call->deadline = c->options.deadline;
    call->retry = c->options.retry;
    call->identity = cab_identity_ref(c->options.identity);
    call->attempts = 0;
    call->endpoint = c->endpoint;
    call->endpoints_failed = 0;
    call->granted = call->cancelled = call->judged = false;
    call->deadline_bound = false;
    call->error.kind = CAB_KIND_NONE;
    call->verdict.kind = CAB_KIND_NONE;
    call->verdict.outcome = CAB_OUTCOME_NOT_STARTED;
    call->retryable = false;
    return call;
}

static void wake(cab_client *c) {
    if (c->exported && !cab_client_forked(c)) { /* it is the parent who sleeps */
        cab_engine_wake(c->engine);
    }
}

/* ---- work ----------------------------------------------------------------------------------- */

static void end_work(cab_client *c, cab_call *call) {
    call->work->done(call->work);
    call->error = call->work->error;
    call->verdict = (cab_verdict){call->error.kind, call->error.reason, CAB_OUTCOME_NOT_STARTED,
                                  CAB_AGAIN_NEVER};
    enter_state(c, call, CAB_CALL_ANSWERED);
}

static void start_work(cab_client *c, cab_call *call) {
    if (c->worker == NULL) {
        c->worker = cab_worker_new(cab_engine_wake_fd(c->engine));
    }
    call->work->owner = call;
    enter_state(c, call, CAB_CALL_WORKING);
    if (c->worker != NULL) {
        cab_worker_submit(c->worker, call->work);
    } else {
        call->work_blocked = true;
        call->work->run(call->work);
        end_work(c, call);
    }
}

static void collect_work(cab_client *c) {
    cab_work *work;
    while (c->working.first != NULL && (work = cab_worker_next_done(c->worker)) != NULL) {
        end_work(c, work->owner);
    }
}

void cab_client_submit(cab_client *c, cab_call *call) {
    call->started_ms = cab_clock_ms();
    call->deadline_ms =
        call->deadline > 0 ? call->started_ms + (int64_t)ceil(call->deadline * 1000) : INT64_MAX;
    c->open++;
    if (call->work != NULL) {
        start_work(c, call);
    } else if (call->sleeps) {
        enter_state(c, call, CAB_CALL_WAITING);
        cab_timers_set(&c->timers, &call->timer, call->started_ms + call->delay_ms);
    } else {
        enter_state(c, call, CAB_CALL_QUEUED);
    }
    wake(c);
}

void cab_client_release(cab_client *c, cab_call *call) {
    call->owned = false;
    if (call->client == NULL) {
        call_free(call); /* the client went first */
    } else if (call->state == CAB_CALL_NEW || call->state == CAB_CALL_DONE) {
        reset(call);
        call->state = CAB_CALL_DONE;
        list_add(&c->spare, call);
    }
}

void cab_client_cancel(cab_client *c, cab_call *call) {
    if (call->state == CAB_CALL_DONE || call->state == CAB_CALL_NEW ||
        call->state == CAB_CALL_WORKING) { /* what a thread does is not broken off */
        return;
    }
    if (call->state == CAB_CALL_ANSWERED) {
        call->cancelled = true; /* what has come is not thrown away */
        return;
    }
    if (call->state == CAB_CALL_FLYING) {
        cab_transfer_abort(c->engine, call->transfer);
        (void)cab_fail(&cab_call_answer(call)->error, CAB_KIND_CANCELLED, CAB_REASON_NONE, NULL,
                       "the call was cancelled");
    } else {
        cab_call_fail(call, CAB_KIND_CANCELLED, CAB_REASON_NONE, "the call was cancelled");
    }
    enter_state(c, call, CAB_CALL_ANSWERED);
    wake(c);
}

void cab_client_cancel_all(cab_client *c) {
    if (c->working.first != NULL) {
        cab_worker_drain(c->worker);
        collect_work(c);
    }
    for (size_t i = 0; i < c->slots; i++) {
        cab_client_cancel(c, c->calls[i]);
    }
}

void cab_client_wake(cab_client *c) { wake(c); }

/* ---- moving --------------------------------------------------------------------------------- */

/* Credentials for the attempt; false: there are none yet, and the call waits for them. */
static bool take_credentials(cab_client *c, cab_call *call, int64_t now_ms) {
    if (call->identity != NULL) {
        bool usable = cab_identity_ready(call->identity, now_ms) ||
                      (call->granted && call->identity->current != NULL && !call->identity->stale);
        call->granted = false;
        if (!usable) {
            c->parked_now = true;
            enter_state(c, call, CAB_CALL_PARKED);
            return false;
        }
        call->credentials = cab_credentials_ref(call->identity->current);
    }
    return true;
}

static void begin(cab_client *c, cab_call *call, int64_t now_ms) {
    /* What was admitted is this attempt, with the credentials that it had then. */
    if (!call->admitted && !take_credentials(c, call, now_ms)) {
        return;
    }
    if (call->asks_admission && !call->admitted) {
        c->parked_now = true;
        enter_state(c, call, CAB_CALL_ADMITTING);
        return;
    }
    if (!cab_call_attempt(call, now_ms)) {
        release_attempt(c, call);
        cab_error e = call->error;
        cab_call_fail(call, e.kind, e.reason, "%s", e.message);
        call->error = e; /* its field, too */
        enter_state(c, call, CAB_CALL_ANSWERED);
        return;
    }
    enter_state(c, call, CAB_CALL_FLYING);
    tell(c, CAB_EVENT_REQUEST, call, 0);
    if (call->stream) {
        cab_timers_set(&c->timers, &call->timer, now_ms + (int64_t)(call->timeout * 1000));
    }
}

static size_t capacity(const cab_client *c) {
    size_t n = c->options.max_connections;
    if (cab_engine_multiplexes(c->engine)) {
        n *= STREAMS_PER_CONNECTION;
    }
    n = n < MAX_IN_ENGINE ? n : MAX_IN_ENGINE;
    return c->options.max_in_flight > 0 && c->options.max_in_flight < n ? c->options.max_in_flight
                                                                        : n;
}

static void dispatch(cab_client *c) {
    if (c->queued.first == NULL) {
        return;
    }
    int64_t now = cab_clock_ms();
    size_t room = capacity(c);
    while (c->queued.first != NULL && c->flying_count < room) {
        begin(c, c->queued.first, now);
    }
}

/* Silence is what a look at the socket found, not that nobody looked. */
static void on_silence(cab_client *c, cab_call *call, int64_t now_ms) {
    int64_t limit = cab_transfer_last_byte_ms(call->transfer) + (int64_t)(call->timeout * 1000);
    if (limit > c->looked_ms) {
        cab_timers_set(&c->timers, &call->timer, limit > now_ms ? limit : now_ms + 1);
        return;
    }
    cab_transfer_abort(c->engine, call->transfer);
    call->silent = true;
    (void)cab_fail(&cab_call_answer(call)->error, CAB_KIND_TIMEOUT, CAB_REASON_TIMEOUT, NULL,
                   "the answer fell silent for %g s", call->timeout);
    enter_state(c, call, CAB_CALL_ANSWERED);
}

static void fire_timers(cab_client *c) {
    cab_timer *t = cab_timers_first(&c->timers);
    if (t == NULL) {
        return;
    }
    int64_t now = cab_clock_ms();
    for (; t != NULL && t->at_ms <= now; t = cab_timers_first(&c->timers)) {
        cab_call *call = (cab_call *)(void *)t;
        if (call->state == CAB_CALL_FLYING) {
            on_silence(c, call, now);
        } else if (call->state == CAB_CALL_WAITING && call->sleeps) {
            enter_state(c, call, CAB_CALL_ANSWERED);
        } else if (call->state == CAB_CALL_WAITING) {
            enter_state(c, call, CAB_CALL_QUEUED);
        } else {
            cab_call_fail(call, CAB_KIND_TIMEOUT, CAB_REASON_DEADLINE,
                          "the deadline of %g s passed before the request was sent%s",
                          call->deadline, call->attempts > 0 ? " again" : "");
            enter_state(c, call, CAB_CALL_ANSWERED);
        }
    }
}

static int64_t timers_due_ms(const cab_client *c) {
    const cab_timer *t = cab_timers_first(&c->timers);
    if (t == NULL) {
        return -1;
    }
    int64_t left = t->at_ms - cab_clock_ms();
    return left > 0 ? left : 0;
}

static int64_t sooner(int64_t a, int64_t b) { return a < 0 ? b : b < 0 ? a : a < b ? a : b; }

static void collect(cab_client *c) {
    cab_transfer *t;
    while ((t = cab_engine_next_ended(c->engine)) != NULL) {
        cab_call *call = cab_transfer_owner(t);
        enter_state(c, call, CAB_CALL_ANSWERED);
        tell(c, CAB_EVENT_RESPONSE, call, 0);
    }
}

void cab_client_step(cab_client *c, int64_t wait_ms) {
    c->parked_now = false;
    fire_timers(c);
    dispatch(c);
    if (c->answered.first != NULL || c->parked_now ||
        (c->flying_count == 0 && c->working.first == NULL &&
         cab_timers_first(&c->timers) == NULL)) {
        wait_ms = 0;
    }
    int64_t due_ms = timers_due_ms(c);
    c->looked_ms = due_ms >= 0 ? cab_clock_ms() : 0; /* without timers nobody asks */
    cab_engine_step(c->engine, sooner(wait_ms, due_ms));
    collect(c);
    collect_work(c);
    fire_timers(c);
}

cab_call *cab_client_next_answered(cab_client *c) { return c->answered.first; }

bool cab_client_judge(cab_client *c, cab_call *call, const cab_reading *body) {
    int64_t now = cab_clock_ms();
    bool first = !call->judged && call->transfer != NULL;
    cab_next next = cab_call_judge(call, body, now, first ? next_random(c) : 0);
    if (next == CAB_NEXT_END) {
        call->elapsed = (double)(now - call->started_ms) / 1000.0;
        return true;
    }
    double delay = next == CAB_NEXT_WAIT ? (double)call->delay_ms / 1000.0 : 0;
    tell(c, CAB_EVENT_RETRY, call, delay);
    if (next == CAB_NEXT_NOW) {
        c->endpoint = call->endpoint;
    }
    release_attempt(c, call);
    if (next == CAB_NEXT_WAIT) {
        enter_state(c, call, CAB_CALL_WAITING);
        cab_timers_set(&c->timers, &call->timer, now + call->delay_ms);
    } else {
        enter_state(c, call, CAB_CALL_QUEUED); /* parks itself while credentials are missing */
    }
    return false;
}

void cab_client_finish(cab_client *c, cab_call *call) {
    release_attempt(c, call);
    enter_state(c, call, CAB_CALL_DONE);
    c->open--;
    if (!call->owned) {
        cab_client_release(c, call);
    }
}

cab_call *cab_client_next_streaming(cab_client *c) {
    cab_transfer *t = cab_engine_next_streaming(c->engine);
    return t != NULL ? cab_transfer_owner(t) : NULL;
}

/* ---- credentials ---------------------------------------------------------------------------- */

void cab_client_unpark(cab_identity *i) {
    while (i->first != NULL) {
        cab_call *call = i->first;
        call->granted = true;
        enter_state(call->client, call, CAB_CALL_QUEUED);
        wake(call->client);
    }
}

void cab_client_admit(cab_client *c, cab_call *call, double date) {
    call->admitted = true;
    call->admitted_at = date;
    enter_state(c, call, CAB_CALL_QUEUED);
    wake(c);
}

bool cab_client_is_stuck(const cab_client *c) {
    return c->flying_count == 0 && c->queued.first == NULL && c->waiting.first == NULL &&
           c->answered.first == NULL;
}

void cab_client_fail_parked(cab_identity *i) {
    while (i->first != NULL) {
        cab_call *call = i->first;
        cab_call_fail(call, CAB_KIND_AUTH, CAB_REASON_NONE,
                      "there are no credentials: signing in failed, or nobody did");
        enter_state(call->client, call, CAB_CALL_ANSWERED);
        wake(call->client);
    }
}

/* ---- one descriptor ------------------------------------------------------------------------- */

int cab_client_fd(cab_client *c) {
    c->exported = true;
    return cab_engine_fd(c->engine);
}

int64_t cab_client_timeout_ms(const cab_client *c) {
    if (c->answered.first != NULL || (c->queued.first != NULL && c->flying_count < capacity(c))) {
        return 0;
    }
    return sooner(cab_engine_timeout_ms(c->engine), timers_due_ms(c));
}
