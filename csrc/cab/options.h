/* What a client is made with, and each of its calls begins with. */
#ifndef CAB_OPTIONS_H
#define CAB_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "cab/buf.h"
#include "cab/endpoint.h"
#include "cab/identity.h"
#include "cab/retry.h"

#pragma GCC visibility push(hidden)

#define CAB_MAX_ENDPOINTS 8

typedef struct {
    cab_endpoint endpoints[CAB_MAX_ENDPOINTS]; /* taken over */
    size_t endpoint_count;
    cab_identity *identity; /* taken over; NULL: none */
    double timeout, connect_timeout, deadline;
    cab_retry_policy retry;
    size_t max_response_bytes;
    size_t max_connections;
    size_t max_in_flight; /* 0: no limit of its own */
    bool proxy_loopback;  /* the proxy is on this machine, or there is none */
    bool allow_http;
    bool events;
    bool trace;      /* tell each state of each call on standard error */
    cab_buf headers; /* taken over; lines with their NULs */
    cab_buf secrets; /* likewise: texts to mask */
} cab_client_options;

/* Whether an endpoint is spoken to over TLS. */
bool cab_client_options_want_tls(const cab_client_options *o);
/* Frees what they own. */
void cab_client_options_free(cab_client_options *o);

#pragma GCC visibility pop

#endif
