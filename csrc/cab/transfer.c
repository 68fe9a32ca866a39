#include "cab/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cab/clock.h"
#include "cab/curl_error.h"
#include "cab/libssl.h"
#include "cab/locale.h"
#include "cab/receive.h"

/* By number: what runs may be older than its headers, and newer headers warn of the old. */
#define PROTOCOLS ((CURLoption)(CURLOPTTYPE_LONG + 181))
#define PROTOCOLS_STR ((CURLoption)(CURLOPTTYPE_STRINGPOINT + 318))
#define QUICK_EXIT ((CURLoption)(CURLOPTTYPE_LONG + 322))
#define STREAM_BUFFER_BYTES 102400L
/* When a connection is tried over the other family of addresses, too (RFC 8305, 5: 100 ms to 2 s).
 */
#define OTHER_FAMILY_MS 200
#define OTHER_FAMILY_APART_MS 16
#define OTHER_FAMILY_TURNS 64
/* Of what a proxy says before a tunnel. libcurl reads it one byte after the other, within one step.
 */
#define MAX_CONNECT_BYTES (8 * 1024)

/* Whether its connection is, or may be, within the TLS of a proxy. */
static bool is_within_tls(const cab_transfer *t) {
    const char *proxy = t->direct ? NULL : t->wire->proxy;
    return proxy != NULL && cab_same_n(proxy, "https:", 6);
}

/* Whether the bytes of its connection are those of HTTP/1 itself. */
static bool is_plain(const cab_transfer *t) { return !t->https && !is_within_tls(t); }

/* Without one, libcurl must not look into the environment for it. */
static CURLcode set_proxy(cab_transfer *t, bool direct) {
    const char *proxy = direct ? NULL : t->wire->proxy;
    return curl_easy_setopt(t->easy, CURLOPT_PROXY, proxy != NULL ? proxy : "");
}

/* Whether the transfer is to open a connection, and whether its connection is to go with it. */
static CURLcode set_fresh(cab_transfer *t, bool before, bool after) {
    CURLcode rc = curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, before ? 1L : 0L);
    t->fresh = true;
    return rc != CURLE_OK ? rc : curl_easy_setopt(t->easy, CURLOPT_FORBID_REUSE, after ? 1L : 0L);
}

/* ---- libcurl's callbacks: C only, no call leads back into the engine ------------------------ */

/* Runs for each byte that a proxy answers to CONNECT. Of a refusal libcurl would read the whole
 * page, however long, and no limit of time would end that. */
static int on_progress(void *ud, curl_off_t size, curl_off_t had, curl_off_t to_send,
                       curl_off_t sent) {
    cab_transfer *t = ud;
    long connect_status = 0;
    (void)size;
    (void)had;
    (void)to_send;
    (void)sent;
    if (t->attempt.let_out > 0) {
        return 0;
    }
    (void)curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &connect_status);
    return connect_status >= 300 || ++t->attempt.looks_before > MAX_CONNECT_BYTES;
}

/* The connection of a transfer, from that port of ours to that address; NULL where nobody asks: on
 * plain ones nothing is under way but the request. */
static cab_socket *socket_of(cab_transfer *t, int port, const char *own, const char *address) {
    return is_plain(t) ? NULL
                       : cab_sockets_from(&t->wire->hosts.sockets, port, own, address, t->host);
}

/* Whether a kept connection has ended, or holds an answer that nobody asked for. libcurl does not
 * see the one behind unread bytes, nor (from 8.16 on) within a second of its last look, and takes
 * the other for the answer to what is sent next. */
static bool is_over(cab_transfer *t, const cab_socket *one, int port, const void *ssl) {
    return cab_sockets_ended(&t->wire->hosts.sockets, port, is_plain(t)) ||
           cab_libssl_has_ended(ssl) || (one != NULL && one->in_turn && cab_libssl_has_unread(ssl));
}

/* Whether such an answer may lie on a kept connection where nobody here can look: within the TLS of
 * a proxy, or in one that is not OpenSSL's. Over HTTP/2 each answer names its request. */
static bool is_opaque(const cab_transfer *t, const cab_socket *one, const void *ssl) {
    return (is_within_tls(t) || (t->https && ssl == NULL)) && (one == NULL || !one->shared);
}

