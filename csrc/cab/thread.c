#include "cab/thread.h"

#include <signal.h>

#define STACK_BYTES (128 * 1024)

int cab_thread_start(pthread_t *thread, void *(*run)(void *ud), void *ud) {
    sigset_t all, before;
    pthread_attr_t attributes;
    int rc = pthread_attr_init(&attributes);
    if (rc != 0) {
        return rc;
    }
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(thread, &attributes, run, ud);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return rc;
}
