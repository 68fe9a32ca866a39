#include "cab/engine.h"

#include <ctype.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "cab/clock.h"
#include "cab/poller.h"
#include "cab/sigpipe.h"
#include "cab/sockets.h"

#if LIBCURL_VERSION_NUM < 0x075000
#error                                                                                             \
    "libcurl 7.80 or newer is needed: CURLOPT_PREREQFUNCTION keeps a request from being sent twice"
#endif

#define OLDEST_LIBCURL 0x075000
/* By number: what runs may be older than its headers, and newer headers warn of the old. */
#define PROTOCOLS ((CURLoption)(CURLOPTTYPE_LONG + 181))
#define PROTOCOLS_STR ((CURLoption)(CURLOPTTYPE_STRINGPOINT + 318))
#define QUICK_EXIT ((CURLoption)(CURLOPTTYPE_LONG + 322))
#define MAX_HEAD_BYTES (256 * 1024)
#define EVENTS_PER_STEP 64
#define ABSENT_MS 50
#define MOST_LOOKS 64
/* A body that goes out in one write together with any usual head. Of several writes (TLS records,
 * HTTP/2 frames) libcurl counts none when the last of them fails. */
#define ONE_PIECE 4096
#define STREAM_BUFFER_BYTES 102400L
/* A stream rests until its owner has taken what is there; libcurl alone would read some 8 MiB. */
#define STREAM_HELD_BYTES (128 * 1024)

struct cab_transfer {
    CURL *easy;
    CURLU *parsed; /* `url` taken apart: libcurl need not parse it again for each request */
    cab_engine *engine;
    void *owner;
    cab_transfer *next, *prev; /* in one of the engine's lists */
    bool running;
    cab_answer answer;

    /* of the current attempt */
    struct curl_slist headers[CAB_MAX_HEADERS]; /* nodes of our own: libcurl only reads them */
    bool once, stream, streaming_told, paused, encoded, too_large, no_memory;
    bool interim, head_ended; /* of the answer: only a 1xx until now; its head came whole */
    size_t head_total;        /* all heads, interim ones included */
    size_t max_body;
    int prereq_runs;
    long size_at_prereq;
    bool stale;     /* its kept connection had ended: nothing of it went out */
    bool in_pieces; /* some of it may have left though libcurl counts nothing as sent */
    int64_t last_byte_ms;
    int64_t ends_ms; /* when its limit runs out; INT64_MAX: never */
    bool overdue;    /* it did while nobody looked */

    /* what the handle is set to, so that unchanged options are not set again */
    cab_buf url;
    char method[16];
    bool sends_body, direct, fresh;
    long timeout_ms, connect_timeout_ms;
    char why[CURL_ERROR_SIZE];
};

typedef struct {
    cab_transfer *first, *last;
} list;

struct cab_engine {
    CURLM *multi;
    cab_poller *poller;
    cab_sockets sockets;
    struct curl_slist *resolve;
    cab_engine_options options; /* its texts point into `texts` */
    char *texts[8];
    int64_t curl_due_ms; /* monotonic; -1: never */
    bool multiplexes;
    CURL *bell; /* moves nothing; see ring */
    bool connected_new;
    bool blind;    /* the system refused to watch a socket: whose it is, is not known */
    size_t paused; /* how many of the running */
    list running, streaming, ended, held, idle;
};

/* ---- lists ---------------------------------------------------------------------------------- */

static void list_add(list *l, cab_transfer *t) {
    t->next = NULL;
    t->prev = l->last;
    if (l->last != NULL) {
        l->last->next = t;
    } else {
        l->first = t;
    }
    l->last = t;
}

static void list_remove(list *l, cab_transfer *t) {
    if (t->prev != NULL) {
        t->prev->next = t->next;
    } else {
        l->first = t->next;
    }
    if (t->next != NULL) {
        t->next->prev = t->prev;
    } else {
        l->last = t->prev;
    }
    t->next = t->prev = NULL;
}

/* ---- the process ---------------------------------------------------------------------------- */

static pthread_once_t init_once = PTHREAD_ONCE_INIT;
static CURLcode init_code;

static bool raises_sigpipe;

static void init_libcurl(void) {
    init_code = curl_global_init(CURL_GLOBAL_DEFAULT);
    raises_sigpipe = curl_version_info(CURLVERSION_NOW)->version_num < 0x075700;
}

bool cab_engine_check_version(cab_error *err) {
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    return v->version_num >= OLDEST_LIBCURL ||
           cab_fail(err, CAB_KIND_CONFIG, CAB_REASON_NONE, NULL,
                    "libcurl %s is too old: 7.80.0 or newer is needed", v->version);
}

bool cab_engine_global_init(cab_error *err) {
    (void)pthread_once(&init_once, init_libcurl);
    if (init_code != CURLE_OK) {
        return cab_fail(err, CAB_KIND_CONFIG, CAB_REASON_NONE, NULL, "libcurl did not start: %s",
                        curl_easy_strerror(init_code));
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
    (void)easy;
    (void)unused;
    if (!cab_poller_set(e->poller, fd, (what & CURL_POLL_IN) != 0 && what != CURL_POLL_REMOVE,
                        (what & CURL_POLL_OUT) != 0 && what != CURL_POLL_REMOVE)) {
        e->blind = true;
    }
    return 0; /* an error would make libcurl give up for ever, its timeouts included */
}

static int on_timer(CURLM *multi, long timeout_ms, void *ud) {
    cab_engine *e = ud;
    (void)multi;
    e->curl_due_ms = timeout_ms < 0 ? -1 : timeout_ms == 0 ? 0 : cab_clock_ms() + timeout_ms;
    return 0;
}

static bool is_https(const char *url) { return strncmp(url, "https:", 6) == 0; }

/* Whether the bytes of its connection are those of HTTP/1 itself. */
static bool is_plain(const cab_transfer *t) {
    const char *proxy = t->direct ? NULL : t->engine->options.proxy;
    return !is_https(t->url.data) && (proxy == NULL || strncasecmp(proxy, "https:", 6) != 0);
}

/* Whether the transfer is to open a connection, and whether its connection is to go with it. */
static CURLcode set_fresh(cab_transfer *t, bool before, bool after) {
    CURLcode rc = curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, before ? 1L : 0L);
    return rc != CURLE_OK ? rc : curl_easy_setopt(t->easy, CURLOPT_FORBID_REUSE, after ? 1L : 0L);
}