/* Whether a kept connection carries one request at a time and another is under way on it, it is
 * still being made for another, or it was made for requests of another kind, so that nothing is
 * known of it. Until 8.5 libcurl takes all connections to a host for such as carry many once one of
 * them does (its issue 4885), and whoever reads first has the answer; and of one whose TLS is not
 * there yet it tells the port of the connection before. */
static bool is_occupied(const cab_transfer *t, const cab_socket *one, const void *ssl) {
    return !is_plain(t) &&
           (one == NULL || (t->https && ssl == NULL && cab_libssl_is_ours()) ||
            (t->host->may_share && (!one->ready || (one->requests > 0 && !one->shared))));
}

/* Which version of HTTP a new connection speaks, 1 or 2; 0: that cannot be told yet. That of a
 * server that agrees on none is known before, if by anybody. */
static int agreed(const cab_transfer *t, const void *ssl) {
    return cab_libssl_http_major(ssl, t->version == CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE ? 2 : 1);
}

/* Which one an answer came as. Its first line may say what it likes, and libcurl believes it. */
static int http_major(const cab_transfer *t, const cab_socket *one, long told) {
    if (told != CURL_HTTP_VERSION_2_0) {
        return told == 0 ? 0 : 1;
    }
    bool is_known = one != NULL && cab_libssl_tells_version(t->attempt.ssl);
    return t->version == CURL_HTTP_VERSION_1_1 || (is_known && !one->shared) ? 1 : 2;
}

/* The connection of a transfer is new. Answers whether the server has ended it by now, or has said
 * something on it, which would be taken for the answer. */
static bool is_shut_out(cab_transfer *t, const cab_socket *one, int port, const void *ssl) {
    if (ssl == NULL) {
        return false;
    }
    cab_libssl_listen(ssl, t->host->key.bytes ? &t->wire->ear_of_bytes : &t->wire->ear);
    t->attempt.ssl = ssl;
    return is_over(t, one, port, ssl);
}

/* Runs before each sending of a request, also before one that libcurl repeats by itself because
 * a reused connection died or an HTTP/2 peer asked for it. The second is where a second build
 * would start. */
static int on_prereq(void *ud, char *ip, char *local_ip, int port, int local_port) {
    cab_transfer *t = ud;
    cab_attempt *a = &t->attempt;
    (void)port;
    if (a->let_out == 0 && a->ends_ms <= cab_clock_ms()) {
        a->overdue = true; /* the program was busy while the connection was made */
        return CURL_PREREQFUNC_ABORT;
    }
    a->let_out++;
    if (a->let_out > 1 && a->once) {
        return CURL_PREREQFUNC_ABORT;
    }
    cab_socket *one = socket_of(t, local_port, local_ip, ip);
    const void *ssl = t->https ? cab_libssl_of(t->easy) : NULL;
    long connects = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
    bool is_new = connects > a->connects;
    a->connects = (int)connects;
    a->ssl = NULL;
    a->refusal = NULL;
    a->goodbye = false;
    if (one != NULL && agreed(t, ssl) == 1 && (!is_new || !cab_libssl_has_tickets(ssl))) {
        one->in_turn = true; /* a kept one has answered, be it that nobody has taken that yet */
    }
    if (is_new && is_shut_out(t, one, local_port, ssl) && a->let_out == 1) {
        /* Without reuse it is closed now, and the alert may be read so. */
        a->shut_out = true;
        (void)set_fresh(t, false, true);
        return CURL_PREREQFUNC_ABORT;
    }
    a->ssl = ssl;
    if (is_new && one != NULL) {
        one->ready = true;
        if (t->host->may_share) {
            cab_host_speaks(t->host, one, agreed(t, ssl));
        }
    } else if (!is_new && is_occupied(t, one, ssl)) {
        a->stale = true; /* the connection is the other's */
        return CURL_PREREQFUNC_ABORT;
    } else if (!is_new && a->let_out == 1 &&
               ((a->once && is_opaque(t, one, ssl)) || is_over(t, one, local_port, ssl))) {
        /* Without reuse the connection goes with the transfer. */
        a->stale = true;
        (void)set_fresh(t, false, true);
        return CURL_PREREQFUNC_ABORT;
    }
    if (a->once && one != NULL && one->shared && t->wire->drops_early_answers) {
        cab_sockets_hold(&t->wire->hosts.sockets, one); /* the body behind the head, too */
    }
    if (t->host->may_share) {
        a->on = cab_host_occupy(&t->wire->hosts, t->host, a->on, one);
    } else {
        a->on = one != NULL ? one->id : 0;
    }
    return CURL_PREREQFUNC_OK;
}

