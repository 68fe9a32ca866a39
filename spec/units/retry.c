/* When an attempt is made again. */
#include "cab/retry.h"

#include <math.h>

#include "unit.h"

static const struct {
    const char *what;
    cab_retry_policy policy;
    cab_retry_case last;
    double delay; /* -1: not again */
} ROWS[] = {
    {"the first pause", {4, 0.2, 20}, {1, true, -1, HUGE_VAL, 0.5}, 0.1},
    {"the second", {4, 0.2, 20}, {2, true, -1, HUGE_VAL, 0.5}, 0.2},
    {"the third", {4, 0.2, 20}, {3, true, -1, HUGE_VAL, 0.5}, 0.4},
    {"no fourth", {4, 0.2, 20}, {4, true, -1, HUGE_VAL, 0.5}, -1},
    {"never", {1, 0.2, 20}, {1, true, -1, HUGE_VAL, 0.5}, -1},
    {"what would do no better", {4, 0.2, 20}, {1, false, -1, HUGE_VAL, 0.5}, -1},
    {"no luck", {4, 0.2, 20}, {1, true, -1, HUGE_VAL, 0}, 0},
    {"the ceiling", {100, 0.2, 20}, {50, true, -1, HUGE_VAL, 0.5}, 10},
    {"beyond every exponent", {5000, 0.2, 20}, {4000, true, -1, HUGE_VAL, 0.5}, 10},
    {"no pause at all", {4, 0, 0}, {1, true, -1, HUGE_VAL, 0.9}, 0},
    {"as the service asks", {4, 0.2, 20}, {1, true, 3, HUGE_VAL, 0.5}, 3},
    {"more than it asks", {4, 10, 20}, {1, true, 3, HUGE_VAL, 0.5}, 5},
    {"at once", {4, 0.2, 20}, {1, true, 0, HUGE_VAL, 0}, 0},
    {"longer than anybody waits", {4, 0.2, 20}, {1, true, 300, HUGE_VAL, 0.5}, -1},
    {"almost as long", {4, 0.2, 20}, {1, true, 299, HUGE_VAL, 0.5}, 299},
    {"a policy of longer pauses", {9, 1000, 1000}, {1, true, 900, HUGE_VAL, 0.5}, 900},
    {"within the deadline", {4, 0.2, 20}, {1, true, 3, 3.5, 0.5}, 3},
    {"at the deadline", {4, 0.2, 20}, {1, true, 3, 3, 0.5}, -1},
    {"long, but within it", {4, 0.2, 20}, {1, true, 1000, 2000, 0.5}, 1000},
    {"after it", {4, 0.2, 20}, {1, true, -1, -1, 0.5}, -1},
};

int main(void) {
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        double delay = cab_retry_delay(&ROWS[i].policy, &ROWS[i].last);
        CHECK(ROWS[i].what, fabs(delay - ROWS[i].delay) < 1e-9);
    }
    return failures > 0;
}
