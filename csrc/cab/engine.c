#include "cab/engine.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "cab/clock.h"
#include "cab/held_signal.h"
#include "cab/libssl.h"
#include "cab/poller.h"
#include "cab/transfer.h"

#if LIBCURL_VERSION_NUM < 0x075000
#error                                                                                             \
    "libcurl 7.80 or newer is needed: CURLOPT_PREREQFUNCTION keeps a request from being sent twice"
#endif

#define OLDEST_LIBCURL 0x075000
#define EVENTS_PER_STEP 64
/* Before what is over ends though there is always news; more where there are more connections. */
#define MOST_LOOKS 64
/* By number: what runs may be newer than the headers. */
#define QUICK_EXIT ((CURLMoption)(CURLOPTTYPE_LONG + 21))

/* A transfer is in one list: of `wire` while it runs, of `ended` until its owner was told, of
 * `held` until the owner gives it back, of `idle` until the next request. */
struct cab_engine {
    CURLM *multi;
    cab_poller *poller;
    cab_wire wire; /* its texts are of `texts` */
    char *texts[8];
    int64_t curl_due_ms; /* monotonic; -1: never */
    int64_t limit_ms;    /* no limit of what runs is over before; INT64_MAX: never */
    size_t looks;        /* at what has come, since one was */
    bool unwatched;      /* the system refused to watch a socket: whose it is, is not known */
    int turn;            /* of the sockets with news: the one to begin with */
    bool behind;         /* some of these were left to the next step */
    cab_list ended, held, idle;
};

static cab_transfer *first_of(const cab_list *l) {
    return CAB_CONTAINER_OF(l->first, cab_transfer, link);
}

static void move(cab_transfer *t, cab_list *from, cab_list *to) {
    cab_list_remove(from, &t->link);
    cab_list_add(to, &t->link);
}

/* ---- the process ---------------------------------------------------------------------------- */

static pthread_once_t init_once = PTHREAD_ONCE_INIT;
static CURLcode init_code;

static bool raises_sigpipe, drops_early_answers;

static void init_libcurl(void) {
    init_code = curl_global_init(CURL_GLOBAL_DEFAULT);
    unsigned version = curl_version_info(CURLVERSION_NOW)->version_num;
    raises_sigpipe = version < 0x075700;
    drops_early_answers = version < 0x080500; /* 7.88 does, 8.5 does not */
}

/* Where libcurl lets its TLS library raise it. */
static void hold_sigpipe(cab_held_signal *held) {
    held->number = 0;
    if (raises_sigpipe) {
        cab_hold_signal(held, SIGPIPE);
    }
}

bool cab_engine_check_version(cab_error *err) {
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    return v->version_num >= OLDEST_LIBCURL ||
           cab_fail(err, CAB_KIND_CONFIG, CAB_REASON_NONE, NULL,
                    "libcurl %s is too old: 7.80.0 or newer is needed", v->version);
}

bool cab_engine_global_init(bool tls, cab_error *err) {
    (void)pthread_once(&init_once, init_libcurl);
    if (init_code != CURLE_OK) {
        return cab_fail(err, CAB_KIND_CONFIG, CAB_REASON_NONE, NULL, "libcurl did not start: %s",
                        curl_easy_strerror(init_code));
    } else if (tls) {
        cab_libssl_warm_up();
    }
    return true;
}

const char *cab_engine_curl_version(void) { return curl_version_info(CURLVERSION_NOW)->version; }

const char *cab_engine_tls_version(void) {
    const char *v = curl_version_info(CURLVERSION_NOW)->ssl_version;
    return v != NULL ? v : "none";
}

