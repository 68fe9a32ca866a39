/* Keeps a write that fails from ending the process: a broken connection raises SIGPIPE (libcurl
 * before 7.87 lets its TLS library write to sockets so), the limit of the size of files (ulimit -f)
 * SIGXFSZ. Of the thread alone, since the process's signal handlers are its host's, and what it
 * ignores the programs that it starts ignore, too.
 */
#ifndef CAB_HELD_SIGNAL_H
#define CAB_HELD_SIGNAL_H

#include <signal.h>
#include <stdbool.h>

#pragma GCC visibility push(hidden)

typedef struct {
    int number; /* 0: nothing is held */
    bool was_pending;
    sigset_t before;
} cab_held_signal;

/* Holds a signal back for this thread. */
void cab_hold_signal(cab_held_signal *held, int number);
/* Takes away what was raised meanwhile and puts the thread's mask back. Keeps errno. */
void cab_release_signal(const cab_held_signal *held);

#pragma GCC visibility pop

#endif