void cab_wire_drop_reader(cab_wire *wire) {
    if (wire->reader_rests) {
        (void)cab_poller_set(wire->poller, wire->reader, false, false);
    }
    wire->reader = -1;
    wire->reader_rests = false;
}

/* Once a request was let out, no other connection may be made for it: the repetition ends here,
 * before a second handshake. */
static curl_socket_t on_open_socket(void *ud, curlsocktype purpose, struct curl_sockaddr *a) {
    cab_transfer *t = ud;
    (void)purpose;
    if (t->attempt.once && t->attempt.let_out > 0) {
        return CURL_SOCKET_BAD;
    }
    cab_wire_drop_reader(t->wire);
    if (!t->attempt.opened && !t->fresh) {
        cab_host_is_full(&t->wire->hosts, t->host);
    }
    t->attempt.opened = true;
    return cab_host_open(&t->wire->hosts, t->host, a->family, a->socktype, a->protocol);
}

static int on_close_socket(void *ud, curl_socket_t fd) {
    cab_wire *wire = ud; /* a connection outlives its transfer */
    if (fd == wire->reader) {
        cab_wire_drop_reader(wire);
    }
    cab_hosts_close(&wire->hosts, fd);
    return 0;
}

/* ---- a handle's life ------------------------------------------------------------------------ */

/* libcurl has a timer for that on each connection, needed or not, and moves all whose timer is over
 * in one piece: of many begun at once whose handshakes go on just then, all. So they are apart. */
static long other_family_ms(cab_wire *wire) {
    return OTHER_FAMILY_MS + (long)(wire->made++ % OTHER_FAMILY_TURNS) * OTHER_FAMILY_APART_MS;
}

/* Options that never change in a handle's life. */
static CURLcode set_constants(cab_transfer *t, const cab_trust *trust) {
    cab_wire *wire = t->wire;
    CURL *h = t->easy;
    CURLcode rc = CURLE_OK;
    t->check.anchors = &wire->anchors;
    if (trust != NULL) {
        t->check.anchors = &t->anchors;
        rc = cab_trust_open(trust, &t->anchors) ? CURLE_OK : CURLE_OUT_OF_MEMORY;
    }
    if (rc == CURLE_OK) {
        rc = (CURLcode)cab_trust_set(trust != NULL ? trust : &wire->trust, &t->check, h);
    }
#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (rc == CURLE_OK) {                                                                      \
            rc = curl_easy_setopt(h, option, value);                                               \
        }                                                                                          \
    } while (0)
    SET(CURLOPT_PRIVATE, t);
    SET(CURLOPT_SHARE, wire->share);
    SET(CURLOPT_CURLU, t->parsed);
    SET(CURLOPT_ERRORBUFFER, t->why);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, other_family_ms(wire));
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_HTTP_CONTENT_DECODING, 0L);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_HEADERFUNCTION, cab_receive_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, cab_receive_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, t);
    SET(CURLOPT_PREREQFUNCTION, on_prereq);
    SET(CURLOPT_PREREQDATA, t);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    SET(CURLOPT_OPENSOCKETDATA, t);
    SET(CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
    SET(CURLOPT_CLOSESOCKETDATA, wire);
    SET(CURLOPT_MAXAGE_CONN, wire->idle_timeout_s);
    rc = rc == CURLE_OK ? set_proxy(t, false) : rc;
    SET(CURLOPT_NOPROXY, wire->no_proxy != NULL ? wire->no_proxy : "");
    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* ours are not for proxies */
    if (wire->resolve != NULL) {
        SET(CURLOPT_RESOLVE, wire->resolve);
    }
#undef SET
    if (rc == CURLE_OK && curl_easy_setopt(h, PROTOCOLS_STR, "http,https") != CURLE_OK) {
        rc = curl_easy_setopt(h, PROTOCOLS, 1L | 2L); /* the same before 7.85 */
    }
    /* A look-up that hangs must not hold the end of a call. Refused before 7.87. */
    (void)curl_easy_setopt(h, QUICK_EXIT, 1L);
    return rc;
}

