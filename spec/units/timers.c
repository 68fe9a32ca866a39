/* The heap of moments, against a list that is searched. */
#include "cab/timers.h"

#include <stdint.h>

#include "unit.h"

enum { TIMERS = 40, STEPS = 20000 };

static unsigned number(void) {
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

int main(void) {
    static cab_timer timers[TIMERS];
    cab_timers h = {0};
    CHECK("an empty one", cab_timers_first(&h) == NULL);
    CHECK("room", cab_timers_reserve(&h, TIMERS));
    cab_timers_clear(&h, &timers[0]); /* one that is not in */
    for (int step = 0; step < STEPS && failures == 0; step++) {
        cab_timer *timer = &timers[number() % TIMERS];
        if (number() % 3 == 0) {
            cab_timers_clear(&h, timer);
        } else {
            cab_timers_set(&h, timer, number() % 50); /* often, again */
        }
        const cab_timer *first = NULL;
        size_t count = 0;
        for (int i = 0; i < TIMERS; i++) {
            if (timers[i].place != 0) {
                count++;
                first = first == NULL || timers[i].at_ms < first->at_ms ? &timers[i] : first;
                CHECK("its place", h.nodes[timers[i].place] == &timers[i]);
            }
        }
        CHECK("how many", h.count == count);
        const cab_timer *told = cab_timers_first(&h);
        CHECK("the first", (told == NULL) == (first == NULL));
        CHECK("its moment", told == NULL || first == NULL || told->at_ms == first->at_ms);
    }
    cab_timers_free(&h);
    CHECK("freed", cab_timers_first(&h) == NULL);
    return failures > 0;
}
