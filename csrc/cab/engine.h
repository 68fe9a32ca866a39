/* The only user of libcurl: moves prepared requests over a multi handle behind one descriptor.
 * Nothing here knows what a request means, and nothing here sends one again. */
#ifndef CAB_ENGINE_H
#define CAB_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cab/budget.h"
#include "cab/error.h"
#include "cab/hosts.h"
#include "cab/request.h"
#include "cab/trust.h"

#pragma GCC visibility push(hidden)

typedef struct cab_engine cab_engine;
typedef struct cab_transfer cab_transfer;

/* What all requests of an engine share. Texts are copied; NULL means libcurl's default, which is
 * "none" for both proxy texts: the environment is never read. */
typedef struct {
    const char *proxy; /* never for requests that are `direct` */
    const char *no_proxy;
    cab_trust trust;
    const char *const *resolve; /* "host:port:address" entries */
    size_t resolve_count;
    int http_version; /* 0 (best that both know), 1, 2 */
    long max_connections;
    long idle_timeout_s;
} cab_engine_options;

/* Whether the libcurl that runs is 7.80 or newer. Costs and opens nothing. */
bool cab_engine_check_version(cab_error *err);
/* Prepares libcurl once for the whole process, and its TLS for whoever wants that; safe from
 * several threads. False, with the reason, when it fails to start. */
bool cab_engine_global_init(bool tls, cab_error *err);
/* libcurl's own description of itself and its TLS library. Static memory. */
const char *cab_engine_curl_version(void);
const char *cab_engine_tls_version(void);

/* NULL with err when libcurl or the system has no memory or descriptors to give. */
cab_engine *cab_engine_new(const cab_engine_options *options, cab_error *err);
/* Ends every transfer without an answer and frees everything. */
void cab_engine_free(cab_engine *e);
/* For a forked child: lets go of the descriptors and touches nothing that the parent shares. The
 * memory behind libcurl's handles is deliberately kept. */
void cab_engine_abandon(cab_engine *e);

/* That of its options. */
const cab_trust *cab_engine_trust(const cab_engine *e);

/* Starts one attempt. `owner` comes back with the answer. NULL with err when it could not begin;
 * nothing was sent then. */
cab_transfer *cab_engine_begin(cab_engine *e, const cab_request *request, void *owner,
                               cab_error *err);
/* Moves what has just begun, so that many beginnings can be spread over steps. */
void cab_engine_push(cab_engine *e, cab_budget *budget);
/* Moves everything that can move, waiting up to wait_ms (-1: until something happens). What the
 * budget leaves, the next step finds. */
void cab_engine_step(cab_engine *e, int64_t wait_ms, cab_budget *budget);
/* The next attempt that has ended by itself, or NULL; each is told once, and its answer stays
 * valid until it is released. */
cab_transfer *cab_engine_next_ended(cab_engine *e);
/* The next transfer that holds bytes of a streamed 2xx body, or NULL; the owner takes them from
 * the answer's body and clears it. Each is told once a step. */
cab_transfer *cab_engine_next_streaming(cab_engine *e);
/* Has a running transfer told again, with or without bytes; until then it may rest. */
void cab_engine_hold(cab_engine *e, cab_transfer *t);

/* What came in with the request, and what became of it. */
void *cab_transfer_owner(const cab_transfer *t);
cab_answer *cab_transfer_answer(cab_transfer *t);
/* Breaks off a running attempt and ends it at once; its answer then tells whether something may
 * have been sent. What to call that is the caller's to write into the answer's error. */
void cab_transfer_abort(cab_engine *e, cab_transfer *t);
/* Gives an ended transfer back. */
void cab_transfer_release(cab_engine *e, cab_transfer *t);
/* Whether libcurl has let out something of a running attempt. */
bool cab_transfer_is_out(const cab_transfer *t);
/* Milliseconds (monotonic) of the last byte received, or of the start. */
int64_t cab_transfer_last_byte_ms(const cab_transfer *t);
/* Whether libcurl may have it wait for room on a connection before it was sent at all. */
bool cab_transfer_waits(const cab_transfer *t);

/* Readable when a step is due; the engine keeps it. */
int cab_engine_fd(const cab_engine *e);
/* See cab_poller_can_wake. */
bool cab_engine_can_wake(cab_engine *e);
/* See cab_poller_wake. */
void cab_engine_wake(cab_engine *e);
/* See cab_poller_wake_fd. */
int cab_engine_wake_fd(cab_engine *e);
/* Milliseconds until a step is due whatever happens; -1: never. */
int64_t cab_engine_timeout_ms(const cab_engine *e);
/* Whether the last step left sockets that have news. What begins meanwhile would make it worse:
 * libcurl moves all whose time has come at once, and each has a time of 200 ms to be connected in.
 */
bool cab_engine_is_behind(const cab_engine *e);
/* Whom a request goes to; see cab_hosts_get. Every request has to name it. */
cab_host *cab_engine_host(cab_engine *e, const cab_host_key *key);
/* The one after `host`, NULL: the first; NULL: there is no more. */
cab_host *cab_engine_next_host(const cab_engine *e, cab_host *host);
/* See cab_host_is_free_in_ms. */
int64_t cab_engine_is_free_in_ms(cab_engine *e, cab_host *host, int64_t now_ms);

#pragma GCC visibility pop

#endif
