/* An easy handle of libcurl, the attempt that it carries, and what all of an engine's share, as
 * values: for the rooms of the engine that move them. */
#ifndef CAB_WIRE_H
#define CAB_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

#include "cab/buf.h"
#include "cab/error.h"
#include "cab/hosts.h"
#include "cab/libssl.h"
#include "cab/list.h"
#include "cab/poller.h"
#include "cab/request.h"
#include "cab/trust.h"

#pragma GCC visibility push(hidden)

/* What all transfers of an engine share: how they connect, and what they tell it. */
typedef struct {
    const char *proxy, *no_proxy; /* NULL: none */
    cab_trust trust;
    cab_anchors anchors; /* of `trust` */
    int http_version;    /* 0 (best that both know), 1, 2 */
    long idle_timeout_s;
    struct curl_slist *resolve;
    CURLSH *share; /* of resolved names alone */
    cab_poller *poller;
    cab_hosts hosts;
    /* The only socket, while it is watched for reading alone; -1: none. It rests while no request
     * is on it: the next one would watch it again, and watching costs more than most of a call. */
    int reader;
    bool reader_rests;
    bool drops_early_answers; /* libcurl does: what ends an HTTP/2 stream before its request has
                               * gone out has the whole answer forgotten */
    cab_libssl_ear ear, ear_of_bytes;
    cab_list running, streaming; /* those of the second hold bytes of a stream */
    size_t paused;               /* how many of the running */
    unsigned made;               /* transfers so far */
} cab_wire;

/* What is known of the attempt that runs, or ran last. */
typedef struct {
    bool once, stream, bytes, part;
    int connects; /* how many connections had been made for it when it was last let out */
    size_t max_body;
    int64_t ends_ms;      /* when its limit runs out; INT64_MAX: never */
    int64_t last_byte_ms; /* of a stream */

    bool opened;              /* a socket was opened for it */
    int looks_before;         /* of libcurl's at a proxy's tunnel: one for each byte, or more */
    int let_out;              /* how often libcurl was about to send it */
    unsigned on;              /* the id of the socket that it was let out on; 0: none, or unknown */
    const void *ssl;          /* of that connection; NULL: none, or unknown */
    bool goodbye;             /* its TLS has said that nothing more will come */
    const char *refusal;      /* how the server refused our certificate before it read anything */
    bool shut_out;            /* its new connection had ended: nothing of it went out */
    bool stale;               /* its kept connection had ended: nothing of it went out */
    bool overdue;             /* its limit, rather than that to connect, was over */
    size_t head_total;        /* all heads, interim ones included */
    bool interim, head_ended; /* of the answer: only a 1xx until now; its head came whole */
    bool streaming;           /* a stream, in the list of those */
    bool paused;              /* until the next step; a stream's until what is there was taken */
    size_t since_pause;       /* bytes of the body, not of a stream's */
    bool encoded, too_large, no_memory; /* why we ended it */
    const char *other;                  /* the same: what came in the place of bytes */
} cab_attempt;

typedef struct cab_transfer {
    cab_link link; /* in one of the engine's lists */
    cab_wire *wire;
    cab_host *host; /* of the attempt */
    CURL *easy;
    CURLU *parsed; /* `url` taken apart: libcurl need not parse it again for each request */
    void *owner;
    bool running;
    cab_attempt attempt;
    cab_answer answer;
    char why[CURL_ERROR_SIZE];
    struct curl_slist headers[CAB_MAX_HEADERS]; /* nodes of our own: libcurl only reads them */

    /* What the handle is set to, so that unchanged options are not set again. */
    cab_buf url;
    bool https, apart;
    long version; /* of HTTP, as libcurl counts */
    char method[16];
    const char *body; /* whoever sends it keeps it */
    size_t body_len;
    bool sends_body, direct, tunnels, wide, no_headers;
    cab_trust_check check;
    bool own_trust;      /* serves one request only */
    cab_anchors anchors; /* then */
    bool fresh;          /* its connection is not one of the kept ones, or does not become one */
    long connect_timeout_ms;
} cab_transfer;

#pragma GCC visibility pop

#endif
