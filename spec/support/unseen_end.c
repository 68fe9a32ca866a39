/* For LD_PRELOAD: a libcurl that does not see that a kept connection has ended. From 8.16 on it
 * does not look within a second of its last look; here none ever sees it, by the two questions that
 * it asks: a poll that waits for nothing, and a look at the first byte. */
#include <dlfcn.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>

int poll(struct pollfd *fds, nfds_t count, int timeout_ms) {
    static int (*next)(struct pollfd *, nfds_t, int);
    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "poll");
    }
    int ready = next(fds, count, timeout_ms);
    char byte;
    if (ready == 1 && count == 1 && timeout_ms == 0 && (fds[0].events & POLLIN) != 0 &&
        recv(fds[0].fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
        fds[0].revents = 0;
        ready = 0;
    }
    return ready;
}

ssize_t recv(int fd, void *bytes, size_t len, int flags) {
    static ssize_t (*next)(int, void *, size_t, int);
    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "recv");
    }
    return flags == MSG_PEEK && len == 1 ? 1 : next(fd, bytes, len, flags);
}
