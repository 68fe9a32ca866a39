/* How long a step may work before it leaves the rest to the next. Whoever works asks after each
 * piece, and only when there is another: so every stage of a step does one, whatever the clock
 * says.
 */
#ifndef CAB_BUDGET_H
#define CAB_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "cab/clock.h"

#pragma GCC visibility push(hidden)

#ifndef CAB_BUDGET_US
#define CAB_BUDGET_US 2000
#endif

typedef struct {
    int64_t ends_us; /* monotonic; INT64_MAX: never */
    bool over;       /* something was left to the next step */
} cab_budget;

/* Begins anew; without a limit for those who wait for the end. */
static inline void cab_budget_begin(cab_budget *budget, bool limited) {
    budget->ends_us = limited ? cab_clock_us() + CAB_BUDGET_US : INT64_MAX;
    budget->over = false;
}

/* Whether it ends at all. */
static inline bool cab_budget_is_limited(const cab_budget *budget) {
    return budget->ends_us != INT64_MAX;
}

/* Time that was slept is no work. */
static inline void cab_budget_slept(cab_budget *budget) {
    if (cab_budget_is_limited(budget)) {
        budget->ends_us = cab_clock_us() + CAB_BUDGET_US;
    }
}

/* Whether it has been used up. */
static inline bool cab_budget_is_spent(const cab_budget *budget) {
    return cab_budget_is_limited(budget) && cab_clock_us() >= budget->ends_us;
}

/* Whether to leave the rest, which is remembered. */
static inline bool cab_budget_is_over(cab_budget *budget) {
    if (cab_budget_is_spent(budget)) {
        budget->over = true;
        return true;
    }
    return false;
}

#pragma GCC visibility pop

#endif
