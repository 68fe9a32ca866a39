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

typedef struct {
    cab_op_class op;
    cab_kind broken;        /* what ended the attempt before a complete answer; NONE: nothing did */
    cab_reason reason;      /* of that */
    bool sent;              /* a byte of the request may have reached the service */
    int status;             /* 0: no answer */
    bool too_many_requests; /* the service's own code for that, CB.00060211 */
    bool failed;            /* a 2xx whose body says that it failed */
    cab_reason body_problem; /* of a 2xx: bad_json, bad_answer; NONE: it is what was asked for */
} cab_facts;

typedef struct {
    cab_kind kind; /* NONE: success */
    cab_reason reason;
    cab_outcome outcome;
    bool transient; /* another attempt may succeed and cannot start a second build */
} cab_verdict;

/* The verdict about the end of an attempt. */
cab_verdict cab_classify(const cab_facts *f);

#pragma GCC visibility pop

#endif
