/* What the end of an attempt means: pure rules, one place (contract: "At most one build"). */
#ifndef CAB_CLASSIFY_H
#define CAB_CLASSIFY_H

#include <stdbool.h>

#include "cab/error.h"

#pragma GCC visibility push(hidden)

typedef enum {
    CAB_OP_READ,   /* changes nothing: may be repeated freely */
    CAB_OP_CHANGE, /* repeated only when the service cannot have acted */
    CAB_OP_START   /* the same, and the error tells whether a build may have started */
} cab_op_class;

/* What a body proves, whatever the status says. */
typedef enum {
    CAB_SAYS_NOTHING,
    CAB_SAYS_BOTH,          /* a status or code of a refusal, and what tells of a build */
    CAB_SAYS_BUSY,          /* the service itself: too many requests */
    CAB_SAYS_TROUBLE,       /* the service itself: its own trouble, which may pass */
    CAB_SAYS_NOT_FORWARDED, /* the gateway before the service: it refused, and passed nothing on */
    CAB_SAYS_NO_SUCH_API    /* the same, because it knows of no such operation */
} cab_says;

typedef enum {
    CAB_AGAIN_NEVER,
    CAB_AGAIN_RENEWED, /* once, with new credentials */
    CAB_AGAIN_LATER    /* as often as the call's policy has it */
} cab_again;

typedef struct {
    cab_op_class op;
    cab_kind broken;   /* what ended the attempt before a complete answer; NONE: nothing did */
    cab_reason reason; /* of that */
    bool sent;         /* a byte of the request may have reached the service */
    int status;        /* 0: no answer */
    cab_says says;
    bool failed;             /* a 2xx whose body says that it failed */
    cab_reason body_problem; /* of a 2xx: bad_json, bad_answer; NONE: it is what was asked for */
    bool kept;               /* a cache on the way says that it was another start's answer before */
} cab_ending;

typedef struct {
    cab_kind kind; /* NONE: success */
    cab_reason reason;
    cab_outcome outcome;
    cab_again again; /* whether another attempt may succeed and cannot start a second build */
} cab_verdict;

/* The verdict about the end of an attempt. */
cab_verdict cab_classify(const cab_ending *ending);

/* What an error code of the service proves; of the gateway's codes, those that an answer carries as
 * the gateway writes them (`gateway_form`), since a service may tell of another one's trouble. */
cab_says cab_code_says(const char *code, bool gateway_form);

/* Whether a code of the gateway may have been said of something else than the request: nginx's
 * `error_page` answers with the status of the failure and, where nothing but the service has that
 * page, with what the gateway says of the page. `server` is the answer's header of that name, or
 * NULL. */
bool cab_code_is_of_page(const char *code, int status, const char *server, size_t len);

#pragma GCC visibility pop

#endif
