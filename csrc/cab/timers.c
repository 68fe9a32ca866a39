#include "cab/timers.h"

#include <stdlib.h>

bool cab_timers_reserve(cab_timers *h, size_t count) {
    if (count < h->cap) {
        return true;
    }
    size_t cap = h->cap == 0 ? 16 : h->cap;
    while (cap <= count) {
        cap *= 2;
    }
    cab_timer **nodes = realloc(h->nodes, cap * sizeof(cab_timer *));
    if (nodes == NULL) {
        return false;
    }
    h->nodes = nodes;
    h->cap = cap;
    return true;
}

static void put(cab_timers *h, cab_timer *timer, size_t place) {
    h->nodes[place] = timer;
    timer->place = place;
}

static void settle(cab_timers *h, cab_timer *timer, size_t place) {
    while (place > 1 && timer->at_ms < h->nodes[place / 2]->at_ms) {
        put(h, h->nodes[place / 2], place);
        place /= 2;
    }
    for (;;) {
        size_t child = place * 2;
        if (child > h->count) {
            break;
        }
        if (child < h->count && h->nodes[child + 1]->at_ms < h->nodes[child]->at_ms) {
            child++;
        }
        if (h->nodes[child]->at_ms >= timer->at_ms) {
            break;
        }
        put(h, h->nodes[child], place);
        place = child;
    }
    put(h, timer, place);
}

void cab_timers_set(cab_timers *h, cab_timer *timer, int64_t at_ms) {
    timer->at_ms = at_ms;
    settle(h, timer, timer->place != 0 ? timer->place : ++h->count);
}

void cab_timers_clear(cab_timers *h, cab_timer *timer) {
    if (timer->place == 0) {
        return;
    }
    size_t place = timer->place;
    cab_timer *last = h->nodes[h->count--];
    timer->place = 0;
    if (last != timer) {
        settle(h, last, place);
    }
}

void cab_timers_free(cab_timers *h) {
    free(h->nodes);
    h->nodes = NULL;
    h->count = h->cap = 0;
}