/* Runs before each sending of a request, also before one that libcurl repeats by itself because
 * a reused connection died or an HTTP/2 peer asked for it. The second is where a second build
 * would start. */
static int on_prereq(void *ud, char *ip, char *local_ip, int port, int local_port) {
    cab_transfer *t = ud;
    (void)ip;
    (void)local_ip;
    (void)port;
    t->prereq_runs++;
    if (t->prereq_runs > 1) {
        return t->once ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
    }
    long connects = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &t->size_at_prereq);
    (void)curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
    if (connects > 0) {
        t->engine->connected_new = t->engine->connected_new || is_https(t->url.data);
    } else if (cab_sockets_ended(&t->engine->sockets, local_port, is_plain(t))) {
        /* libcurl does not see it behind unread bytes, nor (from 8.16 on) within a second of its
         * last look. Without reuse the connection goes with the transfer. */
        t->stale = t->fresh = true;
        (void)set_fresh(t, false, true);
        return CURL_PREREQFUNC_ABORT;
    }
    return CURL_PREREQFUNC_OK;
}

/* Once a request was let out, no other connection may be made for it: the repetition ends here,
 * before a second handshake. */
static curl_socket_t on_open_socket(void *ud, curlsocktype purpose, struct curl_sockaddr *a) {
    cab_transfer *t = ud;
    (void)purpose;
    if (t->once && t->prereq_runs > 0) {
        return CURL_SOCKET_BAD;
    }
    return cab_sockets_open(&t->engine->sockets, a->family, a->socktype, a->protocol);
}

static int on_close_socket(void *ud, curl_socket_t fd) {
    cab_engine *e = ud; /* a connection outlives its transfer */
    cab_sockets_close(&e->sockets, fd);
    return 0;
}

static bool starts_with(const char *line, size_t len, const char *prefix) {
    size_t n = strlen(prefix);
    return len >= n && strncasecmp(line, prefix, n) == 0;
}

static bool is_encoded(const char *line, size_t len) {
    static const char name[] = "content-encoding:";
    if (!starts_with(line, len, name)) {
        return false;
    }
    const char *value = line + sizeof name - 1;
    const char *end = line + len;
    while (value < end && isspace((unsigned char)*value)) {
        value++;
    }
    while (end > value && isspace((unsigned char)end[-1])) {
        end--;
    }
    return !(end == value || (end - value == 8 && strncasecmp(value, "identity", 8) == 0));
}

static size_t on_header(char *line, size_t size, size_t count, void *ud) {
    cab_transfer *t = ud;
    size_t len = size * count;
    t->last_byte_ms = t->stream ? cab_clock_ms() : 0;
    t->head_total += len;
    if (t->head_total > MAX_HEAD_BYTES) {
        t->too_large = true;
        return 0;
    }
    if (starts_with(line, len, "HTTP/")) {
        cab_buf_clear(&t->answer.head); /* what came before was an interim answer */
        const char *status = memchr(line, ' ', len - 1);
        t->interim = status != NULL && status[1] == '1';
        return len;
    }
    if (line[0] == '\r' || line[0] == '\n') {
        t->head_ended = !t->interim;
        return len;
    }
    if ((line[0] == 'c' || line[0] == 'C') && is_encoded(line, len)) {
        t->encoded = true;
        return 0;
    }
    if (!cab_buf_append(&t->answer.head, line, len)) {
        t->no_memory = true;
        return 0;
    }
    return len;
}

static size_t on_body(char *data, size_t size, size_t count, void *ud) {
    cab_transfer *t = ud;
    size_t len = size * count;
    if (t->stream) {
        long status = 0;
        (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        t->last_byte_ms = cab_clock_ms();
        if (status >= 200 && status < 300) {
            if (t->answer.body.len >= STREAM_HELD_BYTES) {
                t->engine->paused += t->paused ? 0 : 1;
                t->paused = true;
                return CURL_WRITEFUNC_PAUSE; /* libcurl keeps these bytes and brings them again */
            }
            if (!t->streaming_told) {
                t->streaming_told = true;
                list_remove(&t->engine->running, t);
                list_add(&t->engine->streaming, t);
            }
        } else {
            t->too_large = t->answer.body.len + len > t->max_body;
        }
    } else {
        t->too_large = t->answer.body.len + len > t->max_body;
    }
    if (t->too_large) {
        return 0;
    }
    if (!cab_buf_append(&t->answer.body, data, len)) {
        t->no_memory = true;
        return 0;
    }
    return len;
}

/* ---- the engine's life ---------------------------------------------------------------------- */

static bool copy_texts(cab_engine *e) {
    const char **slots[] = {&e->options.proxy,        &e->options.no_proxy,
                            &e->options.ca_file,      &e->options.ca_path,
                            &e->options.cert_file,    &e->options.key_file,
                            &e->options.key_password, &e->options.pinned_public_key};
    bool ok = true;
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        if (*slots[i] != NULL) {
            e->texts[i] = cab_strdup(*slots[i], strlen(*slots[i]));
            *slots[i] = e->texts[i];
            ok = ok && e->texts[i] != NULL;
        }
    }
    for (size_t i = 0; ok && i < e->options.resolve_count; i++) {
        struct curl_slist *longer = curl_slist_append(e->resolve, e->options.resolve[i]);
        ok = longer != NULL;
        if (ok) {
            e->resolve = longer;
        }
    }
    e->options.resolve = NULL;
    return ok;
}

