/* Work that may block, done by threads beside the loop: a disk must not hold a step up. */
#ifndef CAB_WORKER_H
#define CAB_WORKER_H

#include <stdbool.h>

#include "cab/error.h"

#pragma GCC visibility push(hidden)

/* A piece of work, embedded in what it works on. */
typedef struct cab_work {
    struct cab_work *next;
    void *owner;
    void (*run)(struct cab_work *);  /* in a thread; touches nothing that others do */
    void (*done)(struct cab_work *); /* back in the loop, or never when the worker ends first */
    void (*free)(struct cab_work *);
    cab_error error; /* kind NONE: it went well */
    size_t answer;   /* then */
} cab_work;

typedef struct cab_worker cab_worker;

/* A worker with a thread, and more when more is to be done at once. They block all signals and
 * write to `wake_fd` (an eventfd or a pipe that its owner keeps) when work is done. NULL when there
 * is no thread or memory to be had. */
cab_worker *cab_worker_new(int wake_fd);
/* Waits for the work under way, and lets the rest go undone: whoever owns it frees it. */
void cab_worker_free(cab_worker *w);

/* Has it done, in no order with what else was submitted. */
void cab_worker_submit(cab_worker *w, cab_work *work);
/* Work that has been done, each once; or NULL. */
cab_work *cab_worker_next_done(cab_worker *w);
/* Waits until all that was submitted is done. */
void cab_worker_drain(cab_worker *w);

/* Runs it in this thread, which gets its signals afterwards, as if another one had done it. */
void cab_work_here(cab_work *work);

#pragma GCC visibility pop

#endif
