#include "cab/retry.h"

#include <math.h>

double cab_retry_delay(const cab_retry_policy *policy, const cab_retry_case *c) {
    if (!c->transient || c->attempt >= policy->max_attempts) {
        return -1;
    }
    double ceiling = fmin(policy->max_delay, ldexp(policy->base_delay, c->attempt - 1));
    double delay = fmax(ceiling * c->random, c->retry_after);
    double limit = isinf(c->remaining) ? fmax(CAB_RETRY_LONGEST_WAIT, ceiling) : c->remaining;
    return delay < limit ? delay : -1;
}