static bool multi_open(cab_engine *e) {
    long most = e->options.max_connections;
    e->multi = curl_multi_init();
    return e->multi != NULL &&
           curl_multi_setopt(e->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
           curl_multi_setopt(e->multi, CURLMOPT_SOCKETDATA, e) == CURLM_OK &&
           curl_multi_setopt(e->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
           curl_multi_setopt(e->multi, CURLMOPT_TIMERDATA, e) == CURLM_OK &&
           curl_multi_setopt(e->multi, CURLMOPT_MAXCONNECTS, most) == CURLM_OK &&
           curl_multi_setopt(e->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most) == CURLM_OK;
}

/* No callbacks from here on, so that closing connections cannot lead back into us. */
static void hush(cab_engine *e) {
    if (e->multi != NULL) {
        (void)curl_multi_setopt(e->multi, CURLMOPT_SOCKETFUNCTION, NULL);
        (void)curl_multi_setopt(e->multi, CURLMOPT_TIMERFUNCTION, NULL);
    }
}

/* Once no transfer runs; the next one opens it again. */
static void multi_close(cab_engine *e) {
    hush(e);
    curl_easy_cleanup(e->bell);
    e->bell = NULL;
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
    e->options = *options;
    e->curl_due_ms = -1;
    if (!copy_texts(e)) {
        cab_fail_memory(err);
        goto fail;
    }
    e->poller = cab_poller_new();
    if (e->poller == NULL) {
        cab_fail(err, CAB_KIND_CONFIG, CAB_REASON_NONE, NULL,
                 "the system gave no event descriptor: too many open files?");
        goto fail;
    }
    if (!multi_open(e)) {
        cab_fail_memory(err);
        goto fail;
    }
    return e;
fail:
    cab_engine_free(e);
    return NULL;
}

static void transfer_free(cab_transfer *t) {
    curl_easy_cleanup(t->easy);
    curl_url_cleanup(t->parsed);
    cab_buf_free(&t->answer.head);
    cab_buf_free(&t->answer.body);
    cab_buf_free(&t->url);
    free(t);
}

static void list_free(cab_engine *e, list *l) {
    cab_transfer *t = l->first;
    l->first = l->last = NULL;
    while (t != NULL) {
        cab_transfer *next = t->next;
        if (t->running) {
            (void)curl_multi_remove_handle(e->multi, t->easy);
        }
        transfer_free(t);
        t = next;
    }
}

void cab_engine_free(cab_engine *e) {
    if (e == NULL) {
        return;
    }
    cab_sigpipe pipe;
    cab_sigpipe_hold(&pipe, raises_sigpipe);
    hush(e);
    list_free(e, &e->running);
    list_free(e, &e->streaming);
    list_free(e, &e->ended);
    list_free(e, &e->held);
    list_free(e, &e->idle);
    multi_close(e);
    cab_sigpipe_release(&pipe);
    cab_poller_free(e->poller);
    cab_sockets_free(&e->sockets);
    curl_slist_free_all(e->resolve);
    for (size_t i = 0; i < sizeof e->texts / sizeof *e->texts; i++) {
        cab_wipe_free(e->texts[i]);
    }
    free(e);
}

void cab_engine_abandon(cab_engine *e) {
    cab_poller_abandon(e->poller);
    e->poller = NULL;
}

/* ---- one transfer --------------------------------------------------------------------------- */

/* Options that never change in a handle's life. */
static CURLcode set_constants(cab_engine *e, cab_transfer *t) {
    const cab_engine_options *o = &e->options;
    CURL *h = t->easy;
    CURLcode rc = CURLE_OK;
#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (rc == CURLE_OK) {                                                                      \
            rc = curl_easy_setopt(h, option, value);                                               \
        }                                                                                          \
    } while (0)
    SET(CURLOPT_PRIVATE, t);
    SET(CURLOPT_CURLU, t->parsed);
    SET(CURLOPT_ERRORBUFFER, t->why);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_HTTP_CONTENT_DECODING, 0L);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_PREREQFUNCTION, on_prereq);
    SET(CURLOPT_PREREQDATA, t);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    SET(CURLOPT_OPENSOCKETDATA, t);
    SET(CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
    SET(CURLOPT_CLOSESOCKETDATA, e);
    SET(CURLOPT_MAXAGE_CONN, o->idle_timeout_s);
    SET(CURLOPT_PROXY, o->proxy != NULL ? o->proxy : "");
    SET(CURLOPT_NOPROXY, o->no_proxy != NULL ? o->no_proxy : "");
    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* ours are not for proxies */
    SET(CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSLVERSION,
        o->tls_minor == 3 ? (long)CURL_SSLVERSION_TLSv1_3 : (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, o->insecure ? 0L : 1L);
    SET(CURLOPT_SSL_VERIFYHOST, o->insecure ? 0L : 2L);
    if (o->ca_file != NULL || o->ca_path != NULL) {
        /* Whoever is named is all that is trusted: without this, the system's folder would go with
         * a file, and its file with a folder. (Since 8.17 the file does all the same, and a folder
         * must be another one instead of none.) A TLS library without folders refuses, fine. */
        (void)curl_easy_setopt(h, CURLOPT_CAINFO, NULL);
        (void)curl_easy_setopt(h, CURLOPT_CAPATH, "/dev/null");
        (void)curl_easy_setopt(h, CURLOPT_PROXY_CAINFO, NULL);
        (void)curl_easy_setopt(h, CURLOPT_PROXY_CAPATH, "/dev/null");
    }
    if (o->ca_file != NULL) {
        SET(CURLOPT_CAINFO, o->ca_file);
        SET(CURLOPT_PROXY_CAINFO, o->ca_file);
    }
    if (o->ca_path != NULL) {
        SET(CURLOPT_CAPATH, o->ca_path);
        SET(CURLOPT_PROXY_CAPATH, o->ca_path);
    }
    if (o->cert_file != NULL) {
        SET(CURLOPT_SSLCERT, o->cert_file);
    }
    if (o->key_file != NULL) {
        SET(CURLOPT_SSLKEY, o->key_file);
    }
    if (o->key_password != NULL) {
        SET(CURLOPT_KEYPASSWD, o->key_password);
    }
    if (o->pinned_public_key != NULL) {
        SET(CURLOPT_PINNEDPUBLICKEY, o->pinned_public_key);
    }
    if (e->resolve != NULL) {
        SET(CURLOPT_RESOLVE, e->resolve);
    }
    if (rc == CURLE_OK && curl_easy_setopt(h, PROTOCOLS_STR, "http,https") != CURLE_OK) {
        rc = curl_easy_setopt(h, PROTOCOLS, 1L | 2L); /* the same before 7.85 */
    }
#undef SET
    /* A look-up that hangs must not hold the end of a call. Refused before 7.87. */
    (void)curl_easy_setopt(h, QUICK_EXIT, 1L);
    return rc;
}

static cab_transfer *transfer_new(cab_engine *e, cab_error *err) {
    cab_transfer *t = calloc(1, sizeof *t);
    if (t == NULL) {
        cab_fail_memory(err);
        return NULL;
    }
    t->engine = e;
    t->connect_timeout_ms = -1;
    t->parsed = curl_url();
    t->easy = curl_easy_init();
    CURLcode rc = t->parsed != NULL && t->easy != NULL ? set_constants(e, t) : CURLE_OUT_OF_MEMORY;
    if (rc == CURLE_OK) {
        return t;
    }
    if (rc == CURLE_OUT_OF_MEMORY) {
        cab_fail_memory(err);
    } else {
        cab_fail(err, CAB_KIND_CONFIG, CAB_REASON_NONE, NULL,
                 "libcurl does not take the options of this client: %s", curl_easy_strerror(rc));
    }
    transfer_free(t);
    return NULL;
}

static CURLcode set_method(cab_transfer *t, const cab_request *r) {
    bool sends_body = r->body != NULL;
    CURLcode rc = CURLE_OK;
    if (strcmp(t->method, r->method) != 0 || t->sends_body != sends_body) {
        t->method[0] = '\0';
        rc = curl_easy_setopt(t->easy, sends_body ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
        if (rc == CURLE_OK) {
            bool plain = strcmp(r->method, sends_body ? "POST" : "GET") == 0;
            rc = curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, plain ? NULL : r->method);
        }
        if (rc == CURLE_OK) {
            (void)snprintf(t->method, sizeof t->method, "%s", r->method);
            t->sends_body = sends_body;
        }
    }
    if (rc == CURLE_OK && sends_body) {
        rc = curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
        if (rc == CURLE_OK) {
            rc = curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, r->body);
        }
    }
    return rc;
}

