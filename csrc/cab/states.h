/* Which calls of a client are in which state, what keeps them there, and how many there are. */
#ifndef CAB_STATES_H
#define CAB_STATES_H

#include <stdbool.h>
#include <stddef.h>

#include "cab/call.h"
#include "cab/list.h"
#include "cab/timers.h"

#pragma GCC visibility push(hidden)

typedef struct {
    /* By their state, but for those parked at an identity, and those queued for a host. */
    cab_list in[CAB_CALL_DONE];
    size_t queued, in_flight;
    size_t unannounced; /* wait for admission, and nobody was told yet */
    cab_timers timers;  /* of calls; that of one that waits to go out is its deadline */
    bool trace;
} cab_states;

/* Takes the call out of whatever its state keeps it in, its timer included, … */
void cab_states_leave(cab_states *states, cab_call *call);
/* … and puts it into that of another state. */
void cab_states_enter(cab_states *states, cab_call *call, cab_call_state state);

/* The call that has been longest in a state that has a list of its own; NULL: none is. */
static inline cab_call *cab_states_first(const cab_states *states, cab_call_state state) {
    return CAB_CONTAINER_OF(states->in[state].first, cab_call, link);
}

#pragma GCC visibility pop

#endif