void cab_transfer_free(cab_transfer *t) {
    curl_easy_cleanup(t->easy);
    cab_anchors_free(&t->anchors);
    curl_url_cleanup(t->parsed);
    cab_buf_free(&t->answer.head);
    cab_buf_free(&t->answer.body);
    cab_buf_free(&t->url);
    free(t);
}

cab_transfer *cab_transfer_new(cab_wire *wire, const cab_trust *trust, cab_error *err) {
    cab_transfer *t = calloc(1, sizeof *t);
    if (t == NULL) {
        cab_fail_memory(err);
        return NULL;
    }
    t->wire = wire;
    t->connect_timeout_ms = -1;
    t->no_headers = true;
    t->own_trust = trust != NULL;
    t->parsed = curl_url();
    t->easy = curl_easy_init();
    CURLcode rc =
        t->parsed != NULL && t->easy != NULL ? set_constants(t, trust) : CURLE_OUT_OF_MEMORY;
    if (rc == CURLE_OK) {
        return t;
    }
    if (rc == CURLE_OUT_OF_MEMORY) {
        cab_fail_memory(err);
    } else {
        cab_fail(err, CAB_KIND_CONFIG, CAB_REASON_NONE, NULL,
                 "libcurl does not take the options of this client: %s", curl_easy_strerror(rc));
    }
    cab_transfer_free(t);
    return NULL;
}

/* ---- what an attempt sends ------------------------------------------------------------------ */

/* Over plain http it is HTTP/1.1: libcurl 7.88 serves a server that is known to speak HTTP/2 there
 * for one request of a connection only. */
static CURLcode set_version(cab_transfer *t, const cab_request *r) {
    bool bytes = r->host->key.bytes;
    long version = !t->https || bytes || t->wire->http_version == 1 ? (long)CURL_HTTP_VERSION_1_1
                   : t->wire->http_version == 2 ? (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
                                                : (long)CURL_HTTP_VERSION_2TLS;
    CURLcode rc = CURLE_OK;
    if (t->apart != bytes) {
        /* Left alone, libcurl would have others on these connections, too, while one is idle. */
        const cab_trust *trust = r->trust != NULL ? r->trust : &t->wire->trust;
        rc = (CURLcode)cab_trust_set_apart(trust, bytes, t->easy);
        t->apart = bytes;
    }
    if (rc == CURLE_OK && t->version != version) {
        rc = curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, version);
        t->version = version;
    }
    return rc;
}

static CURLcode set_url(cab_transfer *t, const char *url) {
    if (t->url.data != NULL && strcmp(t->url.data, url) == 0) {
        return CURLE_OK;
    }
    cab_buf_clear(&t->url);
    CURLUcode urc = curl_url_set(t->parsed, CURLUPART_URL, url, CURLU_PATH_AS_IS);
    if (urc == CURLUE_OUT_OF_MEMORY) {
        return CURLE_OUT_OF_MEMORY;
    }
    if (urc != CURLUE_OK) {
        (void)snprintf(t->why, sizeof t->why, "%s", curl_url_strerror(urc));
        return CURLE_URL_MALFORMAT;
    }
    t->https = strncmp(url, "https:", 6) == 0;
    if (t->https) {
        cab_anchors_load(t->check.anchors); /* rather now than in the midst of a connection */
    }
    return cab_buf_puts(&t->url, url) ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}

static CURLcode set_method(cab_transfer *t, const cab_request *r) {
    bool sends_body = r->body != NULL;
    CURLcode rc = CURLE_OK;
    if (strcmp(t->method, r->method) != 0 || t->sends_body != sends_body) {
        t->method[0] = '\0';
        t->body = NULL;
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
    if (rc == CURLE_OK && sends_body && (t->body != r->body || t->body_len != r->body_len)) {
        t->body = r->body;
        t->body_len = r->body_len;
        rc = curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
        if (rc == CURLE_OK) {
            rc = curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, r->body);
        }
    }
    return rc;
}

static CURLcode set_headers(cab_transfer *t, const cab_request *r) {
    for (size_t i = 0; i < r->header_count; i++) {
        union {
            const char *in;
            char *out;
        } line = {.in = r->headers[i]}; /* libcurl's type lacks the const that its use has */
        t->headers[i].data = line.out;
        t->headers[i].next = i + 1 < r->header_count ? &t->headers[i + 1] : NULL;
    }
    bool none = r->header_count == 0; /* libcurl keeps the list's address alone */
    if (t->no_headers == none) {
        return CURLE_OK;
    }
    t->no_headers = none;
    return curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, none ? NULL : t->headers);
}

