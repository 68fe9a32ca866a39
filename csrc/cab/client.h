/* All calls of one client over one engine: queue, timers, capacity. */
#ifndef CAB_CLIENT_H
#define CAB_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cab/budget.h"
#include "cab/call.h"
#include "cab/engine.h"
#include "cab/error.h"
#include "cab/list.h"
#include "cab/options.h"
#include "cab/states.h"
#include "cab/worker.h"

#pragma GCC visibility push(hidden)

/* The gateway refuses more (API reference 3.1, 6.4). */
#define CAB_MAX_REQUEST_BYTES (12u * 1024 * 1024)

typedef enum { CAB_EVENT_REQUEST, CAB_EVENT_RESPONSE, CAB_EVENT_RETRY } cab_event_type;

typedef struct {
    cab_event_type type;
    size_t slot; /* of the call */
    char operation[64];
    int attempt;
    int status;    /* response; 0: none came */
    cab_kind kind; /* retry: why */
    cab_reason reason;
    double delay;   /* retry: seconds until the next attempt */
    double elapsed; /* response: seconds of the attempt */
} cab_event;

struct cab_client {
    cab_client_options options;
    cab_engine *engine;
    cab_recent of_calls; /* what they brought themselves, and what came of it */
    cab_identity *store; /* who its key store signs in as; NULL: nobody */
    cab_buf url;         /* of the attempt that is being begun */
    cab_states states;
    cab_call **calls; /* every call there is, by its slot - 1 */
    size_t slots, slots_cap;
    cab_list spare;                     /* done, and owned by nobody */
    size_t open;                        /* calls submitted and not done */
    cab_host *hosts[CAB_MAX_ENDPOINTS]; /* of the endpoints, as they are asked for first */
    cab_host *served;                   /* the one that a call to began last */
    size_t endpoint;                    /* the one that worked last */
    uint64_t random;                    /* state of the jitter */
    unsigned process;                   /* the number of the one that made it */
    int64_t looked_ms;                  /* what had come by then was read */
    bool exported;                      /* somebody sleeps on the descriptor */
    bool parked_now;     /* a call began to wait for credentials or admission in this step */
    cab_worker *worker;  /* NULL before the first work, and where there are no threads */
    bool starts_by_twin; /* RunJob is gone from the service: ExecuteJob starts builds */
    cab_event *events;
    size_t event_count, event_cap;
};

/* The first client also starts libcurl. NULL with err on failure; `options` is then left to its
 * owner, else taken over. */
cab_client *cab_client_new(const cab_client_options *options, const cab_engine_options *engine,
                           cab_error *err);
/* Frees everything; calls that are not done end without an answer. Calls still owned by the
 * binding stay valid (state DONE) until cab_client_release. */
void cab_client_free(cab_client *c);
/* True in a forked child of the process that made the client. Then only cab_client_free may be
 * called, which leaves everything shared with the parent alone. */
bool cab_client_forked(const cab_client *c);

/* A call to fill in; NULL when memory ran out. Its buffers are empty, its limits the client's. */
cab_call *cab_client_acquire(cab_client *c);
/* Starts it. Nothing can fail here: what cannot go on ends the call. */
void cab_client_submit(cab_client *c, cab_call *call);
/* The binding lets go of a call that is new or done. */
void cab_client_release(cab_client *c, cab_call *call);
/* Ends an open call as cancelled; its outcome is told at the next pump. */
void cab_client_cancel(cab_client *c, cab_call *call);
void cab_client_cancel_all(cab_client *c);
/* Whoever sleeps on the descriptor is to call cab_client_step. */
void cab_client_wake(cab_client *c);

/* Moves everything that is in flight as far as the budget goes, waiting up to wait_ms (-1: without
 * limit) for something to happen. Does not wait when nothing can happen by waiting, or when a call
 * begins to wait for credentials: somebody else has to act then. */
void cab_client_step(cab_client *c, int64_t wait_ms, cab_budget *budget);
/* The next call to be judged, or NULL. */
cab_call *cab_client_next_answered(cab_client *c);
/* Judges it. True: it has ended, the binding takes what it needs and calls cab_client_finish.
 * False: it goes on by itself. */
bool cab_client_judge(cab_client *c, cab_call *call, const cab_reading *body);
void cab_client_finish(cab_client *c, cab_call *call);
/* A call whose transfer holds bytes of a streamed body, or NULL. */
cab_call *cab_client_next_streaming(cab_client *c);
/* Its receiver has not done with what it got: the call is told again in the next step, and nothing
 * more is read meanwhile. */
void cab_client_hold(cab_client *c, cab_call *call);

/* A call of which an attempt has begun to wait for admission, each attempt once; or NULL. */
cab_call *cab_client_next_admission(cab_client *c);
/* Lets the attempt go out that waits for it (CAB_CALL_ADMITTING), with the credentials that it has,
 * signed with that date (UTC) if it is signed. To refuse it, cancel the call. */
void cab_client_admit(cab_client *c, cab_call *call, double date);

/* What a call brings, and what it obtains by that: the service may repeat it to all others. */
void cab_client_know(cab_client *c, const cab_identity *i);
/* Puts new credentials in, or fails every parked call with an error that the binding keeps. */
void cab_client_unpark(cab_identity *i);
void cab_client_fail_parked(cab_identity *i);
/* Whether nothing is on its way any more: every open call waits for credentials. */
bool cab_client_is_stuck(const cab_client *c);
/* Whether no open call goes on by itself, but for its deadline: all of them wait for admission, or
 * are the limits of waits. */
bool cab_client_is_still(const cab_client *c);

/* The one descriptor to wait for; see cab_engine_fd. -1 when the system has no second one to wake
 * it by. */
int cab_client_fd(cab_client *c);
/* The same, for somebody who knows otherwise when calls are started or cancelled: that does not
 * make it readable. */
int cab_client_watched_fd(const cab_client *c);
/* Milliseconds until the client wants a step whatever its descriptor says; -1: never. */
int64_t cab_client_timeout_ms(const cab_client *c);

#pragma GCC visibility pop

#endif
