/* For LD_PRELOAD: a system that runs out of something, as the environment says.
 *   STARVE_EPOLL=n  the first n sockets cannot be watched
 *   STARVE_CLOCK=1  each look at the monotonic clock finds it a millisecond later, and the raw one,
 *                   which a newer libcurl looks at, 20 */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

int epoll_ctl(int set, int what, int fd, struct epoll_event *event) {
    static int (*next)(int, int, int, struct epoll_event *);
    static int watched;
    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "epoll_ctl");
    }
    const char *limit = getenv("STARVE_EPOLL");
    if (limit != NULL && what == EPOLL_CTL_ADD && watched++ < atoi(limit)) {
        errno = ENOSPC;
        return -1;
    }
    return next(set, what, fd, event);
}

int clock_gettime(clockid_t clock, struct timespec *t) {
    static int (*next)(clockid_t, struct timespec *);
    static long looks;
    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "clock_gettime");
    }
    int rc = next(clock, t);
    if ((clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW) &&
        getenv("STARVE_CLOCK") != NULL) {
        looks++;
        long ms = clock == CLOCK_MONOTONIC ? looks : looks * 20;
        t->tv_sec = 1000 + ms / 1000;
        t->tv_nsec = ms % 1000 * 1000000;
    }
    return rc;
}
