/* core.file: the few things about files that Lua's own library cannot do. For small private files
 * (credentials, tokens), and for large ones that come over the network. The Lua side decides which
 * file and when. */
#ifndef LCAB_LUA_FILE_H
#define LCAB_LUA_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <lua.h>

#pragma GCC visibility push(hidden)

/* Adds `file` to the table on top of the stack, a table of functions. Each answers nil, a message
 * (the system's, without the path) and whether there is no such file when the system refuses, and
 * raises nothing but a usage error for a bad argument and out-of-memory:
 *   read(path) -> text, { mode = permission bits, mine = whether this user owns it } : a regular
 *     file of at most 256 KiB; everything is learned from the one opened file
 *   replace(path, text) -> true : atomically, with permissions 0600
 *   lock(path) -> lock | nil : an exclusive lock between processes, kept on a file of its own that
 *     is made if need be and stays; nil alone means that somebody else has it. Never waits.
 *   lock:release() : also when collected, and by the system when the process ends
 *   spool(path) -> spool : a file that gets its name when it is complete; where the system has
 *     files without a name, it disappears however the process ends. Filled by a request whose
 *     `stream` it is.
 *   spool:commit() -> bytes : it becomes the file, in place of an older one
 *   spool:discard() -> nil | why a write failed : forgets it; harmless after commit */
void lcab_file_open(lua_State *L);

/* Whether the value at `index` is a spool. */
bool lcab_is_spool(lua_State *L, int index);
/* Appends to the spool at `index`. False when that failed now or before; commit then says why. */
bool lcab_spool_put(lua_State *L, int index, const char *data, size_t len);

#pragma GCC visibility pop

#endif
