/* Threads that work beside a host's own. */
#ifndef CAB_THREAD_H
#define CAB_THREAD_H

#include <pthread.h>

#pragma GCC visibility push(hidden)

/* Starts a thread with a small stack and all signals blocked, so that the program's handlers run
 * where it expects them. Answers 0 or an errno. */
int cab_thread_start(pthread_t *thread, void *(*run)(void *ud), void *ud);

#pragma GCC visibility pop

#endif
