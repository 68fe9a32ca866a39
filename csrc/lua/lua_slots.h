/* C memory beside Lua values, given back when they are collected.
 *
 * Every result has something beside it that hardly anybody asks for. As values of a weak table they
 * would each be collected a cycle later than their owner; and the more memory the collector knows
 * of, the longer it waits. Not to have them there is 1 % of a call's time on LuaJIT.
 *
 * What holds: a weak table maps each owner to the index of its slot, or to a userdata when it
 * needed more than a slot has, or when there was none. A slot is free when no owner maps to it,
 * which is looked for only when none is known to be free; slots move when their number grows, and
 * Lua allocates at nearly every call, so their addresses are good until the next call of Lua only.
 */
#ifndef LCAB_LUA_SLOTS_H
#define LCAB_LUA_SLOTS_H

#include <stddef.h>

#include <lua.h>

#pragma GCC visibility push(hidden)

#define LCAB_SLOT_BYTES 240

/* Once for a Lua state. */
void lcab_slots_open(lua_State *L);

/* Memory of `size` bytes for the value on top of the stack, to be filled in at once. Replaces what
 * it had. */
void *lcab_slot_new(lua_State *L, size_t size);

/* What the value at `index` has, or NULL. `copy` has room for LCAB_SLOT_BYTES. Pushes one value,
 * which keeps it. */
const void *lcab_slot_of(lua_State *L, int index, void *copy);

#pragma GCC visibility pop

#endif
