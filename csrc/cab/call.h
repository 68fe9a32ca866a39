/* One call's life: park until there are credentials, attempt, classify, retry, end. The client
 * (client.h) owns the calls and tells them when; this room decides what an attempt sends and what
 * its end means. */
#ifndef CAB_CALL_H
#define CAB_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cab/buf.h"
#include "cab/classify.h"
#include "cab/endpoint.h"
#include "cab/engine.h"
#include "cab/error.h"
#include "cab/identity.h"
#include "cab/list.h"
#include "cab/options.h"
#include "cab/retry.h"
#include "cab/timers.h"
#include "cab/trust.h"
#include "cab/url.h"
#include "cab/worker.h"

#pragma GCC visibility push(hidden)

typedef enum {
    CAB_CALL_NEW,       /* being filled in */
    CAB_CALL_QUEUED,    /* waits for room in the engine */
    CAB_CALL_PARKED,    /* waits for credentials */
    CAB_CALL_ADMITTING, /* its attempt is ready, and waits for the binding's word */
    CAB_CALL_WORKING,   /* a thread does its work */
    CAB_CALL_WAITING,   /* waits for a moment: between attempts, or a plain sleep */
    CAB_CALL_IN_FLIGHT, /* an attempt is in the engine */
    CAB_CALL_ANSWERED,  /* an attempt ended, or the call did without one; to be judged */
    CAB_CALL_DONE
} cab_call_state;

/* For people: in traces. */
const char *cab_call_state_name(cab_call_state state);

typedef struct cab_client cab_client; /* see client.h: nothing here looks into it */

typedef struct cab_call {
    cab_timer timer;
    cab_link link; /* in the list of its state */
    cab_call_state state;
    bool owned; /* the binding still holds it */

    /* What is asked for. Filled in by the binding between acquire and submit. */
    char operation[64];
    cab_op_class op;
    char method[12];
    cab_endpoint elsewhere; /* base set: not the client's endpoint */
    bool has_body;
    bool direct;         /* past the proxy */
    bool has_trust;      /* not the client's */
    cab_trust trust;     /* its texts are set with each attempt */
    bool asks_admission; /* each attempt waits for cab_client_admit */
    bool any_status;     /* the binding takes every HTTP answer as a result */
    bool stream, bytes;  /* see cab_request */
    cab_work *work;      /* no request at all: ends when that is done; freed with the call */
    bool work_blocked;   /* there was no thread for it */
    bool sleeps;         /* no request at all: ends after `delay_ms` */
    bool limits;         /* how long somebody waits: at its end nothing goes on but who waits */
    int64_t delay_ms;
    cab_identity *identity;                    /* NULL: goes out unsigned */
    double timeout, connect_timeout, deadline; /* seconds; deadline 0: none */
    cab_retry_policy retry;
    bool no_client_headers;
    const char *other_path; /* static; the same by its twin, should the service have this no more */
    const char *other_operation;

    /* Progress. */
    int64_t started_ms, deadline_ms; /* INT64_MAX: none */
    int attempts;
    cab_host *host;          /* while it is queued or in flight */
    size_t endpoint;         /* which of the client's */
    size_t endpoints_failed; /* one after the other, without a pause */
    bool renewed;            /* its credentials were refused, and renewed for it; once is enough */
    bool announced;          /* that an attempt waits for admission */
    bool admitted;           /* the attempt that begins next; signed with `admitted_at` (UTC) */
    double admitted_at;
    bool cancelled; /* with an answer at hand, which is the last */
    bool granted;   /* it waited for the current credentials: it may use them whatever their age */
    bool deadline_bound; /* the attempt's limit is what the deadline leaves */
    bool connect_bound;  /* the time to connect was over before that limit */
    bool held;           /* a stream's receiver goes on with what it has in the next step */
    bool silent;         /* the client broke the attempt off: a stream fell silent */
    cab_transfer *transfer;
    cab_credentials *credentials; /* of the attempt */
    cab_text canonical_request;   /* of a signed attempt; in `scratch` */

    /* The end. */
    bool judged;
    cab_verdict verdict;
    bool retryable;
    double elapsed;

    /* From here on, what stays when it becomes another call (cab_call_prepare): whose it is, and
     * memory, empty by then. */
    cab_client *client; /* NULL once that is gone */
    size_t slot;   /* 1, 2, …: this call's number among the client's, reused after it is done */
    cab_buf path;  /* with leading slash, percent-encoded */
    cab_buf query; /* canonical, without "?" */
    cab_buf body;
    cab_buf headers;            /* complete lines, each with its NUL */
    cab_buf note;               /* the binding's own */
    cab_buf secrets;            /* texts to mask in what people may read, each with its NUL; what
                                   earlier attempts were sent with, too */
    cab_buf trust_texts;        /* in their order in `trust`, each with its NUL; "" for none */
    cab_buf signature, scratch; /* of the attempt */
    cab_error error;
} cab_call;

/* What the binding read in the answer's body. */
typedef struct {
    cab_says says;
    bool failed;
    cab_reason body_problem;
} cab_reading;

/* What a call needs of its client. */
typedef struct {
    const cab_client_options *options;
    cab_engine *engine;
    cab_buf *url;     /* of the attempt that is being begun */
    cab_host **hosts; /* of the client's endpoints; NULL while nobody has asked for one */
} cab_call_env;

/* Makes it a new call: its buffers stay, all else is as the options say. */
void cab_call_prepare(cab_call *call, const cab_client_options *options);
/* Forgets what it asked for; its buffers keep their memory for the next call. */
void cab_call_forget(cab_call *call);
void cab_call_free(cab_call *call);

/* The answer of the attempt that just ended; NULL when the call ended without one: then its error
 * and verdict are set already. */
cab_answer *cab_call_answer(cab_call *call);

/* The signature of a signed attempt, or NULL. */
const char *cab_call_signature(const cab_call *call);

/* Whom the next attempt goes to: sets `host`. False: no memory. */
bool cab_call_find_host(const cab_call_env *env, cab_call *call);
/* Hands the attempt to the engine. False: it could not begin, `error` says why, nothing was sent.
 */
bool cab_call_attempt(const cab_call_env *env, cab_call *call, int64_t now_ms);

typedef enum { CAB_NEXT_END, CAB_NEXT_NOW, CAB_NEXT_PARK, CAB_NEXT_WAIT } cab_next;
/* What comes after an attempt. Sets verdict, error and retryable; for CAB_NEXT_WAIT also
 * delay_ms. `random` in [0, 1). Asking again about the same attempt answers the same. */
cab_next cab_call_judge(const cab_call_env *env, cab_call *call, const cab_reading *body,
                        int64_t now_ms, double random);

/* Ends the call without (another) attempt. */
void cab_call_fail(cab_call *call, cab_kind kind, cab_reason reason, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#pragma GCC visibility pop

#endif
