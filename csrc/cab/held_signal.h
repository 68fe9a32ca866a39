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

/* Both, where SIGPIPE has to be held back. */
static inline void cab_hold_sigpipe(cab_held_signal *held, bool needed) {
    held->number = 0;
    if (needed) {
        cab_hold_signal(held, SIGPIPE);
    }
}
static inline void cab_release_sigpipe(const cab_held_signal *held) {
    if (held->number != 0) {
        cab_release_signal(held);
    }
}

#pragma GCC visibility pop

#endif
