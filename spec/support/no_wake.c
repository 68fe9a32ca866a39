/* For LD_PRELOAD: a system that grants no way to wake nginx, as the environment says.
 *   REFUSE=thread    no thread can be started
 *   REFUSE=socket    no datagram socket can be made
 *   REFUSE=datagram  datagrams get lost */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int refused(const char *what) {
    const char *all = getenv("REFUSE");
    return all != NULL && strcmp(all, what) == 0;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *ud) {
    static int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
    }
    return refused("thread") ? EAGAIN : next(thread, attributes, run, ud);
}

int socket(int family, int type, int protocol) {
    static int (*next)(int, int, int);
    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "socket");
    }
    if ((type & 0xf) == SOCK_DGRAM && family == AF_INET && refused("socket")) {
        errno = EPERM;
        return -1;
    }
    return next(family, type, protocol);
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
               socklen_t to_len) {
    static ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "sendto");
    }
    return to != NULL && refused("datagram") ? (ssize_t)len
                                             : next(fd, data, len, flags, to, to_len);
}
