/* When to try again: pure policy, no clock, no random source of its own. */
#ifndef CAB_RETRY_H
#define CAB_RETRY_H

#include <stdbool.h>

#pragma GCC visibility push(hidden)

typedef struct {
    int max_attempts;  /* 1: never again */
    double base_delay; /* seconds */
    double max_delay;
} cab_retry_policy;

typedef struct {
    int attempt;        /* attempts made so far, from 1 */
    bool transient;     /* trying again is safe and may succeed */
    double retry_after; /* seconds that the service asks to wait; negative: it does not say */
    double remaining;   /* seconds until the call's deadline; HUGE_VAL: none */
    double random;      /* in [0, 1) */
} cab_retry_case;

/* Without a deadline, a service that asks to wait longer than this ends the call at once. */
#define CAB_RETRY_LONGEST_WAIT 300.0

/* Seconds to wait before the next attempt, or -1 to stop. Full jitter: anything between nothing
 * and min(max_delay, base_delay * 2^(attempt - 1)), but never less than Retry-After. A wait that
 * would not end before the deadline is not begun. */
double cab_retry_delay(const cab_retry_policy *policy, const cab_retry_case *last);

#pragma GCC visibility pop

#endif
