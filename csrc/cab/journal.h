/* A file of lines that only grows, for one key: what was written last counts, and it is on the disk
 * before anybody acts on it. Who has it open holds its lock, which the system drops at his death.
 *
 * Durability: a line is written, then fdatasync; then, with the first line that a journal adds, its
 * folder is synced, and with the first file of a folder the folders above it. Whoever opens a
 * journal does so anew, since who wrote what is there may have died before he came to it. */
#ifndef CAB_JOURNAL_H
#define CAB_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "cab/buf.h"
#include "cab/error.h"
#include "cab/worker.h"

#pragma GCC visibility push(hidden)

#define CAB_JOURNAL_LONGEST_LINE (64 * 1024)

typedef struct cab_journal cab_journal;
typedef enum { CAB_JOURNAL_OPEN, CAB_JOURNAL_BUSY, CAB_JOURNAL_FAILED } cab_journal_opened;

/* Opens `name` in `folder`, making what is missing (0700, 0600), and locks it. `any_system`: also
 * on file systems that vanish with a container or a boot (overlayfs, tmpfs); all others but those
 * known to keep their word are refused by name. BUSY: somebody else holds it. Never blocks on a
 * lock. A relative `folder` is that of now and of each append. */
cab_journal_opened cab_journal_open(cab_journal **out, const char *folder, const char *name,
                                    bool any_system, cab_error *err);
/* Lets go, once the work under way is done. In a forked child the lock stays its parent's. */
void cab_journal_close(cab_journal *j);

/* False in a forked child, which has no more than the memory of it. */
bool cab_journal_is_own(const cab_journal *j);

/* The file system that it is on, if that vanishes with a container or a boot; else NULL. */
const char *cab_journal_vanishes(const cab_journal *j);

/* The last line, without its newline, and where it ends: 0 when there is none. Fails after an
 * append that failed: what can be read then need not be on the disk. */
bool cab_journal_read(const cab_journal *j, cab_buf *line, size_t *end, cab_error *err);
/* The same without opening it for writing and without its lock: what is there now. */
bool cab_journal_peek(const char *folder, const char *name, bool any_system, cab_buf *line,
                      size_t *end, cab_error *err);

/* The process that holds it now, as far as the system tells (Linux alone does, and not of those in
 * other namespaces); 0: nobody knows. */
long cab_journal_holder(const char *folder, const char *name);

/* Where its last line ends: nobody else adds to it. Not while one is being added. */
size_t cab_journal_end(const cab_journal *j);

/* Work that adds a line (without its newline) and syncs it; it fails when the path names another
 * file by then, or when that has grown or shrunk. One at a time; after one that failed the journal
 * takes no more, since nobody knows what is on the disk. NULL with err. */
cab_work *cab_journal_append(cab_journal *j, const char *line, size_t len, cab_error *err);

#pragma GCC visibility pop

#endif
