/* Keeps a broken connection from ending the process. libcurl before 7.87 lets its TLS library write
 * to sockets in a way that raises SIGPIPE, and is told not to touch the process's signal handlers.
 */
#ifndef CAB_SIGPIPE_H
#define CAB_SIGPIPE_H

#include <signal.h>
#include <stdbool.h>

#pragma GCC visibility push(hidden)

typedef struct {
    bool held, was_pending;
    sigset_t before;
} cab_sigpipe;

/* Does what `hold` does when it is needed. */
void cab_sigpipe_block(cab_sigpipe *pipe);
/* Undoes it. */
void cab_sigpipe_unblock(const cab_sigpipe *pipe);

/* Holds the signal back for this thread, if it is needed. */
static inline void cab_sigpipe_hold(cab_sigpipe *pipe, bool needed) {
    pipe->held = false;
    if (needed) {
        cab_sigpipe_block(pipe);
    }
}
/* Takes away what was raised meanwhile and puts the thread's mask back. */
static inline void cab_sigpipe_release(const cab_sigpipe *pipe) {
    if (pipe->held) {
        cab_sigpipe_unblock(pipe);
    }
}

#pragma GCC visibility pop

#endif