/* Over plain http it is HTTP/1.1: a server that is known to speak HTTP/2 there is served by libcurl
 * 7.88 for one request of a connection only. */
static CURLcode set_version(cab_transfer *t, int version) {
    CURLcode rc = curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION,
                                   version == 1   ? (long)CURL_HTTP_VERSION_1_1
                                   : version == 2 ? (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
                                                  : (long)CURL_HTTP_VERSION_2TLS);
    /* Many started at once share one HTTP/2 connection instead of opening one each. */
    return rc != CURLE_OK ? rc
                          : curl_easy_setopt(t->easy, CURLOPT_PIPEWAIT, version != 1 ? 1L : 0L);
}

static CURLcode set_request(cab_transfer *t, const cab_request *r) {
    for (size_t i = 0; i < r->header_count; i++) {
        union {
            const char *in;
            char *out;
        } line = {.in = r->headers[i]}; /* libcurl's type lacks the const that its use has */
        t->headers[i].data = line.out;
        t->headers[i].next = i + 1 < r->header_count ? &t->headers[i + 1] : NULL;
    }
    CURLcode rc =
        curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, r->header_count > 0 ? t->headers : NULL);
    if (rc == CURLE_OK && (t->url.data == NULL || strcmp(t->url.data, r->url) != 0)) {
        cab_buf_clear(&t->url);
        CURLUcode urc = curl_url_set(t->parsed, CURLUPART_URL, r->url, CURLU_PATH_AS_IS);
        rc = urc == CURLUE_OK              ? CURLE_OK
             : urc == CURLUE_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY
                                           : CURLE_URL_MALFORMAT;
        if (rc == CURLE_OK && !cab_buf_puts(&t->url, r->url)) {
            rc = CURLE_OUT_OF_MEMORY;
        }
        if (rc == CURLE_OK) {
            rc = set_version(t, is_https(r->url) ? t->engine->options.http_version : 1);
        }
    }
    if (rc == CURLE_OK) {
        rc = set_method(t, r);
    }
    if (rc == CURLE_OK && t->timeout_ms != r->timeout_ms) {
        rc = curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, r->timeout_ms);
        t->timeout_ms = r->timeout_ms;
    }
    if (rc == CURLE_OK && t->connect_timeout_ms != r->connect_timeout_ms) {
        rc = curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, r->connect_timeout_ms);
        t->connect_timeout_ms = r->connect_timeout_ms;
    }
    if (rc == CURLE_OK && t->direct != r->direct) {
        rc = curl_easy_setopt(t->easy, CURLOPT_PROXY, r->direct ? "" : t->engine->options.proxy);
        t->direct = r->direct;
    }
    if (rc == CURLE_OK && t->fresh) {
        rc = set_fresh(t, false, false);
        t->fresh = rc != CURLE_OK;
    }
    if (rc == CURLE_OK && r->stream != t->stream) {
        /* A wish: a handle whose last transfer ended before it was connected refuses. */
        (void)curl_easy_setopt(t->easy, CURLOPT_BUFFERSIZE,
                               r->stream ? STREAM_BUFFER_BYTES : (long)CURL_MAX_WRITE_SIZE);
    }
    return rc;
}

