#include "cab/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "cab/thread.h"

/* Several syncs that a disk is asked for at once take it hardly longer than one. */
#define MOST_THREADS 16

typedef struct {
    cab_work *first, *last;
} queue;

struct cab_worker {
    pthread_t threads[MOST_THREADS];
    size_t count;
    pthread_mutex_t lock;
    pthread_cond_t changed, all_done;
    queue waiting, done;
    size_t open; /* pieces of work that are not done */
    bool stop;
    int wake_fd;
};

static void put(queue *q, cab_work *work) {
    work->next = NULL;
    if (q->last != NULL) {
        q->last->next = work;
    } else {
        q->first = work;
    }
    q->last = work;
}

static cab_work *take(queue *q) {
    cab_work *work = q->first;
    if (work != NULL) {
        q->first = work->next;
        q->last = q->first == NULL ? NULL : q->last;
        work->next = NULL;
    }
    return work;
}

static void *work_on(void *ud) {
    cab_worker *w = ud;
    (void)pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        cab_work *work = take(&w->waiting);
        if (work == NULL) {
            (void)pthread_cond_wait(&w->changed, &w->lock);
            continue;
        }
        (void)pthread_mutex_unlock(&w->lock);
        work->run(work);
        (void)pthread_mutex_lock(&w->lock);
        put(&w->done, work);
        if (--w->open == 0) {
            (void)pthread_cond_broadcast(&w->all_done);
        }
        (void)pthread_mutex_unlock(&w->lock);
        static const uint64_t one = 1;
        ssize_t ignored = write(w->wake_fd, &one, sizeof one); /* full: it is awake already */
        (void)ignored;
        (void)pthread_mutex_lock(&w->lock);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* False: the system grants no more. */
static bool add_thread(cab_worker *w) {
    if (cab_thread_start(&w->threads[w->count], work_on, w) != 0) {
        return false;
    }
    w->count++;
    return true;
}

static bool init_sync(cab_worker *w) {
    if (pthread_mutex_init(&w->lock, NULL) != 0) {
        return false;
    }
    if (pthread_cond_init(&w->changed, NULL) != 0) {
        (void)pthread_mutex_destroy(&w->lock);
        return false;
    }
    if (pthread_cond_init(&w->all_done, NULL) != 0) {
        (void)pthread_cond_destroy(&w->changed);
        (void)pthread_mutex_destroy(&w->lock);
        return false;
    }
    return true;
}

static void free_sync(cab_worker *w) {
    (void)pthread_cond_destroy(&w->all_done);
    (void)pthread_cond_destroy(&w->changed);
    (void)pthread_mutex_destroy(&w->lock);
}

cab_worker *cab_worker_new(int wake_fd) {
    cab_worker *w = wake_fd >= 0 ? calloc(1, sizeof *w) : NULL;
    if (w == NULL) {
        return NULL;
    }
    w->wake_fd = wake_fd;
    if (!init_sync(w)) {
        free(w);
        return NULL;
    }
    if (!add_thread(w)) {
        free_sync(w);
        free(w);
        return NULL;
    }
    return w;
}

void cab_worker_free(cab_worker *w) {
    if (w == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&w->lock);
    w->stop = true;
    (void)pthread_cond_broadcast(&w->changed);
    (void)pthread_mutex_unlock(&w->lock);
    for (size_t i = 0; i < w->count; i++) {
        (void)pthread_join(w->threads[i], NULL);
    }
    free_sync(w);
    free(w);
}

void cab_worker_submit(cab_worker *w, cab_work *work) {
    (void)pthread_mutex_lock(&w->lock);
    put(&w->waiting, work);
    bool more = ++w->open > w->count && w->count < MOST_THREADS;
    (void)pthread_mutex_unlock(&w->lock);
    if (!more || !add_thread(w)) { /* without another thread, those that there are go on */
        (void)pthread_cond_signal(&w->changed);
    }
}

cab_work *cab_worker_next_done(cab_worker *w) {
    (void)pthread_mutex_lock(&w->lock);
    cab_work *work = take(&w->done);
    (void)pthread_mutex_unlock(&w->lock);
    return work;
}

void cab_worker_drain(cab_worker *w) {
    (void)pthread_mutex_lock(&w->lock);
    while (w->open > 0) {
        (void)pthread_cond_wait(&w->all_done, &w->lock);
    }
    (void)pthread_mutex_unlock(&w->lock);
}

void cab_work_here(cab_work *work) {
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    work->run(work);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}
