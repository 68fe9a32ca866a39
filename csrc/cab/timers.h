/* A heap of moments. Nodes belong to their owners. */
#ifndef CAB_TIMERS_H
#define CAB_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

typedef struct {
    int64_t at_ms;
    size_t place; /* 0: not in the heap */
} cab_timer;

typedef struct {
    cab_timer **nodes; /* [1 .. count] */
    size_t count, cap;
} cab_timers;

/* Room for `count` timers in all, so that setting one of them cannot fail. */
bool cab_timers_reserve(cab_timers *h, size_t count);
/* (Re)sets a timer. */
void cab_timers_set(cab_timers *h, cab_timer *timer, int64_t at_ms);
/* Takes it out; fine when it is not in. */
void cab_timers_clear(cab_timers *h, cab_timer *timer);
/* The earliest one, or NULL. */
static inline cab_timer *cab_timers_first(const cab_timers *h) {
    return h->count > 0 ? h->nodes[1] : NULL;
}
void cab_timers_free(cab_timers *h);

#pragma GCC visibility pop

#endif