cab_transfer *cab_engine_begin(cab_engine *e, const cab_request *r, void *owner, cab_error *err) {
    if (e->multi == NULL && !multi_open(e)) {
        multi_close(e);
        cab_fail_memory(err);
        return NULL;
    }
    cab_transfer *t = e->idle.first;
    if (t != NULL) {
        list_remove(&e->idle, t);
    } else {
        t = transfer_new(e, err);
        if (t == NULL) {
            return NULL;
        }
    }
    CURLcode rc = set_request(t, r);
    t->owner = owner;
    t->once = r->once;
    t->stream = r->stream;
    t->max_body = r->max_body;
    t->in_pieces = r->body != NULL && r->body_len > ONE_PIECE;
    t->streaming_told = t->paused = t->encoded = t->too_large = t->no_memory = false;
    t->interim = t->head_ended = t->stale = false;
    t->head_total = 0;
    t->prereq_runs = 0;
    t->size_at_prereq = 0;
    t->last_byte_ms = r->stream ? r->now_ms : 0;
    t->ends_ms = r->timeout_ms > 0 ? r->now_ms + r->timeout_ms : INT64_MAX;
    t->overdue = false;
    t->why[0] = '\0';
    t->answer.error.kind = CAB_KIND_NONE;
    t->answer.status = 0;
    t->answer.sent = t->answer.connected = false;
    cab_buf_clear(&t->answer.head);
    cab_buf_clear(&t->answer.body);
    if (rc == CURLE_OK) {
        CURLMcode mrc = curl_multi_add_handle(e->multi, t->easy);
        rc = mrc == CURLM_OK ? CURLE_OK : CURLE_OUT_OF_MEMORY;
    }
    if (rc != CURLE_OK) {
        if (rc == CURLE_OUT_OF_MEMORY) {
            cab_fail_memory(err);
        } else {
            cab_fail(err, CAB_KIND_USAGE, CAB_REASON_NONE, NULL,
                     "libcurl does not take this request: %s", curl_easy_strerror(rc));
        }
        transfer_free(t);
        return NULL;
    }
    t->running = true;
    list_add(&e->running, t);
    return t;
}

/* ---- what an ended transfer means ----------------------------------------------------------- */

typedef struct {
    CURLcode code;
    cab_kind kind;
    cab_reason reason;
    const char *field;
} meaning;

static const meaning MEANINGS[] = {
    {CURLE_COULDNT_RESOLVE_HOST, CAB_KIND_TRANSPORT, CAB_REASON_RESOLVE, NULL},
    {CURLE_COULDNT_RESOLVE_PROXY, CAB_KIND_TRANSPORT, CAB_REASON_RESOLVE, NULL},
    {CURLE_COULDNT_CONNECT, CAB_KIND_TRANSPORT, CAB_REASON_CONNECT, NULL},
    {CURLE_PROXY, CAB_KIND_TRANSPORT, CAB_REASON_PROXY, NULL},
    {CURLE_SSL_CONNECT_ERROR, CAB_KIND_TRANSPORT, CAB_REASON_TLS_HANDSHAKE, NULL},
    {CURLE_SSL_CIPHER, CAB_KIND_TRANSPORT, CAB_REASON_TLS_HANDSHAKE, NULL},
    {CURLE_USE_SSL_FAILED, CAB_KIND_TRANSPORT, CAB_REASON_TLS_HANDSHAKE, NULL},
    {CURLE_PEER_FAILED_VERIFICATION, CAB_KIND_TRANSPORT, CAB_REASON_TLS_VERIFY, NULL},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, CAB_KIND_TRANSPORT, CAB_REASON_TLS_VERIFY, NULL},
    {CURLE_SSL_INVALIDCERTSTATUS, CAB_KIND_TRANSPORT, CAB_REASON_TLS_VERIFY, NULL},
    {CURLE_SSL_ISSUER_ERROR, CAB_KIND_TRANSPORT, CAB_REASON_TLS_VERIFY, NULL},
    {CURLE_SSL_CACERT_BADFILE, CAB_KIND_CONFIG, CAB_REASON_TLS_CONFIG, "tls.ca_file"},
    {CURLE_SSL_CERTPROBLEM, CAB_KIND_CONFIG, CAB_REASON_TLS_CONFIG, "tls.cert_file"},
    {CURLE_OPERATION_TIMEDOUT, CAB_KIND_TIMEOUT, CAB_REASON_TIMEOUT, NULL},
    {CURLE_GOT_NOTHING, CAB_KIND_TRANSPORT, CAB_REASON_CLOSED, NULL},
    {CURLE_PARTIAL_FILE, CAB_KIND_TRANSPORT, CAB_REASON_CLOSED, NULL},
    {CURLE_RECV_ERROR, CAB_KIND_TRANSPORT, CAB_REASON_RESET, NULL},
    {CURLE_SEND_ERROR, CAB_KIND_TRANSPORT, CAB_REASON_RESET, NULL},
    {CURLE_SEND_FAIL_REWIND, CAB_KIND_TRANSPORT, CAB_REASON_CLOSED, NULL},
    {CURLE_ABORTED_BY_CALLBACK, CAB_KIND_TRANSPORT, CAB_REASON_CLOSED, NULL},
    {CURLE_HTTP2, CAB_KIND_TRANSPORT, CAB_REASON_HTTP2, NULL},
    {CURLE_HTTP2_STREAM, CAB_KIND_TRANSPORT, CAB_REASON_HTTP2, NULL},
    {CURLE_WEIRD_SERVER_REPLY, CAB_KIND_PROTOCOL, CAB_REASON_BAD_HTTP, NULL},
    {CURLE_UNSUPPORTED_PROTOCOL, CAB_KIND_PROTOCOL, CAB_REASON_BAD_HTTP, NULL},
    {CURLE_BAD_CONTENT_ENCODING, CAB_KIND_PROTOCOL, CAB_REASON_BAD_HTTP, NULL},
    {CURLE_FILESIZE_EXCEEDED, CAB_KIND_PROTOCOL, CAB_REASON_TOO_LARGE, NULL},
    {(CURLcode)100, CAB_KIND_PROTOCOL, CAB_REASON_TOO_LARGE, NULL}, /* CURLE_TOO_LARGE, 8.6 */
    {CURLE_URL_MALFORMAT, CAB_KIND_USAGE, CAB_REASON_NONE, "endpoint"},
};