/* The only limit that libcurl knows; 0: none. The engine ends what has lasted too long. */
static CURLcode set_connect_timeout(cab_transfer *t, long ms, long limit_ms) {
    ms = limit_ms > 0 && (ms == 0 || limit_ms < ms) ? limit_ms : ms;
    if (t->connect_timeout_ms == ms) {
        return CURLE_OK;
    }
    t->connect_timeout_ms = ms;
    return curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, ms);
}

static CURLcode set_request(cab_transfer *t, const cab_request *r) {
    CURLcode rc = set_headers(t, r);
    if (rc == CURLE_OK) {
        rc = (CURLcode)cab_trust_prepare(&t->check, t->easy);
    }
    if (rc == CURLE_OK) {
        rc = set_url(t, r->url);
    }
    if (rc == CURLE_OK) {
        rc = set_version(t, r);
    }
    if (rc == CURLE_OK) {
        rc = set_method(t, r);
    }
    if (rc == CURLE_OK) {
        rc = set_connect_timeout(t, r->connect_timeout_ms, r->timeout_ms);
    }
    if (rc == CURLE_OK && t->direct != r->direct) {
        rc = set_proxy(t, r->direct);
        t->direct = r->direct;
    }
    bool tunnels = t->https && !t->direct && t->wire->proxy != NULL;
    if (rc == CURLE_OK && t->tunnels != tunnels) {
        rc = curl_easy_setopt(t->easy, CURLOPT_NOPROGRESS, tunnels ? 0L : 1L);
        t->tunnels = tunnels;
    }
    if (rc == CURLE_OK && t->fresh) {
        rc = set_fresh(t, false, false);
        t->fresh = rc != CURLE_OK;
    }
    if (rc == CURLE_OK && r->stream != t->wide) {
        /* A wish: a handle whose last transfer ended before it was connected refuses. */
        (void)curl_easy_setopt(t->easy, CURLOPT_BUFFERSIZE,
                               r->stream ? STREAM_BUFFER_BYTES : (long)CURL_MAX_WRITE_SIZE);
        t->wide = r->stream;
    }
    return rc;
}

CURLcode cab_transfer_prepare(cab_transfer *t, const cab_request *r) {
    t->attempt = (cab_attempt){
        .once = r->once,
        .stream = r->stream,
        .bytes = r->bytes,
        .part = r->part,
        .max_body = r->max_body,
        .ends_ms = r->timeout_ms > 0 ? r->now_ms + r->timeout_ms : INT64_MAX,
        .last_byte_ms = r->stream ? r->now_ms : 0,
    };
    t->why[0] = '\0';
    t->answer.error.kind = CAB_KIND_NONE;
    t->answer.error.reason = CAB_REASON_NONE;
    t->answer.status = 0;
    t->answer.sent = t->answer.handed = t->answer.aged = false;
    cab_buf_clear(&t->answer.head);
    cab_buf_clear(&t->answer.body);
    return set_request(t, r);
}

CURLcode cab_transfer_prepare_afresh(cab_transfer *t) {
    cab_attempt *a = &t->attempt;
    a->stale = a->opened = false;
    a->ssl = NULL;
    a->let_out = a->looks_before = 0;
    a->connects = 0;
    t->why[0] = '\0';
    CURLcode rc = (CURLcode)cab_trust_prepare(&t->check, t->easy);
    if (rc == CURLE_OK) {
        rc = set_fresh(t, true, false);
    }
    if (rc == CURLE_OK && a->ends_ms != INT64_MAX) {
        int64_t left = a->ends_ms - cab_clock_ms();
        rc = set_connect_timeout(t, t->connect_timeout_ms, left > 0 ? (long)left : 1);
    }
    return rc;
}

/* ---- what became of it ---------------------------------------------------------------------- */

static double seconds(CURL *easy, CURLINFO info) {
    curl_off_t us = 0;
    (void)curl_easy_getinfo(easy, info, &us);
    return (double)us / 1e6;
}

