#include "cab/sigpipe.h"

#include <stddef.h>

static bool is_pending(void) {
    sigset_t pending;
    return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

static sigset_t only_sigpipe(void) {
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGPIPE);
    return set;
}

void cab_sigpipe_block(cab_sigpipe *pipe) {
    sigset_t set = only_sigpipe();
    pipe->was_pending = is_pending(); /* by somebody else: not ours to take away */
    pipe->held = pthread_sigmask(SIG_BLOCK, &set, &pipe->before) == 0;
}

void cab_sigpipe_unblock(const cab_sigpipe *pipe) {
    if (!pipe->was_pending && is_pending()) {
        sigset_t set = only_sigpipe();
        int taken;
        (void)sigwait(&set, &taken);
    }
    (void)pthread_sigmask(SIG_SETMASK, &pipe->before, NULL);
}
