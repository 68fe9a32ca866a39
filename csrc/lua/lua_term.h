/* What the command line needs to know of its terminal and its user's time zone, and of the signals
 * that end or stop it. */
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
 *   in_foreground(fd) -> whether this process may draw on the terminal fd: false where another
 *   group of processes has it
 *
 *   catch_endings(ignored): the next SIGINT, SIGTERM and SIGHUP only note that they came, one more
 *   of the same ends the process as ever; those that the process was started with as ignored stay
 *   so, and SIGINT where `ignored` is true (an interpreter's own handler hides it). SIGPIPE is
 *   ignored: a write tells that nobody reads.
 *
 *   ending() -> the first of them that came, "INT", "TERM" or "HUP"; nil: none
 *
 *   catch_suspend(): Ctrl-Z only notes that it came; continuing is noted too
 *
 *   suspend(): stops the process as Ctrl-Z does, and returns when it goes on
 *
 *   suspend_wanted() -> whether Ctrl-Z has come
 *
 *   continued() -> whether the process was stopped and went on, since this was asked last
 *
 *   write(fd, text) -> true | nil, reason, errno: writes all of the text, whatever signals come and
 *   also where a neighbour has made the descriptor non-blocking. Ctrl-Z (catch_suspend) stops it
 *   while nobody reads; once a signal is to end us (ending), 2 seconds in which nobody reads give
 *   EPIPE. Beyond the limit of the size of files it is EFBIG, and no SIGXFSZ.
 *
 *   zone_offset(seconds) -> seconds that the user's time zone (TZ) is ahead of UTC at that moment
 *
 * Loading installs no handler: a process has one only after catch_endings or catch_suspend.
 */
void lcab_term_open(lua_State *L);

#pragma GCC visibility pop

#endif
