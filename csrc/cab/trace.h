/* For people who look for a fault: one line on standard error for each state that a call comes to.
 * Without addresses, arguments, answers and credentials: what a line says may be shown to anybody.
 */
#ifndef CAB_TRACE_H
#define CAB_TRACE_H

#include "cab/call.h"

#pragma GCC visibility push(hidden)

/* Before the call leaves the state that it is in for `next`. */
void cab_trace(const cab_call *call, cab_call_state next);

#pragma GCC visibility pop

#endif