/* ---- libcurl's callbacks: C only, no call leads back into the engine ------------------------ */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ud, void *unused) {
    cab_engine *e = ud;
    cab_wire *wire = &e->wire;
    (void)easy;
    (void)unused;
    if (fd == wire->reader) {
        if (what == CURL_POLL_IN || what == CURL_POLL_REMOVE) {
            wire->reader_rests = what == CURL_POLL_REMOVE;
            return 0;
        }
        wire->reader_rests = false;
        cab_wire_drop_reader(wire);
    }
    if (!cab_poller_set(e->poller, fd, (what & CURL_POLL_IN) != 0 && what != CURL_POLL_REMOVE,
                        (what & CURL_POLL_OUT) != 0 && what != CURL_POLL_REMOVE)) {
        e->unwatched = true;
    } else if (what == CURL_POLL_IN && cab_sockets_are_one(&wire->hosts.sockets, fd)) {
        wire->reader = fd;
    }
    return 0; /* an error would make libcurl give up for ever, its timeouts included */
}

static void tell_all_on(const cab_list *l, const void *ssl, cab_libssl_news what,
                        const char *alert) {
    for (cab_link *link = l->first; link != NULL; link = link->next) {
        cab_attempt *a = &CAB_CONTAINER_OF(link, cab_transfer, link)->attempt;
        if (a->ssl == ssl) {
            a->refusal = what == CAB_LIBSSL_REFUSAL ? alert : a->refusal;
            a->goodbye = a->goodbye || what == CAB_LIBSSL_GOODBYE;
            a->ssl = what == CAB_LIBSSL_NEW ? NULL : ssl;
        }
    }
}

/* What went out on a connection that is refused was not read: also that of transfers which have
 * ended, because no more of it could be sent, and were not told of yet. */
static void on_news(void *ud, const void *ssl, cab_libssl_news what, const char *alert) {
    cab_engine *e = ud;
    tell_all_on(&e->wire.running, ssl, what, alert);
    tell_all_on(&e->wire.streaming, ssl, what, alert);
    tell_all_on(&e->ended, ssl, what, alert);
}

static int on_timer(CURLM *multi, long timeout_ms, void *ud) {
    cab_engine *e = ud;
    (void)multi;
    e->curl_due_ms = timeout_ms < 0 ? -1 : timeout_ms == 0 ? 0 : cab_clock_ms() + timeout_ms;
    return 0;
}

/* ---- the engine's life ---------------------------------------------------------------------- */

static bool copy_options(cab_engine *e, const cab_engine_options *options) {
    cab_wire *wire = &e->wire;
    wire->proxy = options->proxy;
    wire->no_proxy = options->no_proxy;
    wire->trust = options->trust;
    wire->http_version = options->http_version;
    wire->idle_timeout_s = options->idle_timeout_s;
    wire->hosts.max_connections = (size_t)options->max_connections;
    const char **texts[] = {&wire->proxy,
                            &wire->no_proxy,
                            &wire->trust.ca_file,
                            &wire->trust.ca_path,
                            &wire->trust.cert_file,
                            &wire->trust.key_file,
                            &wire->trust.key_password,
                            &wire->trust.pinned_public_key};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (*texts[i] != NULL) {
            e->texts[i] = cab_strdup(*texts[i], strlen(*texts[i]));
            *texts[i] = e->texts[i];
            if (e->texts[i] == NULL) {
                return false;
            }
        }
    }
    if (!cab_trust_open(&wire->trust, &wire->anchors)) {
        return false;
    }
    for (size_t i = 0; i < options->resolve_count; i++) {
        struct curl_slist *longer = curl_slist_append(wire->resolve, options->resolve[i]);
        if (longer == NULL) {
            return false;
        }
        wire->resolve = longer;
    }
    return true;
}

