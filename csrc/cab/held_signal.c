#include "cab/held_signal.h"

#include <errno.h>
#include <stddef.h>

static bool is_pending(int number) {
    sigset_t pending;
    return sigpending(&pending) == 0 && sigismember(&pending, number) == 1;
}

static sigset_t only(int number) {
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, number);
    return set;
}

void cab_hold_signal(cab_held_signal *held, int number) {
    sigset_t set = only(number);
    held->was_pending = is_pending(number); /* by somebody else: not ours to take away */
    held->number = pthread_sigmask(SIG_BLOCK, &set, &held->before) == 0 ? number : 0;
}

void cab_release_signal(const cab_held_signal *held) {
    if (held->number == 0) {
        return;
    }
    int code = errno;
    if (!held->was_pending && is_pending(held->number)) {
        sigset_t set = only(held->number);
        int taken;
        (void)sigwait(&set, &taken);
    }
    (void)pthread_sigmask(SIG_SETMASK, &held->before, NULL);
    errno = code;
}
