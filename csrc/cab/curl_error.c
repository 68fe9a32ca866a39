#include "cab/curl_error.h"

#include <limits.h>
#include <string.h>

#include <curl/curl.h>

#include "cab/endpoint.h"

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

static bool is_refused_by_proxy(const cab_curl_failure *f) {
    return !f->let_out && f->connect_status >= 300 && f->code != CURLE_OPERATION_TIMEDOUT;
}

static meaning meaning_of(const cab_curl_failure *f) {
    meaning m = {(CURLcode)f->code, CAB_KIND_TRANSPORT, CAB_REASON_INTERNAL, NULL};
    for (size_t i = 0; i < sizeof MEANINGS / sizeof *MEANINGS; i++) {
        if (MEANINGS[i].code == m.code) {
            m = MEANINGS[i];
        }
    }
    if (m.code == CURLE_RECV_ERROR && strstr(f->why, "chunk") != NULL) {
        m.kind = CAB_KIND_PROTOCOL; /* libcurl has one code for this and for RST */
        m.reason = CAB_REASON_BAD_HTTP;
    }
    if (!f->let_out && strstr(f->why, "private key") != NULL) {
        /* CURLE_SSL_CERTPROBLEM, as for the certificate, or a code that could mean anything. */
        m = (meaning){m.code, CAB_KIND_CONFIG, CAB_REASON_TLS_CONFIG, "tls.key_file"};
    }
    if (is_refused_by_proxy(f)) {
        m.reason = CAB_REASON_PROXY;
        if (f->connect_status == 401 || f->connect_status == 403 || f->connect_status == 407) {
            m.kind = CAB_KIND_CONFIG; /* the same question will get the same answer */
            m.field = "proxy";
        }
    }
    return m;
}

/* Whether memory ran out. */
static bool is_memory(const cab_curl_failure *f) {
    /* The URL was given and taken, or the words tell why not: libcurl says that there is none when
     * it cannot copy it, and says it once for a handle. */
    return f->no_memory || f->code == CURLE_OUT_OF_MEMORY ||
           (f->code == CURLE_URL_MALFORMAT &&
            (f->why[0] == '\0' || strncmp(f->why, "No URL set", 10) == 0));
}

/* Whether libcurl wanted to send again what was let out, and was not let. It counts that over all
 * transfers of a handle, and says of every sixth that it did. */
static bool is_refused_repetition(const cab_curl_failure *f) {
    return f->once && f->sent &&
           (f->code == CURLE_COULDNT_CONNECT || f->code == CURLE_ABORTED_BY_CALLBACK ||
            strncmp(f->why, "Connection died, tried ", 23) == 0);
}

/* How much of libcurl's words is repeated: a long name without a dot is no host's, but perhaps a
 * secret that stands where an address should. */
static int length_of(const char *why, cab_reason reason) {
    const char *name = strstr(why, ": ");
    if (reason == CAB_REASON_RESOLVE && name != NULL) {
        size_t len = strcspn(name + 2, ". ");
        if (len > CAB_LONGEST_WORD && name[2 + len] != '.') {
            return (int)(name - why);
        }
    }
    return INT_MAX;
}

void cab_curl_error(const cab_curl_failure *f, cab_error *err) {
    if (f->code == CURLE_OUT_OF_MEMORY && !f->no_memory && f->sent) {
        /* Until 8.6 libcurl says this of a header line above 100 KiB, too. */
        cab_fail(err, CAB_KIND_PROTOCOL, CAB_REASON_TOO_LARGE, NULL,
                 "libcurl gave up on the answer: a header line is too long, or memory ran out");
    } else if (is_memory(f)) {
        cab_fail_memory(err);
    } else if (f->encoded) {
        cab_fail(err, CAB_KIND_PROTOCOL, CAB_REASON_ENCODED, NULL,
                 "the answer has a content encoding, which was not asked for");
    } else if (f->other != NULL) {
        cab_fail(err, CAB_KIND_PROTOCOL, CAB_REASON_BAD_ANSWER, NULL,
                 "the answer is %s, not what was asked for", f->other);
    } else if (f->too_large > 0) {
        cab_fail(err, CAB_KIND_PROTOCOL, CAB_REASON_TOO_LARGE, NULL,
                 "the answer is larger than the limit of %zu bytes", f->too_large);
    } else if (f->code == CURLE_SSL_CACERT_BADFILE && f->unreadable != NULL) {
        cab_fail(err, CAB_KIND_CONFIG, CAB_REASON_TLS_CONFIG, "tls.ca_file",
                 "%s cannot be read, or is no file of certificates", f->unreadable);
    } else if (is_refused_repetition(f)) {
        /* Once the request was let out, every try for another connection is libcurl's own
         * repetition, which is refused: what happened is that the first one ended unanswered. */
        cab_fail(
            err, CAB_KIND_TRANSPORT, f->multiplexes ? CAB_REASON_HTTP2 : CAB_REASON_CLOSED, NULL,
            "the connection%s ended before an answer came; the request was not sent again%s",
            f->multiplexes ? ", or the request's stream," : "",
            f->multiplexes ? " (if each ends so, the server may want http_version = \"1.1\")" : "");
    } else if (!f->let_out && f->connect_status < 300 && f->connect_too_long) {
        cab_fail(err, CAB_KIND_TRANSPORT, CAB_REASON_PROXY, NULL,
                 "the proxy's answer to CONNECT does not come to its end");
    } else if (is_refused_by_proxy(f)) {
        meaning m = meaning_of(f);
        cab_fail(err, m.kind, m.reason, m.field, "the proxy answered CONNECT with status %d",
                 f->connect_status);
    } else {
        meaning m = meaning_of(f);
        cab_fail(err, m.kind, m.reason, m.field, "%.*s", length_of(f->why, m.reason),
                 f->why[0] != '\0' ? f->why : curl_easy_strerror(m.code));
    }
}

void cab_curl_refusal(const char *alert, cab_error *err) {
    if (alert != NULL) {
        cab_fail(err, CAB_KIND_TRANSPORT, CAB_REASON_TLS_HANDSHAKE, NULL,
                 "the server does not take the client's certificate, or that there is none "
                 "(TLS alert: %s)",
                 alert);
    } else {
        cab_fail(err, CAB_KIND_TRANSPORT, CAB_REASON_TLS_HANDSHAKE, NULL,
                 "the server ended the connection as soon as it was made, as one does that does "
                 "not take the client's certificate, or that there is none; or it answered before "
                 "it was asked");
    }
}
