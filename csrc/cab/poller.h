/* One epoll (kqueue elsewhere) descriptor that stands for all sockets of an engine. */
#ifndef CAB_POLLER_H
#define CAB_POLLER_H

#include <stdbool.h>

#pragma GCC visibility push(hidden)

typedef struct cab_poller cab_poller;

typedef struct {
    int fd;
    bool readable; /* an error or a hang-up counts as both */
    bool writable;
} cab_poll_event;

/* NULL when descriptors or memory ran out. */
cab_poller *cab_poller_new(void);
void cab_poller_free(cab_poller *p);

/* The same in a forked child, where only copies are closed that are the child's own. */
void cab_poller_abandon(cab_poller *p);

/* The descriptor that becomes readable when cab_poller_wait has something to tell. */
int cab_poller_fd(const cab_poller *p);

/* Watches fd for the given directions, from this moment on; neither stops watching. False when
 * the kernel refused. */
bool cab_poller_set(cab_poller *p, int fd, bool read, bool write);

/* Whether cab_poller_wake will work; makes what that takes, once. */
bool cab_poller_can_wake(cab_poller *p);

/* Makes the descriptor readable until the next cab_poller_wait: for whoever sleeps on it while
 * work arrives from elsewhere in the program. */
void cab_poller_wake(cab_poller *p);

/* A descriptor to which another thread may write eight bytes for the same effect; -1 when the
 * system has none to give. It lives as long as the poller. */
int cab_poller_wake_fd(cab_poller *p);

/* Waits at most timeout_ms (-1: without limit) and fills up to max events. A signal or a wake
 * ends the wait early with fewer, maybe no, events. */
int cab_poller_wait(cab_poller *p, cab_poll_event *events, int max, int timeout_ms);

#pragma GCC visibility pop

#endif