static void fail_from_code(cab_transfer *t, CURLcode code) {
    cab_answer *a = &t->answer;
    if (code == CURLE_OUT_OF_MEMORY && !t->no_memory && a->sent) {
        /* Until 8.6 libcurl says this of a header line above 100 KiB, too. */
        cab_fail(&a->error, CAB_KIND_PROTOCOL, CAB_REASON_TOO_LARGE, NULL,
                 "libcurl gave up on the answer: a header line is too long, or memory ran out");
        return;
    }
    /* The URL was given and taken: libcurl says that there is none when it cannot copy it. */
    bool lost_url = code == CURLE_URL_MALFORMAT && strncmp(t->why, "No URL set", 10) == 0;
    if (code == CURLE_OUT_OF_MEMORY || t->no_memory || lost_url) {
        cab_fail_memory(&a->error);
        return;
    }
    if (t->encoded) {
        cab_fail(&a->error, CAB_KIND_PROTOCOL, CAB_REASON_ENCODED, NULL,
                 "the answer has a content encoding, which was not asked for");
        return;
    }
    if (t->too_large) {
        cab_fail(&a->error, CAB_KIND_PROTOCOL, CAB_REASON_TOO_LARGE, NULL,
                 "the answer is larger than the limit of %zu bytes",
                 t->head_total > MAX_HEAD_BYTES ? (size_t)MAX_HEAD_BYTES : t->max_body);
        return;
    }
    meaning m = {code, CAB_KIND_TRANSPORT, CAB_REASON_INTERNAL, NULL};
    for (size_t i = 0; i < sizeof MEANINGS / sizeof *MEANINGS; i++) {
        if (MEANINGS[i].code == code) {
            m = MEANINGS[i];
        }
    }
    if (code == CURLE_RECV_ERROR && strstr(t->why, "chunk") != NULL) {
        m.kind = CAB_KIND_PROTOCOL; /* libcurl has one code for this and for RST */
        m.reason = CAB_REASON_BAD_HTTP;
    }
    if (t->prereq_runs == 0 && strstr(t->why, "private key") != NULL) {
        /* CURLE_SSL_CERTPROBLEM, as for the certificate, or a code that could mean anything. */
        m = (meaning){code, CAB_KIND_CONFIG, CAB_REASON_TLS_CONFIG, "tls.key_file"};
    }
    long connect_status = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &connect_status);
    if (t->prereq_runs == 0 && connect_status >= 300) {
        m.reason = CAB_REASON_PROXY;
        if (connect_status == 401 || connect_status == 403 || connect_status == 407) {
            m.kind = CAB_KIND_CONFIG; /* the same question will get the same answer */
            m.field = "proxy";
        }
    }
    /* Once the request was let out, every try for another connection is libcurl's own repetition,
     * which the guard refuses: what happened is that the first connection ended unanswered. */
    if (t->once && a->sent &&
        (code == CURLE_COULDNT_CONNECT || code == CURLE_ABORTED_BY_CALLBACK)) {
        m.reason = t->engine->multiplexes ? CAB_REASON_HTTP2 : CAB_REASON_CLOSED;
        cab_fail(&a->error, m.kind, m.reason, NULL,
                 "the connection ended before an answer came; the request was not sent again");
        return;
    }
    cab_fail(&a->error, m.kind, m.reason, m.field, "%s",
             t->why[0] != '\0' ? t->why : curl_easy_strerror(code));
}

static double seconds(CURL *easy, CURLINFO info) {
    curl_off_t us = 0;
    (void)curl_easy_getinfo(easy, info, &us);
    return (double)us / 1e6;
}

