#include "cab/poller.h"

#include <stdlib.h>
#include <unistd.h>

#define MAX_EVENTS 64

#if defined(__linux__)

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

struct cab_poller {
    int fd;
    int wake_fd; /* -1 until the first wake: a client that is only waited for never needs it */
    bool awake;
};

cab_poller *cab_poller_new(void) {
    cab_poller *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return NULL;
    }
    p->wake_fd = -1;
    p->fd = epoll_create1(EPOLL_CLOEXEC);
    if (p->fd < 0) {
        free(p);
        return NULL;
    }
    return p;
}

void cab_poller_free(cab_poller *p) {
    if (p != NULL) {
        if (p->wake_fd >= 0) {
            close(p->wake_fd);
        }
        close(p->fd);
        free(p);
    }
}

/* Closing the child's copies leaves the parent's set alone. */
void cab_poller_abandon(cab_poller *p) { cab_poller_free(p); }

int cab_poller_fd(const cab_poller *p) { return p->fd; }

bool cab_poller_set(cab_poller *p, int fd, bool read, bool write) {
    if (!read && !write) {
        /* Fails when libcurl closed the socket first; the kernel has then forgotten it already. */
        (void)epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, NULL);
        return true;
    }
    struct epoll_event ev = {0};
    ev.events = (read ? (uint32_t)EPOLLIN : 0U) | (write ? (uint32_t)EPOLLOUT : 0U);
    ev.data.fd = fd;
    if (epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &ev) == 0) {
        return true;
    }
    return errno == EEXIST && epoll_ctl(p->fd, EPOLL_CTL_MOD, fd, &ev) == 0;
}

int cab_poller_wake_fd(cab_poller *p) {
    if (p->wake_fd < 0) {
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (fd >= 0 && !cab_poller_set(p, fd, true, false)) {
            close(fd); /* the next one may be watched */
            fd = -1;
        }
        p->wake_fd = fd;
    }
    return p->wake_fd;
}

bool cab_poller_can_wake(cab_poller *p) { return cab_poller_wake_fd(p) >= 0; }

void cab_poller_wake(cab_poller *p) {
    if (!p->awake && cab_poller_can_wake(p)) {
        p->awake = true;
        (void)eventfd_write(p->wake_fd, 1);
    }
}

int cab_poller_wait(cab_poller *p, cab_poll_event *events, int max, int timeout_ms) {
    struct epoll_event ready[MAX_EVENTS];
    int n = epoll_wait(p->fd, ready, max < MAX_EVENTS ? max : MAX_EVENTS, timeout_ms);
    int count = 0;
    for (int i = 0; i < n; i++) {
        if (ready[i].data.fd == p->wake_fd) {
            eventfd_t ignored;
            (void)eventfd_read(p->wake_fd, &ignored);
            p->awake = false;
            continue;
        }
        uint32_t what = ready[i].events;
        bool broken = (what & (EPOLLERR | EPOLLHUP)) != 0;
        events[count].fd = ready[i].data.fd;
        events[count].readable = broken || (what & EPOLLIN) != 0;
        events[count].writable = broken || (what & EPOLLOUT) != 0;
        count++;
    }
    return count;
}

#else /* kqueue: the BSDs and macOS */

#include <sys/types.h>

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/event.h>
#include <sys/time.h>

/* What kevent takes a count for. */
#ifdef __NetBSD__
typedef size_t event_count;
#else
typedef int event_count;
#endif

struct cab_poller {
    int fd;
    /* -1 until the first wake. A pipe, since not all of these systems have user events. */
    int wake_in, wake_out;
    bool awake;
};

cab_poller *cab_poller_new(void) {
    cab_poller *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return NULL;
    }
    p->wake_in = p->wake_out = -1;
    p->fd = kqueue();
    if (p->fd < 0) {
        free(p);
        return NULL;
    }
    (void)fcntl(p->fd, F_SETFD, FD_CLOEXEC);
    return p;
}

static void close_pipe(cab_poller *p) {
    if (p->wake_in >= 0) {
        close(p->wake_in);
        close(p->wake_out);
    }
    p->wake_in = p->wake_out = -1;
}

void cab_poller_free(cab_poller *p) {
    if (p != NULL) {
        close_pipe(p);
        close(p->fd);
        free(p);
    }
}

/* No kqueue goes through fork: its number may be another file of the child by now. */
void cab_poller_abandon(cab_poller *p) {
    if (p != NULL) {
        close_pipe(p);
        free(p);
    }
}

int cab_poller_fd(const cab_poller *p) { return p->fd; }

/* By fields: EV_SET and the types of the fields are not the same everywhere. */
static bool change(cab_poller *p, int fd, bool write, bool on) {
    struct kevent ev;
    memset(&ev, 0, sizeof ev);
    ev.ident = (uintptr_t)fd;
    ev.filter = write ? EVFILT_WRITE : EVFILT_READ;
    ev.flags = on ? EV_ADD : EV_DELETE;
    /* Removing what was never added is fine. */
    return kevent(p->fd, &ev, 1, NULL, 0, NULL) == 0 || !on;
}

bool cab_poller_set(cab_poller *p, int fd, bool read, bool write) {
    bool reads = change(p, fd, false, read);
    bool writes = change(p, fd, true, write);
    return reads && writes;
}

static bool open_pipe(cab_poller *p) {
    int ends[2];
    if (pipe(ends) != 0) {
        return false;
    }
    for (int i = 0; i < 2; i++) {
        (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    p->wake_in = ends[0];
    p->wake_out = ends[1];
    if (!change(p, p->wake_in, false, true)) {
        close_pipe(p); /* the next one may be watched */
        return false;
    }
    return true;
}

int cab_poller_wake_fd(cab_poller *p) {
    (void)p;
    return -1;
}

bool cab_poller_can_wake(cab_poller *p) { return p->wake_in >= 0 || open_pipe(p); }

void cab_poller_wake(cab_poller *p) {
    if (!p->awake && cab_poller_can_wake(p)) {
        p->awake = write(p->wake_out, "", 1) == 1;
    }
}

static void hear_wake(cab_poller *p) {
    char byte;
    p->awake = read(p->wake_in, &byte, 1) != 1;
}

int cab_poller_wait(cab_poller *p, cab_poll_event *events, int max, int timeout_ms) {
    struct kevent ready[MAX_EVENTS];
    struct timespec limit = {timeout_ms / 1000, (timeout_ms % 1000) * 1000000L};
    event_count most = (event_count)(max < MAX_EVENTS ? max : MAX_EVENTS);
    int n = kevent(p->fd, NULL, 0, ready, most, timeout_ms < 0 ? NULL : &limit);
    int count = 0;
    for (int i = 0; i < n; i++) {
        int fd = (int)ready[i].ident;
        if (fd == p->wake_in) {
            hear_wake(p);
            continue;
        }
        bool broken = (ready[i].flags & (EV_EOF | EV_ERROR)) != 0;
        events[count].fd = fd;
        events[count].readable = broken || ready[i].filter == EVFILT_READ;
        events[count].writable = broken || ready[i].filter == EVFILT_WRITE;
        count++;
    }
    return count;
}

#endif
