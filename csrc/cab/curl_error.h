/* What libcurl's codes mean here. */
#ifndef CAB_CURL_ERROR_H
#define CAB_CURL_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#include "cab/error.h"

#pragma GCC visibility push(hidden)

/* How an attempt failed. The code alone tells neither what was sent nor, often, what went wrong. */
typedef struct {
    int code;         /* a CURLcode, not CURLE_OK */
    const char *why;  /* libcurl's own words; "" for none */
    bool let_out;     /* the request was let out on a connection */
    bool sent;        /* some of it may have reached the peer */
    bool once;        /* libcurl was kept from sending it again */
    bool multiplexes; /* the peer speaks HTTP/2 */
    /* What our own callbacks ended it for. */
    bool no_memory, encoded;
    const char *other;      /* what the answer is in the place of bytes; NULL: it is not that */
    bool connect_too_long;  /* what a proxy answered to CONNECT */
    size_t too_large;       /* the limit that was passed; 0: none */
    const char *unreadable; /* the file of those to trust; NULL: it is not that */
    int connect_status;     /* a proxy's answer to CONNECT; 0: none */
} cab_curl_failure;

/* The error that tells of it. */
void cab_curl_error(const cab_curl_failure *f, cab_error *err);
/* That of a server which ended a new connection over the client's certificate, by this alert;
 * NULL: by one that was not read, or none. */
void cab_curl_refusal(const char *alert, cab_error *err);

#pragma GCC visibility pop

#endif
