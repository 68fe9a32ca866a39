/* Error values. Nothing here allocates: an error can always be told, out of memory included. */
#ifndef CAB_ERROR_H
#define CAB_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

typedef enum {
    CAB_KIND_NONE = 0,
    CAB_KIND_USAGE,
    CAB_KIND_CONFIG,
    CAB_KIND_AUTH,
    CAB_KIND_API,
    CAB_KIND_TRANSPORT,
    CAB_KIND_TIMEOUT,
    CAB_KIND_PROTOCOL,
    CAB_KIND_BUILD,
    CAB_KIND_KEY,
    CAB_KIND_CANCELLED,
    CAB_KIND_MEMORY /* becomes the host's own out-of-memory error, never a structured one */
} cab_kind;

/* Whether a build may have been started. Ordered: a later stage may only raise it. */
typedef enum { CAB_OUTCOME_NOT_STARTED = 0, CAB_OUTCOME_UNKNOWN, CAB_OUTCOME_STARTED } cab_outcome;

typedef enum {
    CAB_REASON_NONE = 0,
    CAB_REASON_RESOLVE,
    CAB_REASON_CONNECT,
    CAB_REASON_PROXY,
    CAB_REASON_TLS_VERIFY,
    CAB_REASON_TLS_HANDSHAKE,
    CAB_REASON_TLS_CONFIG,
    CAB_REASON_RESET,
    CAB_REASON_CLOSED,
    CAB_REASON_HTTP2,
    CAB_REASON_TOO_LARGE,
    CAB_REASON_BAD_JSON,
    CAB_REASON_BAD_HTTP,
    CAB_REASON_BAD_ANSWER,
    CAB_REASON_REDIRECT,
    CAB_REASON_ENCODED,
    CAB_REASON_DEADLINE,
    CAB_REASON_CONNECT_TIMEOUT,
    CAB_REASON_TIMEOUT,
    CAB_REASON_WAIT,
    CAB_REASON_STORE,
    CAB_REASON_INTERNAL
} cab_reason;

typedef struct {
    cab_kind kind;
    cab_reason reason;
    char field[96];
    char message[480];
} cab_error;

/* The contract's name of each value; NULL for the _NONE ones. */
const char *cab_kind_name(cab_kind kind);
const char *cab_reason_name(cab_reason reason);
const char *cab_outcome_name(cab_outcome outcome);

/* Fills an error, cutting what does not fit. `field` may be NULL. Answers false, so that a
 * failing function can `return cab_fail(...)`. */
bool cab_fail(cab_error *err, cab_kind kind, cab_reason reason, const char *field, const char *fmt,
              ...) __attribute__((format(printf, 5, 6), cold));
__attribute__((cold)) bool cab_fail_memory(cab_error *err);

#pragma GCC visibility pop

#endif