static void fill_answer(cab_transfer *t, CURLcode code) {
    cab_answer *a = &t->answer;
    long size = 0, status = 0, version = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &size);
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
    a->connected = t->prereq_runs > 0 && !t->stale;
    a->sent = a->connected && (size > t->size_at_prereq || t->in_pieces);
    a->status = t->interim ? 0 : (int)status;
    a->http_major = version == CURL_HTTP_VERSION_2_0 ? 2 : version == 0 ? 0 : 1;
    a->http_minor = version == CURL_HTTP_VERSION_1_1 ? 1 : 0;
    t->engine->multiplexes = t->engine->multiplexes || a->http_major == 2;
    a->timings.dns = seconds(t->easy, CURLINFO_NAMELOOKUP_TIME_T);
    a->timings.connect = seconds(t->easy, CURLINFO_CONNECT_TIME_T);
    a->timings.tls = seconds(t->easy, CURLINFO_APPCONNECT_TIME_T);
    a->timings.first_byte = seconds(t->easy, CURLINFO_STARTTRANSFER_TIME_T);
    a->timings.total = seconds(t->easy, CURLINFO_TOTAL_TIME_T);
    if (code != CURLE_OK) {
        fail_from_code(t, code);
    } else if (!t->head_ended) {
        /* libcurl takes what came of a head for all of it. */
        cab_fail(&a->error, CAB_KIND_TRANSPORT, CAB_REASON_CLOSED, NULL,
                 "the connection ended within the head of the answer");
    }
}

static list *list_of(cab_engine *e, const cab_transfer *t) {
    return t->streaming_told ? &e->streaming : &e->running;
}

/* Leaves the transfer in no list. */
static void end_transfer(cab_engine *e, cab_transfer *t, CURLcode code) {
    fill_answer(t, code);
    (void)curl_multi_remove_handle(e->multi, t->easy);
    t->running = false;
    e->paused -= t->paused ? 1 : 0;
    t->paused = false;
    list_remove(list_of(e, t), t);
    t->streaming_told = false;
}

/* ---- moving --------------------------------------------------------------------------------- */

static int64_t curl_timeout_ms(const cab_engine *e) {
    if (e->curl_due_ms <= 0) {
        return e->curl_due_ms; /* never, or at once */
    }
    int64_t left = e->curl_due_ms - cab_clock_ms();
    return left > 0 ? left : 0;
}

int64_t cab_engine_timeout_ms(const cab_engine *e) {
    return e->paused > 0 ? 0 : curl_timeout_ms(e);
}

/* What rested in the last step was taken since. Going on may bring bytes at once, and so make the
 * transfer rest again. */
static void resume_paused(cab_engine *e) {
    for (cab_transfer *t = e->paused > 0 ? e->running.first : NULL; t != NULL;) {
        cab_transfer *next = t->next;
        if (t->paused) {
            t->paused = false;
            t->last_byte_ms = cab_clock_ms();
            e->paused--;
            (void)curl_easy_pause(t->easy, CURLPAUSE_CONT);
        }
        t = next;
    }
}

/* libcurl from 8.10 on lets those that wait to hear what a connection speaks (CURLOPT_PIPEWAIT)
 * wait for its first answer when that is HTTP/1.1. It looks at them again when a handle goes. */
static void ring(cab_engine *e) {
    e->connected_new = false;
    if (e->running.first != e->running.last && e->options.http_version != 1) {
        e->bell = e->bell != NULL ? e->bell : curl_easy_init();
        if (e->bell != NULL && curl_multi_add_handle(e->multi, e->bell) == CURLM_OK) {
            (void)curl_multi_remove_handle(e->multi, e->bell);
        }
    }
}

static void act(cab_engine *e, curl_socket_t fd, int mask) {
    int running = 0;
    if (curl_multi_socket_action(e->multi, fd, mask, &running) != CURLM_OK) {
        /* Memory ran out within libcurl's bookkeeping: some transfer may have neither a watched
         * socket nor a timer. */
        e->blind = true;
    }
    if (e->connected_new && !e->blind) {
        ring(e);
    }
}

static void fire_due_timer(cab_engine *e) {
    /* libcurl may ask for another moment at once, again and again; each is progress of its own,
     * but one step must come to an end. */
    for (int i = 0; i < 8 && !e->blind && curl_timeout_ms(e) == 0; i++) {
        e->curl_due_ms = -1; /* one-shot: cleared first, or the loop spins */
        act(e, CURL_SOCKET_TIMEOUT, 0);
    }
}

/* What happens on a socket that is not watched would never be seen. The connections go with their
 * transfers: after a failure in its bookkeeping libcurl 7.88 divides by zero at the next use. */
static void end_unseen(cab_engine *e) {
    e->blind = false;
    cab_transfer *t;
    while ((t = e->running.first != NULL ? e->running.first : e->streaming.first) != NULL) {
        end_transfer(e, t, CURLE_ABORTED_BY_CALLBACK);
        cab_fail(&t->answer.error, CAB_KIND_TRANSPORT,
                 t->answer.connected ? CAB_REASON_INTERNAL : CAB_REASON_CONNECT, NULL,
                 "the system cannot watch another socket: its memory or a limit ran out");
        list_add(&e->ended, t);
    }
    multi_close(e);
}

/* Its kept connection had ended before the request was let out: it goes out on a new one. False
 * when that cannot begin. */
static bool begin_afresh(cab_engine *e, cab_transfer *t) {
    (void)curl_multi_remove_handle(e->multi, t->easy);
    t->stale = false;
    t->prereq_runs = 0;
    t->why[0] = '\0';
    CURLcode rc = set_fresh(t, true, false);
    if (rc == CURLE_OK && t->ends_ms != INT64_MAX) {
        int64_t left = t->ends_ms - cab_clock_ms();
        t->timeout_ms = left > 0 ? (long)left : 1;
        rc = curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, t->timeout_ms);
    }
    return rc == CURLE_OK && curl_multi_add_handle(e->multi, t->easy) == CURLM_OK;
}

