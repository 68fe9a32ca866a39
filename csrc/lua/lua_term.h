/* What the command line needs to know of its terminal and of Ctrl-C. */
#ifndef LCAB_LUA_TERM_H
#define LCAB_LUA_TERM_H

#include <lua.h>

#pragma GCC visibility push(hidden)

/*
 * Adds to the table on top of the stack:
 *
 *   isatty(fd) -> boolean
 *
 *   terminal_size(fd) -> columns, rows; nil if fd is no terminal or does not tell
 *
 *   catch_interrupt(): the next SIGINT only sets a flag; one more ends the process as ever
 *
 *   interrupted() -> whether that SIGINT has come
 *
 * Loading installs no handler: a process has one only after catch_interrupt.
 */
void lcab_term_open(lua_State *L);

#pragma GCC visibility pop

#endif
