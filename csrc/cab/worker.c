#include "cab/worker.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "cab/thread.h"

typedef struct {
    cab_work *first, *last;
} queue;

struct cab_worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    queue waiting, done;
    bool busy, stop;
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
        w->busy = true;
        (void)pthread_mutex_unlock(&w->lock);
        work->run(work);
        (void)pthread_mutex_lock(&w->lock);
        w->busy = false;
        put(&w->done, work);
        (void)pthread_cond_broadcast(&w->changed);
        static const uint64_t one = 1;
        ssize_t ignored = write(w->wake_fd, &one, sizeof one); /* full: it is awake already */
        (void)ignored;
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

cab_worker *cab_worker_new(int wake_fd) {
    cab_worker *w = wake_fd >= 0 ? calloc(1, sizeof *w) : NULL;
    if (w == NULL) {
        return NULL;
    }
    w->wake_fd = wake_fd;
    if (pthread_mutex_init(&w->lock, NULL) != 0) {
        free(w);
        return NULL;
    }
    if (pthread_cond_init(&w->changed, NULL) != 0) {
        (void)pthread_mutex_destroy(&w->lock);
        free(w);
        return NULL;
    }
    if (cab_thread_start(&w->thread, work_on, w) != 0) {
        (void)pthread_cond_destroy(&w->changed);
        (void)pthread_mutex_destroy(&w->lock);
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
    (void)pthread_join(w->thread, NULL);
    (void)pthread_cond_destroy(&w->changed);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
}

void cab_worker_submit(cab_worker *w, cab_work *work) {
    (void)pthread_mutex_lock(&w->lock);
    put(&w->waiting, work);
    (void)pthread_cond_broadcast(&w->changed);
    (void)pthread_mutex_unlock(&w->lock);
}

cab_work *cab_worker_next_done(cab_worker *w) {
    (void)pthread_mutex_lock(&w->lock);
    cab_work *work = take(&w->done);
    (void)pthread_mutex_unlock(&w->lock);
    return work;
}

void cab_worker_drain(cab_worker *w) {
    (void)pthread_mutex_lock(&w->lock);
    while (w->busy || w->waiting.first != NULL) {
        (void)pthread_cond_wait(&w->changed, &w->lock);
    }
    (void)pthread_mutex_unlock(&w->lock);
}
