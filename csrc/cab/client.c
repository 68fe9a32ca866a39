#include "cab/client.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>
#include <unistd.h>

#include "cab/clock.h"
#include "cab/crypto.h"
#include "cab/locale.h"

/* Handles in the engine at once whatever the connections allow: each more costs libcurl time. */
#define MAX_IN_ENGINE 1024
/* Attempts that one step with a limit begins, and while the engine is behind: what has begun comes
 * back to be moved, and connections that are made at once come back at the same time. */
#define BEGUN_AT_ONCE 16
#define BEGUN_WHEN_BEHIND 1

/* ---- the process ---------------------------------------------------------------------------- */

/* Each process that makes clients has a number, higher than those of the processes that it comes
 * of, and a fork leaves 0 in its place: by libc's handlers, which its own fork() alone runs, and,
 * as far as the kernel can (Linux 4.14), by a page that is empty after a fork of any kind. Once
 * made it stays, as other threads may look at it while the process ends. */
static pthread_once_t watch_once = PTHREAD_ONCE_INIT;
static atomic_uint last_number, kept_number;
static atomic_uint *number = &kept_number;

static void on_fork_in_child(void) { atomic_store(number, 0); }

static void watch_forks(void) {
#ifdef MADV_WIPEONFORK
    const size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED && madvise(page, size, MADV_WIPEONFORK) == 0) {
        number = page;
    } else if (page != MAP_FAILED) {
        (void)munmap(page, size);
    }
#endif
    (void)pthread_atfork(NULL, NULL, on_fork_in_child);
}

static unsigned number_process(void) {
    unsigned own = atomic_load(number);
    if (own == 0) { /* another thread may do the same */
        unsigned next = atomic_fetch_add(&last_number, 1) + 1;
        own = atomic_compare_exchange_strong(number, &own, next) ? next : own;
    }
    return own;
}

bool cab_client_forked(const cab_client *c) { return c->process != atomic_load(number); }

/* ---- into the queue -------------------------------------------------------------------------- */

static cab_call_env env_of(cab_client *c) {
    return (cab_call_env){&c->options, c->engine, &c->url, c->hosts};
}

/* Ends a call whose attempt could not begin; its `error` says why. */
static void fail_to_begin(cab_client *c, cab_call *call) {
    cab_error err = call->error;
    cab_call_fail(call, err.kind, err.reason, "%s", err.message);
    call->error = err; /* its field, too */
    cab_states_enter(&c->states, call, CAB_CALL_ANSWERED);
}

/* To where it waits until it may begin. */
static void enter_queue(cab_client *c, cab_call *call) {
    const cab_call_env env = env_of(c);
    if (cab_call_find_host(&env, call)) {
        cab_states_enter(&c->states, call, CAB_CALL_QUEUED);
    } else {
        cab_fail_memory(&call->error);
        fail_to_begin(c, call);
    }
}

/* ---- life ----------------------------------------------------------------------------------- */

