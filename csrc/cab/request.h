/* A prepared request and its answer, as values. */
#ifndef CAB_REQUEST_H
#define CAB_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cab/buf.h"
#include "cab/error.h"
#include "cab/trust.h"

#pragma GCC visibility push(hidden)

/* More than can come together: 32 each of client and call, and what the library adds. */
#define CAB_MAX_HEADERS 80

/* An error in the place of bytes is no longer. */
#define CAB_ERROR_FOR_BYTES (16 * 1024)

struct cab_host;

/* Everything points to memory that outlives the attempt. */
typedef struct {
    struct cab_host *host; /* of the url */
    const char *method;
    const char *url;
    const char **headers; /* complete lines, "Name: value" */
    size_t header_count;  /* CAB_MAX_HEADERS at most */
    const char *body;     /* NULL: none */
    size_t body_len;
    int64_t now_ms;          /* monotonic */
    long timeout_ms;         /* of the attempt; 0: no limit */
    long connect_timeout_ms; /* name look-up, TCP and TLS together */
    size_t max_body;         /* bytes of the answer's body to keep */
    const cab_trust *trust;  /* NULL: the engine's */
    bool direct;             /* goes past the proxy, if there is one */
    bool once;               /* may reach the service at most once */
    bool stream;             /* a 2xx body has no size limit: the owner takes it piece by piece */
    bool bytes;              /* a 2xx is to be bytes: no web page */
    bool part;               /* a part of them was asked for */
} cab_request;

typedef struct {
    double dns, connect, tls, first_byte, total; /* seconds since the attempt began */
} cab_timings;

typedef struct {
    cab_error error; /* kind CAB_KIND_NONE: a complete HTTP answer came */
    bool sent;       /* the connection was ready: a byte of the request may have reached the peer */
    bool handed;     /* a stream: its owner may have taken some of the body */
    bool aged;       /* its head may have an Age: most have none, and are not looked through */
    int status;      /* 0: no complete head came */
    int http_major;  /* 1, 2; 0: unknown */
    int http_minor;
    cab_buf head; /* header lines of the final answer, CRLF each */
    cab_buf body;
    cab_timings timings;
} cab_answer;

/* The value of the first header of that name (compared without case), or else of the `other` (NULL:
 * none), without white space at its ends. NULL when there is none, or all are empty; points into
 * the answer's head. */
const char *cab_answer_header(const cab_answer *answer, const char *name, const char *other,
                              size_t *len);
/* What it is that was to be bytes and is none: a page of somebody on the way, or a part that nobody
 * asked for. NULL: it may be what it should. */
const char *cab_answer_other_than_bytes(const cab_answer *answer, int status, bool part);
/* Whether its body has an end of its own: else that is the end of the connection. */
bool cab_answer_has_end(const cab_answer *answer);
/* Calls f for each header line of the answer. */
void cab_answer_each_header(const cab_answer *answer,
                            void (*f)(void *ud, const char *name, size_t name_len,
                                      const char *value, size_t value_len),
                            void *ud);
/* A year: nobody means more, and longer a call cannot sleep. */
#define CAB_RETRY_AFTER_MOST 31536000.0
/* The clock of who answered, in seconds since the epoch; -1: the answer does not tell it. */
int64_t cab_answer_date(const cab_answer *answer);
/* Seconds that a cache on the way says it has kept the answer (RFC 9111, 5.1); 0: none does. A
 * proxy may count from the answer's date on, in whole seconds, and tell so of all that it passes on
 * (Apache Traffic Server does): what the answer took, and a second, proves nothing. */
int cab_answer_age(const cab_answer *answer);
/* What that clock shows as the answer arrives: its date, and what a cache has kept it for since;
 * -1: the answer does not tell it. */
int64_t cab_answer_now(const cab_answer *answer);
/* Seconds that the answer's Retry-After asks to wait, a year at most; -1 when it has none or an
 * unreadable one. Both forms: seconds and date (RFC 9110, 10.2.3), which counts from the answer's
 * own clock; where it does not tell it, from `utc`. */
double cab_answer_retry_after(const cab_answer *answer, double utc);

#pragma GCC visibility pop

#endif
