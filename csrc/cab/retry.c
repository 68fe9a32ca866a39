#include "cab/retry.h"

#include <math.h>

double cab_retry_delay(const cab_retry_policy *policy, const cab_retry_case *last) {
    if (!last->transient || last->attempt >= policy->max_attempts) {
        return -1;
    }
    double ceiling = fmin(policy->max_delay, ldexp(policy->base_delay, last->attempt - 1));
    double delay = fmax(ceiling * last->random, last->retry_after);
    double limit = isinf(last->remaining) ? fmax(CAB_RETRY_LONGEST_WAIT, ceiling) : last->remaining;
    return delay < limit ? delay : -1;
}
