#include "cab/states.h"

#include "cab/hosts.h"
#include "cab/identity.h"
#include "cab/trace.h"

/* What keeps a call in its state; NULL: nothing does. */
static cab_list *list_of(cab_states *states, const cab_call *call) {
    switch (call->state) {
    case CAB_CALL_NEW:
    case CAB_CALL_DONE:
        return NULL;
    case CAB_CALL_PARKED:
        return &call->identity->parked;
    case CAB_CALL_QUEUED:
        return &call->host->waiting;
    default:
        return &states->in[call->state];
    }
}

void cab_states_leave(cab_states *states, cab_call *call) {
    cab_list *list = list_of(states, call);
    cab_timers_clear(&states->timers, &call->timer);
    states->queued -= call->state == CAB_CALL_QUEUED ? 1 : 0;
    states->in_flight -= call->state == CAB_CALL_IN_FLIGHT ? 1 : 0;
    states->unannounced -= call->state == CAB_CALL_ADMITTING && !call->announced ? 1 : 0;
    if (list != NULL) {
        cab_list_remove(list, &call->link);
    }
}

void cab_states_enter(cab_states *states, cab_call *call, cab_call_state state) {
    if (states->trace) {
        cab_trace(call, state);
    }
    cab_states_leave(states, call);
    call->state = state;
    cab_list *list = list_of(states, call);
    states->queued += state == CAB_CALL_QUEUED ? 1 : 0;
    states->in_flight += state == CAB_CALL_IN_FLIGHT ? 1 : 0;
    if (state == CAB_CALL_ADMITTING) {
        call->announced = false;
        states->unannounced++;
    }
    if (list != NULL) {
        cab_list_add(list, &call->link);
    }
    bool waits =
        state == CAB_CALL_QUEUED || state == CAB_CALL_PARKED || state == CAB_CALL_ADMITTING;
    if (waits && call->deadline_ms != INT64_MAX) {
        cab_timers_set(&states->timers, &call->timer, call->deadline_ms);
    }
}