static void fail_from_code(cab_transfer *t, CURLcode code) {
    const cab_attempt *a = &t->attempt;
    long connect_status = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &connect_status);
    const cab_anchors *anchors = t->check.anchors;
    size_t limit = a->head_total > CAB_MAX_HEAD_BYTES ? (size_t)CAB_MAX_HEAD_BYTES : a->max_body;
    cab_curl_failure f = {
        .code = (int)code,
        .why = t->why,
        .let_out = a->let_out > 0,
        .sent = t->answer.sent,
        .once = a->once,
        .multiplexes = t->host->http2,
        .no_memory = a->no_memory,
        .encoded = a->encoded,
        .other = a->other,
        .too_large = a->too_large ? limit : 0,
        .connect_status = (int)connect_status,
        .connect_too_long = a->looks_before > MAX_CONNECT_BYTES,
        .unreadable = anchors->unreadable ? anchors->file : NULL,
    };
    cab_curl_error(&f, &t->answer.error);
}

void cab_transfer_end(cab_transfer *t, CURLcode code) {
    const cab_attempt *a = &t->attempt;
    cab_answer *answer = &t->answer;
    long status = 0, version = 0;
    bool plain = is_plain(t);
    if (code == CURLE_ABORTED_BY_CALLBACK && a->overdue && a->let_out == 0) {
        code = CURLE_OPERATION_TIMEDOUT; /* see on_prereq */
    }
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
    /* What libcurl counts as sent proves nothing: 8.7 counts nothing (its issue 13269), others not
     * before all of a write has gone out. */
    answer->sent = a->let_out > 0 && !a->stale;
    answer->status = a->interim ? 0 : (int)status;
    cab_socket *one = plain ? NULL : cab_sockets_get(&t->wire->hosts.sockets, a->on);
    answer->http_major = http_major(t, one, version);
    answer->http_minor = answer->http_major == 1 && version != CURL_HTTP_VERSION_1_0 ? 1 : 0;
    if (t->host->may_share && answer->http_major != 0) {
        if (!cab_libssl_tells_version(a->ssl)) {
            /* Else that is known since it was made. Of what says itself what it is nothing is
             * believed, so that each request has a connection of its own. */
            cab_host_speaks(t->host, one, 1);
        }
    } else if (a->let_out == 0 && code != CURLE_OK && code != CURLE_ABORTED_BY_CALLBACK) {
        t->host->alone = true; /* rather all at once than one limit after the other */
    }
    cab_host_end(&t->wire->hosts, t->host, t->host->may_share ? a->on : 0);
    answer->timings.dns = seconds(t->easy, CURLINFO_NAMELOOKUP_TIME_T);
    answer->timings.connect = seconds(t->easy, CURLINFO_CONNECT_TIME_T);
    answer->timings.tls = plain ? 0 : seconds(t->easy, CURLINFO_APPCONNECT_TIME_T);
    answer->timings.first_byte = seconds(t->easy, CURLINFO_STARTTRANSFER_TIME_T);
    answer->timings.total = seconds(t->easy, CURLINFO_TOTAL_TIME_T);
    if (code == CURLE_OK && answer->http_major == 1 && one != NULL) {
        one->in_turn = true; /* where only answers tell the version, too */
    }
    if (code != CURLE_OK) {
        fail_from_code(t, code);
        if (code == CURLE_OPERATION_TIMEDOUT && !a->overdue) {
            answer->error.reason = CAB_REASON_CONNECT_TIMEOUT;
        }
    } else if (!a->head_ended) {
        /* libcurl takes what came of a head for all of it. */
        cab_fail(&answer->error, CAB_KIND_TRANSPORT, CAB_REASON_CLOSED, NULL,
                 "the connection ended within the head of the answer");
    }
    if (code == CURLE_OK && t->host->key.bytes && status < 300 && a->ssl != NULL && !a->goodbye &&
        !cab_answer_has_end(answer)) {
        /* Anybody on the way can have ended it. Whether libcurl says so is up to its version. */
        cab_fail(&answer->error, CAB_KIND_TRANSPORT, CAB_REASON_CLOSED, NULL,
                 "the connection ended without the goodbye of TLS: bytes may be missing");
    }
    cab_transfer_settle(t);
}

void cab_transfer_settle(cab_transfer *t) {
    const cab_attempt *a = &t->attempt;
    if ((a->refusal != NULL || a->shut_out) && a->head_total == 0) {
        t->answer.sent = false;
        cab_curl_refusal(a->refusal, &t->answer.error);
    }
}
