/* Steps: move what is in flight, judge what was answered, run the callbacks that are due.
 *
 * A client is in one phase (lcab_client.phase), and what may be done to it follows from that alone:
 *
 *   IDLE          no step is under way: everything may be done.
 *   MOVING        calls are being ended. Only finalizers can run, whenever Lua allocates; they may
 *                 start and cancel calls, but `c` and its calls must stay: a step or wait is
 *                 refused, a close is noted (close_wanted) and done when the step ends.
 *   CALLING_BACK  a function of the user runs, between two calls that are looked at. It may close:
 *                 whoever called it looks afterwards whether `c` is still there. It must not step
 *                 or wait, which would run other callbacks inside of this one.
 *
 * Phases nest as their functions do: each sets its own and puts back the one it found. */
#ifndef LCAB_LUA_STEP_H
#define LCAB_LUA_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include <lua.h>

#include "lua/lua_client.h"

#pragma GCC visibility push(hidden)

#define LCAB_NOT_IN_CALLBACK "a callback must not step or wait: it already runs inside a step"
/* Slots of Lua's stack that a step needs. */
#define LCAB_STEP_STACK 64

/* Adds `step`, `advance`, `raised`, `delivering` and `close` to the methods of clients. */
void lcab_step_open(lua_State *L);

/* One step of an open client: moves, judges, delivers. `client` is the userdata's stack index. A
 * `limited` one ends after its budget; what it leaves comes first in the next, before anything else
 * is moved. What callbacks raise is kept for lcab_take_raised. Answers what lua_pcall would: when
 * it is not 0, stack or memory ran out, which the text on top tells. */
int lcab_step(lua_State *L, lcab_client *u, int client, int64_t wait_ms, bool limited);
/* Pushes the first error of a callback since the last time, if there is one. */
bool lcab_take_raised(lua_State *L, int client);

#pragma GCC visibility pop

#endif