static void collect_ended(cab_engine *e) {
    int left = 0;
    const CURLMsg *m;
    while ((m = curl_multi_info_read(e->multi, &left)) != NULL) {
        if (m->msg == CURLMSG_DONE) {
            char *private = NULL;
            CURLcode code = m->data.result; /* the message dies with the handle's removal */
            (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
            cab_transfer *t = (cab_transfer *)(void *)private;
            if (t->stale) {
                if (begin_afresh(e, t)) {
                    continue;
                }
                code = CURLE_OUT_OF_MEMORY;
            }
            end_transfer(e, t, code);
            list_add(&e->ended, t);
        }
    }
    if (e->blind) {
        end_unseen(e);
    }
}

/* Answers how many sockets there was something to do for. */
static int wait_and_act(cab_engine *e, int64_t wait_ms) {
    cab_poll_event events[EVENTS_PER_STEP];
    int64_t due = curl_timeout_ms(e);
    if (due >= 0 && (wait_ms < 0 || due < wait_ms)) {
        wait_ms = due;
    }
    int limit = wait_ms > 3600000 ? 3600000 : (int)wait_ms;
    int n = cab_poller_wait(e->poller, events, EVENTS_PER_STEP, limit);
    for (int i = 0; i < n && !e->blind; i++) {
        int mask = (events[i].readable ? CURL_CSELECT_IN : 0) |
                   (events[i].writable ? CURL_CSELECT_OUT : 0);
        act(e, events[i].fd, mask);
    }
    return n;
}

/* Whether libcurl's timer is so late that nobody can have looked meanwhile. */
static bool was_absent(const cab_engine *e) {
    return e->curl_due_ms > 0 && cab_clock_ms() - e->curl_due_ms > ABSENT_MS;
}

static void end_overdue(cab_engine *e, const list *l) {
    for (cab_transfer *t = l->first, *next; t != NULL; t = next) {
        next = t->next;
        if (t->overdue) {
            end_transfer(e, t, CURLE_OPERATION_TIMEDOUT);
            list_add(&e->ended, t);
        }
    }
}

/* libcurl looks at its clock before it looks at a socket, and would throw an answer away that came
 * in time, while the program was busy elsewhere. Transfers whose limit ran out in such an absence
 * are given a look at what is there before they end. */
static void look_before_ending(cab_engine *e) {
    int64_t now = cab_clock_ms();
    for (cab_transfer *t = e->running.first; t != NULL; t = t->next) {
        t->overdue = t->ends_ms <= now;
        if (t->overdue) {
            t->timeout_ms = INT_MAX;
            (void)curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, t->timeout_ms);
        }
    }
    for (int looks = 0; looks < MOST_LOOKS; looks++) {
        /* HTTP/2 has libcurl come back by its timer for what it has read already. */
        if (wait_and_act(e, 0) <= 0 && curl_timeout_ms(e) != 0) {
            break;
        }
        fire_due_timer(e);
    }
    collect_ended(e);
    end_overdue(e, &e->running);
    end_overdue(e, &e->streaming);
}

void cab_engine_step(cab_engine *e, int64_t wait_ms) {
    cab_sigpipe pipe;
    cab_sigpipe_hold(&pipe, raises_sigpipe);
    if (was_absent(e)) {
        look_before_ending(e);
    }
    resume_paused(e);
    fire_due_timer(e);
    collect_ended(e);
    bool some = e->ended.first != NULL || e->streaming.first != NULL;
    /* One call after another often has its answer by now: there is no socket left to ask about. */
    if (!some || e->running.first != NULL) {
        (void)wait_and_act(e, some ? 0 : wait_ms);
        fire_due_timer(e);
        collect_ended(e);
    }
    cab_sigpipe_release(&pipe);
}

cab_transfer *cab_engine_next_ended(cab_engine *e) {
    cab_transfer *t = e->ended.first;
    if (t != NULL) {
        list_remove(&e->ended, t);
        list_add(&e->held, t);
    }
    return t;
}

cab_transfer *cab_engine_next_streaming(cab_engine *e) {
    cab_transfer *t = e->streaming.first;
    if (t != NULL) {
        list_remove(&e->streaming, t);
        t->streaming_told = false;
        list_add(&e->running, t);
    }
    return t;
}

void *cab_transfer_owner(const cab_transfer *t) { return t->owner; }
cab_answer *cab_transfer_answer(cab_transfer *t) { return &t->answer; }
int64_t cab_transfer_last_byte_ms(const cab_transfer *t) { return t->last_byte_ms; }

void cab_transfer_abort(cab_engine *e, cab_transfer *t) {
    if (t->running) {
        cab_sigpipe pipe;
        cab_sigpipe_hold(&pipe, raises_sigpipe);
        end_transfer(e, t, CURLE_ABORTED_BY_CALLBACK);
        cab_sigpipe_release(&pipe);
        list_add(&e->held, t);
    }
}

void cab_transfer_release(cab_engine *e, cab_transfer *t) {
    list_remove(&e->held, t);
    t->owner = NULL;
    cab_buf_wipe(&t->answer.head); /* IAM answers with a token here */
    cab_buf_wipe(&t->answer.body);
    list_add(&e->idle, t);
}

int cab_engine_fd(const cab_engine *e) { return cab_poller_fd(e->poller); }
int cab_engine_wake_fd(cab_engine *e) { return cab_poller_wake_fd(e->poller); }
void cab_engine_wake(cab_engine *e) { cab_poller_wake(e->poller); }
bool cab_engine_multiplexes(const cab_engine *e) { return e->multiplexes; }