cab_client *cab_client_new(const cab_client_options *options, const cab_engine_options *engine,
                           cab_error *err) {
    (void)pthread_once(&watch_once, watch_forks);
    if (!cab_engine_global_init(cab_client_options_want_tls(options), err)) {
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
    if (!cab_random(&c->random, sizeof c->random) || c->random == 0) {
        c->random = 1 + (uint64_t)cab_clock_ms();
    }
    c->options = *options;
    c->states.trace = options->trace;
    c->process = number_process();
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

static void drop_calls(cab_client *c) {
    for (size_t i = 0; i < c->slots; i++) {
        cab_call *call = c->calls[i];
        cab_states_leave(&c->states, call);
        call->transfer = NULL; /* the engine frees its own */
        call->state = CAB_CALL_DONE;
        call->client = NULL;
        if (!call->owned) {
            cab_call_free(call);
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
    cab_timers_free(&c->states.timers);
    cab_client_options_free(&c->options);
    cab_recent_free(&c->of_calls);
    cab_identity_unref(c->store);
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
    cab_event *event = &c->events[c->event_count++];
    memset(event, 0, sizeof *event);
    event->type = type;
    event->slot = call->slot;
    (void)snprintf(event->operation, sizeof event->operation, "%s", call->operation);
    event->attempt = call->attempts;
    event->delay = delay;
    if (call->transfer != NULL && type != CAB_EVENT_REQUEST) {
        const cab_answer *answer = cab_transfer_answer(call->transfer);
        event->status = answer->status;
        event->kind = type == CAB_EVENT_RETRY ? call->verdict.kind : answer->error.kind;
        event->reason = type == CAB_EVENT_RETRY ? call->verdict.reason : answer->error.reason;
        event->elapsed = answer->timings.total;
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
    cab_call *call =
        cab_timers_reserve(&c->states.timers, c->slots + 1) ? calloc(1, sizeof *call) : NULL;
    if (call != NULL) {
        call->client = c;
        c->calls[c->slots++] = call;
        call->slot = c->slots;
    }
    return call;
}

cab_call *cab_client_acquire(cab_client *c) {
    cab_call *call = CAB_CONTAINER_OF(c->spare.first, cab_call, link);
    if (call != NULL) {
        cab_list_remove(&c->spare, &call->link);
    } else {
        call = call_new(c);
        if (call == NULL) {
            return NULL;
        }
    }
    cab_call_prepare(call, &c->options);
    call->endpoint = c->endpoint;
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
    cab_states_enter(&c->states, call, CAB_CALL_ANSWERED);
}

static void start_work(cab_client *c, cab_call *call) {
    if (c->worker == NULL) {
        c->worker = cab_worker_new(cab_engine_wake_fd(c->engine));
    }
    call->work->owner = call;
    cab_states_enter(&c->states, call, CAB_CALL_WORKING);
    if (c->worker != NULL) {
        cab_worker_submit(c->worker, call->work);
    } else {
        call->work_blocked = true;
        cab_work_here(call->work);
        end_work(c, call);
    }
}

static void collect_work(cab_client *c) {
    cab_work *work;
    while (cab_states_first(&c->states, CAB_CALL_WORKING) != NULL &&
           (work = cab_worker_next_done(c->worker)) != NULL) {
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
        cab_states_enter(&c->states, call, CAB_CALL_WAITING);
        cab_timers_set(&c->states.timers, &call->timer, call->started_ms + call->delay_ms);
    } else {
        enter_queue(c, call);
    }
    wake(c);
}

void cab_client_release(cab_client *c, cab_call *call) {
    call->owned = false;
    if (call->client == NULL) {
        cab_call_free(call); /* the client went first */
    } else if (call->state == CAB_CALL_NEW || call->state == CAB_CALL_DONE) {
        cab_call_forget(call);
        call->state = CAB_CALL_DONE;
        cab_list_add(&c->spare, &call->link);
    }
}

void cab_client_cancel(cab_client *c, cab_call *call) {
    if (cab_client_forked(c)) { /* the poller is the parent's */
        return;
    }
    if (call->state == CAB_CALL_DONE || call->state == CAB_CALL_NEW ||
        call->state == CAB_CALL_WORKING) { /* what a thread does is not broken off */
        return;
    }
    if (call->state == CAB_CALL_ANSWERED && !call->held) {
        call->cancelled = true; /* what has come is not thrown away */
        return;
    }
    if (call->state == CAB_CALL_IN_FLIGHT || call->state == CAB_CALL_ANSWERED) {
        cab_transfer_abort(c->engine, call->transfer);
        (void)cab_fail(&cab_call_answer(call)->error, CAB_KIND_CANCELLED, CAB_REASON_NONE, NULL,
                       "the call was cancelled");
    } else {
        cab_call_fail(call, CAB_KIND_CANCELLED, CAB_REASON_NONE, "the call was cancelled");
    }
    cab_states_enter(&c->states, call, CAB_CALL_ANSWERED);
    wake(c);
}

void cab_client_cancel_all(cab_client *c) {
    if (cab_states_first(&c->states, CAB_CALL_WORKING) != NULL) {
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
            cab_states_enter(&c->states, call, CAB_CALL_PARKED);
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
        cab_states_enter(&c->states, call, CAB_CALL_ADMITTING);
        return;
    }
    const cab_call_env env = env_of(c);
    if (!cab_call_attempt(&env, call, now_ms)) {
        release_attempt(c, call);
        fail_to_begin(c, call);
        return;
    }
    cab_states_enter(&c->states, call, CAB_CALL_IN_FLIGHT);
    tell(c, CAB_EVENT_REQUEST, call, 0);
    if (call->stream) {
        cab_timers_set(&c->states.timers, &call->timer, now_ms + (int64_t)(call->timeout * 1000));
    }
}

static int64_t sooner(int64_t a, int64_t b) { return a < 0 ? b : b < 0 ? a : a < b ? a : b; }

/* Whether the engine takes one more, whoever it is to. */
static bool has_room(const cab_client *c) {
    size_t most = c->options.max_in_flight;
    return c->states.in_flight < (most > 0 && most < MAX_IN_ENGINE ? most : MAX_IN_ENGINE);
}

/* The next host that a call waits for and may begin to: each in its turn, however many wait for
 * one. NULL: none. */
static cab_host *next_free_host(const cab_client *c, int64_t now_ms) {
    cab_host *host = c->served;
    do {
        host = cab_engine_next_host(c->engine, host);
        if (host != NULL && host->waiting.first != NULL &&
            cab_engine_is_free_in_ms(c->engine, host, now_ms) == 0) {
            return host;
        }
    } while (host != c->served);
    return NULL;
}

/* Milliseconds until a call may begin that is queued; -1: not before something has happened. */
static int64_t queue_due_ms(const cab_client *c) {
    int64_t due_ms = -1;
    if (c->states.queued > 0 && has_room(c)) {
        int64_t now_ms = cab_clock_ms();
        cab_host *host = NULL;
        while ((host = cab_engine_next_host(c->engine, host)) != NULL) {
            if (host->waiting.first != NULL) {
                due_ms = sooner(due_ms, cab_engine_is_free_in_ms(c->engine, host, now_ms));
            }
        }
    }
    return due_ms;
}

/* Whether another attempt may begin in this step. Each is moved before the next: libcurl moves all
 * that have begun at once, and what a connection carries is seen when it is used. */
static bool may_begin_more(cab_client *c, int begun, cab_budget *budget) {
    bool limited = cab_budget_is_limited(budget);
    if (limited || c->served->may_share) {
        cab_engine_push(c->engine, budget);
    }
    bool behind = cab_engine_is_behind(c->engine);
    budget->over =
        budget->over || (limited && begun >= (behind ? BEGUN_WHEN_BEHIND : BEGUN_AT_ONCE));
    return !budget->over && !cab_budget_is_over(budget);
}

static void dispatch(cab_client *c, cab_budget *budget) {
    int64_t now = c->states.queued > 0 ? cab_clock_ms() : 0;
    for (int begun = 0; c->states.queued > 0 && has_room(c); begun++) {
        cab_host *host =
            begun == 0 || may_begin_more(c, begun, budget) ? next_free_host(c, now) : NULL;
        if (host == NULL) {
            break;
        }
        c->served = host;
        begin(c, CAB_CONTAINER_OF(host->waiting.first, cab_call, link), now);
    }
}

/* Silence is what a look at the socket found, not that nobody looked, nor a receiver that has not
 * done with what it got. */
static void on_silence(cab_client *c, cab_call *call, int64_t now_ms) {
    int64_t last_ms = call->held ? now_ms : cab_transfer_last_byte_ms(call->transfer);
    int64_t limit = last_ms + (int64_t)(call->timeout * 1000);
    if (limit > c->looked_ms) {
        cab_timers_set(&c->states.timers, &call->timer, limit > now_ms ? limit : now_ms + 1);
        return;
    }
    call->silent = true;
    cab_transfer_abort(c->engine, call->transfer);
    cab_error *err = &cab_call_answer(call)->error;
    err->kind = CAB_KIND_TIMEOUT;
    err->reason = CAB_REASON_TIMEOUT; /* which one it was, is told when that is judged */
    cab_states_enter(&c->states, call, CAB_CALL_ANSWERED);
}

static void fire_timers(cab_client *c, cab_budget *budget) {
    cab_timer *timer = cab_timers_first(&c->states.timers);
    if (timer == NULL) {
        return;
    }
    int64_t now = cab_clock_ms();
    for (; timer != NULL && timer->at_ms <= now; timer = cab_timers_first(&c->states.timers)) {
        cab_call *call = CAB_CONTAINER_OF(timer, cab_call, timer);
        if (call->state == CAB_CALL_IN_FLIGHT) {
            on_silence(c, call, now);
        } else if (call->state == CAB_CALL_WAITING && call->sleeps) {
            cab_states_enter(&c->states, call, CAB_CALL_ANSWERED);
        } else if (call->state == CAB_CALL_WAITING) {
            enter_queue(c, call);
        } else {
            char seconds[40];
            cab_number_text(seconds, call->deadline);
            cab_call_fail(call, CAB_KIND_TIMEOUT, CAB_REASON_DEADLINE,
                          "the deadline of %s s passed before the request was sent%s", seconds,
                          call->attempts > 0 ? " again" : "");
            cab_states_enter(&c->states, call, CAB_CALL_ANSWERED);
        }
        if (cab_budget_is_over(budget)) {
            break;
        }
    }
}

static int64_t timers_due_ms(const cab_client *c) {
    const cab_timer *timer = cab_timers_first(&c->states.timers);
    if (timer == NULL) {
        return -1;
    }
    int64_t left = timer->at_ms - cab_clock_ms();
    return left > 0 ? left : 0;
}

static void collect(cab_client *c) {
    cab_transfer *t;
    while ((t = cab_engine_next_ended(c->engine)) != NULL) {
        cab_call *call = cab_transfer_owner(t);
        cab_states_enter(&c->states, call, CAB_CALL_ANSWERED);
        tell(c, CAB_EVENT_RESPONSE, call, 0);
    }
}

void cab_client_step(cab_client *c, int64_t wait_ms, cab_budget *budget) {
    c->parked_now = false;
    fire_timers(c, budget);
    dispatch(c, budget);
    if (cab_states_first(&c->states, CAB_CALL_ANSWERED) != NULL || c->event_count > 0 ||
        c->parked_now || budget->over ||
        (c->states.in_flight == 0 && cab_states_first(&c->states, CAB_CALL_WORKING) == NULL &&
         cab_timers_first(&c->states.timers) == NULL)) {
        wait_ms = 0;
    }
    int64_t due_ms = timers_due_ms(c);
    c->looked_ms = due_ms >= 0 ? cab_clock_ms() : 0; /* without timers nobody asks */
    cab_engine_step(c->engine, sooner(sooner(wait_ms, due_ms), queue_due_ms(c)), budget);
    collect(c);
    collect_work(c);
    fire_timers(c, budget);
}

cab_call *cab_client_next_answered(cab_client *c) {
    return cab_states_first(&c->states, CAB_CALL_ANSWERED);
}

bool cab_client_judge(cab_client *c, cab_call *call, const cab_reading *body) {
    int64_t now = cab_clock_ms();
    bool first = !call->judged && call->transfer != NULL;
    const cab_call_env env = env_of(c);
    bool had_twin = call->other_path != NULL;
    cab_next next = cab_call_judge(&env, call, body, now, first ? next_random(c) : 0);
    c->starts_by_twin = c->starts_by_twin || (had_twin && call->other_path == NULL);
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
        cab_states_enter(&c->states, call, CAB_CALL_WAITING);
        cab_timers_set(&c->states.timers, &call->timer, now + call->delay_ms);
    } else {
        enter_queue(c, call); /* parks itself while credentials are missing */
    }
    return false;
}

void cab_client_finish(cab_client *c, cab_call *call) {
    release_attempt(c, call);
    cab_states_enter(&c->states, call, CAB_CALL_DONE);
    c->open--;
    if (!call->owned) {
        cab_client_release(c, call);
    }
}

cab_call *cab_client_next_streaming(cab_client *c) {
    cab_transfer *t = cab_engine_next_streaming(c->engine);
    return t != NULL ? cab_transfer_owner(t) : NULL;
}

void cab_client_hold(cab_client *c, cab_call *call) {
    if (cab_client_forked(c)) {
        return;
    }
    call->held = true;
    if (call->state == CAB_CALL_IN_FLIGHT) {
        cab_engine_hold(c->engine, call->transfer);
    } else if (call->state == CAB_CALL_ANSWERED) {
        cab_list *answered = &c->states.in[CAB_CALL_ANSWERED];
        cab_list_remove(answered, &call->link);
        cab_list_add(answered, &call->link); /* behind the others */
    }
}

/* ---- credentials ---------------------------------------------------------------------------- */

void cab_client_know(cab_client *c, const cab_identity *i) {
    if (i != c->options.identity) {
        cab_recent_add_all(&c->of_calls, i);
    }
}

void cab_client_unpark(cab_identity *i) {
    cab_call *call;
    while ((call = CAB_CONTAINER_OF(i->parked.first, cab_call, link)) != NULL) {
        call->granted = true;
        enter_queue(call->client, call);
        wake(call->client);
    }
}

cab_call *cab_client_next_admission(cab_client *c) {
    cab_call *call =
        c->states.unannounced > 0 ? cab_states_first(&c->states, CAB_CALL_ADMITTING) : NULL;
    while (call != NULL && call->announced) {
        call = CAB_CONTAINER_OF(call->link.next, cab_call, link);
    }
    if (call != NULL) {
        call->announced = true;
        c->states.unannounced--;
    }
    return call;
}

void cab_client_admit(cab_client *c, cab_call *call, double date) {
    call->admitted = true;
    call->admitted_at = date;
    enter_queue(c, call);
    wake(c);
}

bool cab_client_is_stuck(const cab_client *c) {
    return c->states.in_flight == 0 && c->states.queued == 0 &&
           cab_states_first(&c->states, CAB_CALL_WAITING) == NULL &&
           cab_states_first(&c->states, CAB_CALL_ANSWERED) == NULL;
}

bool cab_client_is_still(const cab_client *c) {
    size_t resting = 0;
    if (c->states.in_flight > 0 || c->states.queued > 0) {
        return false;
    }
    for (cab_link *at = c->states.in[CAB_CALL_WAITING].first; at != NULL; at = at->next) {
        if (!CAB_CONTAINER_OF(at, cab_call, link)->limits) {
            return false;
        }
        resting++;
    }
    for (const cab_link *at = c->states.in[CAB_CALL_ADMITTING].first; at != NULL; at = at->next) {
        resting++;
    }
    return resting == c->open;
}

void cab_client_fail_parked(cab_identity *i) {
    cab_call *call;
    while ((call = CAB_CONTAINER_OF(i->parked.first, cab_call, link)) != NULL) {
        cab_call_fail(call, CAB_KIND_AUTH, CAB_REASON_NONE,
                      "there are no credentials: signing in failed, or nobody did");
        cab_states_enter(&call->client->states, call, CAB_CALL_ANSWERED);
        wake(call->client);
    }
}

/* ---- one descriptor ------------------------------------------------------------------------- */

int cab_client_fd(cab_client *c) {
    c->exported = c->exported || cab_engine_can_wake(c->engine);
    return c->exported ? cab_engine_fd(c->engine) : -1;
}

int cab_client_watched_fd(const cab_client *c) { return cab_engine_fd(c->engine); }

int64_t cab_client_timeout_ms(const cab_client *c) {
    if (cab_states_first(&c->states, CAB_CALL_ANSWERED) != NULL) {
        return 0;
    }
    return sooner(sooner(cab_engine_timeout_ms(c->engine), timers_due_ms(c)), queue_due_ms(c));
}