static bool multi_open(cab_engine *e) {
    long most = (long)e->wire.hosts.max_connections;
    e->multi = curl_multi_init();
    if (e->multi != NULL) {
        /* A look-up that hangs must not hold the closing. Unknown before 8.20. */
        (void)curl_multi_setopt(e->multi, QUICK_EXIT, 1L);
    }
    return e->multi != NULL &&
           curl_multi_setopt(e->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
           curl_multi_setopt(e->multi, CURLMOPT_SOCKETDATA, e) == CURLM_OK &&
           curl_multi_setopt(e->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
           curl_multi_setopt(e->multi, CURLMOPT_TIMERDATA, e) == CURLM_OK &&
           curl_multi_setopt(e->multi, CURLMOPT_MAXCONNECTS, most) == CURLM_OK &&
           curl_multi_setopt(e->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most) == CURLM_OK;
}

/* libcurl looks through its table of names at the end of each transfer; that of a share is a third
 * of a multi handle's. */
static bool share_open(cab_engine *e) {
    e->wire.share = curl_share_init();
    return e->wire.share != NULL &&
           curl_share_setopt(e->wire.share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) == CURLSHE_OK;
}

/* From here on closing connections cannot lead back into us. */
static void drop_callbacks(cab_engine *e) {
    if (e->multi != NULL) {
        (void)curl_multi_setopt(e->multi, CURLMOPT_SOCKETFUNCTION, NULL);
        (void)curl_multi_setopt(e->multi, CURLMOPT_TIMERFUNCTION, NULL);
    }
}

/* Once no transfer runs; the next one opens it again. */
static void multi_close(cab_engine *e) {
    drop_callbacks(e);
    if (e->multi != NULL) {
        (void)curl_multi_cleanup(e->multi);
    }
    e->multi = NULL;
    e->curl_due_ms = -1;
}

cab_engine *cab_engine_new(const cab_engine_options *options, cab_error *err) {
    cab_engine *e = calloc(1, sizeof *e);
    if (e == NULL) {
        cab_fail_memory(err);
        return NULL;
    }
    e->curl_due_ms = -1;
    e->limit_ms = INT64_MAX;
    e->wire.reader = -1;
    e->wire.drops_early_answers = drops_early_answers;
    e->wire.ear = (cab_libssl_ear){.tell = on_news, .ud = e};
    e->wire.ear_of_bytes = (cab_libssl_ear){.tell = on_news, .ud = e, .waits = true};
    if (!copy_options(e, options) || !cab_hosts_reserve(&e->wire.hosts)) {
        cab_fail_memory(err);
        goto fail;
    }
    e->poller = cab_poller_new();
    if (e->poller == NULL) {
        cab_fail(err, CAB_KIND_CONFIG, CAB_REASON_NONE, NULL,
                 "the system gave no event descriptor: too many open files?");
        goto fail;
    }
    e->wire.poller = e->poller;
    if (!share_open(e) || !multi_open(e)) {
        cab_fail_memory(err);
        goto fail;
    }
    return e;
fail:
    cab_engine_free(e);
    return NULL;
}

static void list_free(cab_engine *e, cab_list *l) {
    cab_transfer *t;
    while ((t = first_of(l)) != NULL) {
        cab_list_remove(l, &t->link);
        if (t->running) {
            (void)curl_multi_remove_handle(e->multi, t->easy);
        }
        cab_transfer_free(t);
    }
}

void cab_engine_free(cab_engine *e) {
    if (e == NULL) {
        return;
    }
    cab_held_signal pipe;
    hold_sigpipe(&pipe);
    drop_callbacks(e);
    list_free(e, &e->wire.running);
    list_free(e, &e->wire.streaming);
    list_free(e, &e->ended);
    list_free(e, &e->held);
    list_free(e, &e->idle);
    multi_close(e);
    (void)curl_share_cleanup(e->wire.share);
    cab_release_signal(&pipe);
    cab_poller_free(e->poller);
    cab_hosts_free(&e->wire.hosts);
    cab_anchors_free(&e->wire.anchors);
    curl_slist_free_all(e->wire.resolve);
    for (size_t i = 0; i < sizeof e->texts / sizeof *e->texts; i++) {
        cab_wipe_free(e->texts[i]);
    }
    free(e);
}

void cab_engine_abandon(cab_engine *e) {
    cab_poller_abandon(e->poller);
    e->poller = NULL;
}

const cab_trust *cab_engine_trust(const cab_engine *e) { return &e->wire.trust; }

/* ---- a transfer begins and ends ------------------------------------------------------------- */

/* Whom nobody trusts any more must not be known from an earlier connection, nor by a session that
 * handles of libcurl before 8.12 keep. */
static void forget_the_trusted(cab_engine *e) {
    if (e->wire.anchors.changed && e->wire.running.first == NULL &&
        e->wire.streaming.first == NULL && e->ended.first == NULL && e->held.first == NULL) {
        multi_close(e);
        list_free(e, &e->idle);
        e->wire.anchors.changed = false;
    }
}

static CURLcode add_handle(cab_engine *e, cab_transfer *t) {
    return curl_multi_add_handle(e->multi, t->easy) == CURLM_OK ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}

cab_transfer *cab_engine_begin(cab_engine *e, const cab_request *r, void *owner, cab_error *err) {
    forget_the_trusted(e);
    if (e->multi == NULL && !multi_open(e)) {
        multi_close(e);
        cab_fail_memory(err);
        return NULL;
    }
    cab_transfer *t = r->trust == NULL ? first_of(&e->idle) : NULL;
    if (t != NULL) {
        cab_list_remove(&e->idle, &t->link);
    } else {
        t = cab_transfer_new(&e->wire, r->trust, err);
        if (t == NULL) {
            return NULL;
        }
    }
    CURLcode rc = cab_transfer_prepare(t, r);
    if (rc == CURLE_OK) {
        rc = add_handle(e, t);
    }
    if (rc != CURLE_OK) {
        if (rc == CURLE_OUT_OF_MEMORY) {
            cab_fail_memory(err);
        } else {
            cab_fail(err, CAB_KIND_USAGE, CAB_REASON_NONE, NULL,
                     "libcurl does not take this request: %s", curl_easy_strerror(rc));
        }
        cab_transfer_free(t);
        return NULL;
    }
    t->owner = owner;
    t->host = r->host;
    t->running = true;
    cab_host_begin(&e->wire.hosts, t->host, r->now_ms);
    cab_list_add(&e->wire.running, &t->link);
    e->limit_ms = t->attempt.ends_ms < e->limit_ms ? t->attempt.ends_ms : e->limit_ms;
    return t;
}

/* Takes the transfer out of libcurl's hands and into another list. */
static void end_transfer(cab_engine *e, cab_transfer *t, CURLcode code, cab_list *to) {
    cab_transfer_end(t, code);
    (void)curl_multi_remove_handle(e->multi, t->easy);
    t->running = false;
    e->wire.paused -= t->attempt.paused ? 1 : 0;
    t->attempt.paused = false;
    move(t, t->attempt.streaming ? &e->wire.streaming : &e->wire.running, to);
    t->attempt.streaming = false;
    if (e->wire.running.first == NULL && e->wire.streaming.first == NULL) {
        e->limit_ms = INT64_MAX;
    }
}

/* Whether what it was to go over was given up before any of it went out. */
static bool was_stale(const cab_transfer *t) {
    return t->attempt.stale || (t->check.stale && t->attempt.let_out == 0);
}

static CURLcode begin_afresh(cab_engine *e, cab_transfer *t) {
    (void)curl_multi_remove_handle(e->multi, t->easy);
    CURLcode rc = cab_transfer_prepare_afresh(t);
    return rc == CURLE_OK ? add_handle(e, t) : rc;
}

/* ---- a step --------------------------------------------------------------------------------- */

static int64_t curl_timeout_ms(const cab_engine *e) {
    if (e->curl_due_ms <= 0) {
        return e->curl_due_ms; /* never, or at once */
    }
    int64_t left = e->curl_due_ms - cab_clock_ms();
    return left > 0 ? left : 0;
}

/* Until libcurl's timer or the next limit. */
static int64_t timeout_ms(const cab_engine *e) {
    bool limit_first = e->curl_due_ms < 0 || e->limit_ms < e->curl_due_ms;
    if (!limit_first || e->limit_ms == INT64_MAX) {
        return curl_timeout_ms(e);
    }
    int64_t left = e->limit_ms - cab_clock_ms();
    return left > 0 ? left : 0;
}

int64_t cab_engine_timeout_ms(const cab_engine *e) {
    return e->wire.paused > 0 ? 0 : timeout_ms(e);
}

/* What rested in the last step was taken since, or has rested enough. Going on may bring bytes at
 * once, and so make the transfer rest again. Answers how many there were. */
static int resume_paused(cab_engine *e, bool streams) {
    int resumed = 0;
    for (cab_link *link = e->wire.paused > 0 ? e->wire.running.first : NULL; link != NULL;) {
        cab_transfer *t = CAB_CONTAINER_OF(link, cab_transfer, link);
        link = link->next;
        if (t->attempt.paused && (streams || !t->attempt.stream)) {
            t->attempt.paused = false;
            t->attempt.since_pause = 0;
            t->attempt.last_byte_ms = cab_clock_ms();
            e->wire.paused--;
            resumed++;
            (void)curl_easy_pause(t->easy, CURLPAUSE_CONT);
        }
    }
    return resumed;
}

static void act(cab_engine *e, curl_socket_t fd, int mask) {
    int running = 0;
    if (curl_multi_socket_action(e->multi, fd, mask, &running) != CURLM_OK) {
        /* Memory ran out within libcurl's bookkeeping: some transfer may have neither a watched
         * socket nor a timer. */
        e->unwatched = true;
    }
    cab_sockets_let_go(&e->wire.hosts.sockets);
}

static void fire_due_timer(cab_engine *e, cab_budget *budget) {
    /* libcurl may ask for another moment at once, again and again; each is progress of its own,
     * but one step must come to an end. */
    for (int i = 0; i < 8 && !e->unwatched && curl_timeout_ms(e) == 0; i++) {
        if (i > 0 && cab_budget_is_over(budget)) {
            break;
        }
        e->curl_due_ms = -1; /* one-shot: cleared first, or the loop spins */
        act(e, CURL_SOCKET_TIMEOUT, 0);
    }
}

/* What happens on a socket that is not watched would never be seen. The connections go with their
 * transfers: after a failure in its bookkeeping libcurl 7.88 divides by zero at the next use. */
static void end_unwatched(cab_engine *e) {
    e->unwatched = false;
    cab_transfer *t;
    while ((t = first_of(&e->wire.running)) != NULL || (t = first_of(&e->wire.streaming)) != NULL) {
        end_transfer(e, t, CURLE_ABORTED_BY_CALLBACK, &e->ended);
        cab_fail(&t->answer.error, CAB_KIND_TRANSPORT,
                 t->answer.sent ? CAB_REASON_INTERNAL : CAB_REASON_CONNECT, NULL,
                 "the system cannot watch another socket: its memory or a limit ran out");
    }
    multi_close(e);
}

/* Answers whether nothing is left for the next step. */
static bool collect_ended(cab_engine *e, cab_budget *budget) {
    int left = 1;
    const CURLMsg *m;
    while (left > 0 && (m = curl_multi_info_read(e->multi, &left)) != NULL) {
        if (m->msg == CURLMSG_DONE) {
            char *private = NULL;
            CURLcode code = m->data.result; /* the message dies with the handle's removal */
            (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
            cab_transfer *t = (cab_transfer *)(void *)private;
            bool stale = was_stale(t);
            code = stale ? begin_afresh(e, t) : code;
            if (!stale || code != CURLE_OK) {
                end_transfer(e, t, code, &e->ended);
            }
        }
        if (left > 0 && !e->unwatched && cab_budget_is_over(budget)) {
            break;
        }
    }
    if (e->unwatched) {
        end_unwatched(e);
        return true;
    }
    return left == 0;
}

/* Answers how many sockets there was something to do for. */
static int wait_and_act(cab_engine *e, int64_t wait_ms, cab_budget *budget) {
    cab_poll_event events[EVENTS_PER_STEP];
    int64_t due = wait_ms != 0 ? timeout_ms(e) : -1;
    if (due >= 0 && (wait_ms < 0 || due < wait_ms)) {
        wait_ms = due;
    }
    int limit = wait_ms > 3600000 ? 3600000 : (int)wait_ms;
    int n = cab_poller_wait(e->poller, events, EVENTS_PER_STEP, limit);
    if (limit != 0) {
        cab_budget_slept(budget);
    }
    int first = e->turn;
    e->turn = 0;
    e->behind = false;
    for (int i = 0; i < n && !e->unwatched; i++) {
        if (i > 0 && cab_budget_is_over(budget)) {
            e->turn = (first + i) % n; /* else the same few would always come first */
            e->behind = true;
            break;
        }
        const cab_poll_event *event = &events[(first + i) % n];
        e->looks++;
        if (e->wire.reader_rests && event->fd == e->wire.reader) {
            cab_wire_drop_reader(&e->wire); /* its peer has ended it, or is about to */
            continue;
        }
        /* Writable, too, or a body that goes out after its head would wait for the next look, and a
         * server of HTTP/2 that answers the head alone would have closed its stream. */
        act(e, event->fd, CURL_CSELECT_OUT | (event->readable ? CURL_CSELECT_IN : 0));
    }
    return n;
}

/* Reads what has come until nothing is left, or each socket had its turn: some may have news
 * always. Answers whether that is done; else it goes on in the next step. */
static bool look_around(cab_engine *e, cab_budget *budget) {
    bool some = true;
    while (some && e->looks++ < MOST_LOOKS + 2 * e->wire.hosts.max_connections) {
        if (cab_budget_is_over(budget)) {
            return false;
        }
        /* HTTP/2 has libcurl come back by its timer for what it has read already. */
        bool resumed = resume_paused(e, false) > 0;
        some = wait_and_act(e, 0, budget) > 0 || curl_timeout_ms(e) == 0 || resumed;
        fire_due_timer(e, budget);
    }
    return collect_ended(e, budget);
}

/* Answers the earliest limit of those that are left. */
static int64_t end_those_over(cab_engine *e, const cab_list *l, int64_t now_ms,
                              cab_budget *budget) {
    int64_t next_ms = INT64_MAX;
    bool stop = false;
    for (cab_link *link = l->first; link != NULL;) {
        cab_transfer *t = CAB_CONTAINER_OF(link, cab_transfer, link);
        link = link->next;
        if (t->attempt.ends_ms <= now_ms && !stop) {
            t->attempt.overdue = true;
            end_transfer(e, t, CURLE_OPERATION_TIMEDOUT, &e->ended);
            stop = cab_budget_is_over(budget);
        } else if (t->attempt.ends_ms < next_ms) {
            next_ms = t->attempt.ends_ms;
        }
    }
    return next_ms;
}

/* libcurl would look at the clock before it looks at a socket, and throw an answer away that came
 * in time, while the program was busy elsewhere or the process stood still. So it knows no limit
 * but that to connect, and when one is over what is there is read before anything ends. */
static void end_overdue(cab_engine *e, cab_budget *budget) {
    int64_t now = e->limit_ms != INT64_MAX ? cab_clock_ms() : 0;
    if (now < e->limit_ms) {
        e->looks = 0;
    } else if (look_around(e, budget)) {
        int64_t limit = end_those_over(e, &e->wire.running, now, budget);
        int64_t other = end_those_over(e, &e->wire.streaming, now, budget);
        e->limit_ms = limit < other ? limit : other;
    }
}

static void move_all(cab_engine *e, int64_t wait_ms, cab_budget *budget) {
    (void)resume_paused(e, true);
    fire_due_timer(e, budget);
    (void)collect_ended(e, budget);
    bool some = e->ended.first != NULL || e->wire.streaming.first != NULL || e->wire.paused > 0 ||
                budget->over;
    /* One call after another often has its answer by now: there is no socket left to ask about. */
    if (!some || e->wire.running.first != NULL) {
        (void)wait_and_act(e, some ? 0 : wait_ms, budget);
        fire_due_timer(e, budget);
    }
}

void cab_engine_push(cab_engine *e, cab_budget *budget) {
    cab_held_signal pipe;
    hold_sigpipe(&pipe);
    fire_due_timer(e, budget);
    const cab_transfer *newest = CAB_CONTAINER_OF(e->wire.running.last, cab_transfer, link);
    if (newest != NULL && newest->host->http2 && cab_transfer_waits(newest)) {
        cab_host_is_full(&e->wire.hosts, newest->host);
    }
    cab_release_signal(&pipe);
}

void cab_engine_step(cab_engine *e, int64_t wait_ms, cab_budget *budget) {
    cab_held_signal pipe;
    hold_sigpipe(&pipe);
    move_all(e, wait_ms, budget);
    (void)collect_ended(e, budget);
    end_overdue(e, budget);
    budget->over = budget->over || (cab_budget_is_limited(budget) && e->wire.paused > 0);
    cab_release_signal(&pipe);
}

/* ---- what the owner of a transfer does ------------------------------------------------------ */

cab_transfer *cab_engine_next_ended(cab_engine *e) {
    cab_transfer *t = first_of(&e->ended);
    if (t != NULL) {
        cab_transfer_settle(t);
        move(t, &e->ended, &e->held);
    }
    return t;
}

cab_transfer *cab_engine_next_streaming(cab_engine *e) {
    cab_transfer *t = first_of(&e->wire.streaming);
    if (t != NULL) {
        t->attempt.streaming = false;
        move(t, &e->wire.streaming, &e->wire.running);
    }
    return t;
}

void cab_engine_hold(cab_engine *e, cab_transfer *t) {
    if (!t->attempt.streaming) {
        t->attempt.streaming = true;
        move(t, &e->wire.running, &e->wire.streaming);
    }
}

void *cab_transfer_owner(const cab_transfer *t) { return t->owner; }
cab_answer *cab_transfer_answer(cab_transfer *t) { return &t->answer; }
bool cab_transfer_waits(const cab_transfer *t) {
    return t->host->may_share && !t->attempt.opened && t->attempt.let_out == 0;
}

bool cab_transfer_is_out(const cab_transfer *t) { return t->attempt.let_out > 0; }

int64_t cab_transfer_last_byte_ms(const cab_transfer *t) { return t->attempt.last_byte_ms; }

void cab_transfer_abort(cab_engine *e, cab_transfer *t) {
    if (t->running) {
        cab_held_signal pipe;
        hold_sigpipe(&pipe);
        end_transfer(e, t, CURLE_ABORTED_BY_CALLBACK, &e->held);
        cab_release_signal(&pipe);
    }
}

void cab_transfer_release(cab_engine *e, cab_transfer *t) {
    t->owner = NULL;
    cab_buf_wipe(&t->answer.head); /* IAM answers with a token here */
    cab_buf_wipe(&t->answer.body);
    if (t->own_trust) { /* its connection stays with the engine */
        cab_list_remove(&e->held, &t->link);
        cab_transfer_free(t);
    } else {
        move(t, &e->held, &e->idle);
    }
}

int cab_engine_fd(const cab_engine *e) { return cab_poller_fd(e->poller); }
int cab_engine_wake_fd(cab_engine *e) { return cab_poller_wake_fd(e->poller); }
bool cab_engine_can_wake(cab_engine *e) { return cab_poller_can_wake(e->poller); }
void cab_engine_wake(cab_engine *e) { cab_poller_wake(e->poller); }
bool cab_engine_is_behind(const cab_engine *e) { return e->behind; }

cab_host *cab_engine_host(cab_engine *e, const cab_host_key *key) {
    cab_host_key by = *key;
    by.direct = key->direct && e->wire.proxy != NULL;
    /* Of HTTP/2 nobody can tell bytes that are all there from such as a gateway has lost the rest
     * of: it may end their stream as if nothing were missing (haproxy does). */
    by.bytes = key->bytes && key->https && e->wire.http_version != 2;
    /* Whoever is spoken to in clear text through a proxy is on the proxy's connections. */
    by.name = key->https || by.direct || e->wire.proxy == NULL ? key->name : "";
    return cab_hosts_get(&e->wire.hosts, &by, key->https && !by.bytes && e->wire.http_version != 1);
}

cab_host *cab_engine_next_host(const cab_engine *e, cab_host *host) {
    return CAB_CONTAINER_OF(host != NULL ? host->link.next : e->wire.hosts.all.first, cab_host,
                            link);
}

int64_t cab_engine_is_free_in_ms(cab_engine *e, cab_host *host, int64_t now_ms) {
    return cab_host_is_free_in_ms(&e->wire.hosts, host, now_ms);
}
