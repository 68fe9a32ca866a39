#include "cab/waker.h"

#if defined(__linux__)

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cab/crypto.h"
#include "cab/locale.h"
#include "cab/thread.h"

struct cab_waker {
    int poll_fd; /* what the thread sleeps on: `stop_fd`, and the engines' until they are ready */
    int stop_fd;
    int socket;
    int port;
    pid_t owner;
    pthread_t thread;
    bool running;
    _Atomic uint16_t listener; /* the host's port; 0: nobody listens */
    unsigned char nonce[CAB_WAKER_NONCE];
};

static struct sockaddr_in loopback(uint16_t port) {
    struct sockaddr_in a;
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.sin_port = port;
    return a;
}

/* What is lost costs time, not more: the host looks once a second, too. */
static void send_to_host(cab_waker *waker, const void *data, size_t len) {
    struct sockaddr_in a = loopback(atomic_load(&waker->listener));
    if (a.sin_port != 0) {
        (void)sendto(waker->socket, data, len, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&a,
                     sizeof a);
    }
}

static void *sleep_and_tell(void *ud) {
    cab_waker *waker = ud;
    struct epoll_event ready[CAB_WAKER_MOST];
    for (;;) {
        unsigned char ids[2 * CAB_WAKER_MOST];
        int n = epoll_wait(waker->poll_fd, ready, CAB_WAKER_MOST, -1);
        for (int i = 0; i < n; i++) {
            uint32_t id = ready[i].data.u32;
            if (id == 0) {
                return NULL;
            }
            ids[2 * i] = (unsigned char)(id >> 8);
            ids[2 * i + 1] = (unsigned char)id;
        }
        if (n > 0) {
            send_to_host(waker, ids, 2 * (size_t)n);
        } else if (n < 0 && errno != EINTR) {
            return NULL;
        }
    }
}

static bool watch(cab_waker *waker, int fd, uint32_t events, uint32_t id) {
    struct epoll_event ev = {0};
    ev.events = events;
    ev.data.u32 = id;
    if (epoll_ctl(waker->poll_fd, EPOLL_CTL_MOD, fd, &ev) == 0) {
        return true;
    }
    return errno == ENOENT && epoll_ctl(waker->poll_fd, EPOLL_CTL_ADD, fd, &ev) == 0;
}

static bool open_socket(cab_waker *waker) {
    struct sockaddr_in a = loopback(0);
    socklen_t len = sizeof a;
    waker->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (waker->socket < 0 || bind(waker->socket, (struct sockaddr *)&a, sizeof a) != 0 ||
        getsockname(waker->socket, (struct sockaddr *)&a, &len) != 0) {
        return false;
    }
    waker->port = ntohs(a.sin_port);
    return true;
}

cab_waker *cab_waker_new(cab_error *err) {
    const char *what = "a socket";
    int code = 0;
    cab_waker *waker = calloc(1, sizeof *waker);
    if (waker == NULL) {
        (void)cab_fail_memory(err);
        return NULL;
    }
    waker->owner = getpid();
    waker->poll_fd = waker->stop_fd = waker->socket = -1;
    if (!cab_random(waker->nonce, sizeof waker->nonce) || !open_socket(waker)) {
        goto fail;
    }
    what = "a descriptor";
    waker->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    waker->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (waker->poll_fd < 0 || waker->stop_fd < 0 || !watch(waker, waker->stop_fd, EPOLLIN, 0)) {
        goto fail;
    }
    what = "a thread";
    code = cab_thread_start(&waker->thread, sleep_and_tell, waker);
    if (code == 0) {
        waker->running = true;
        return waker;
    }
fail:
    code = code != 0 ? code : errno;
    (void)cab_fail(err, CAB_KIND_TRANSPORT, CAB_REASON_INTERNAL, NULL,
                   "the system does not grant %s: %s", what, cab_errno_text(code));
    cab_waker_free(waker);
    return NULL;
}

void cab_waker_free(cab_waker *waker) {
    if (waker == NULL) {
        return;
    }
    if (waker->running && waker->owner == getpid()) {
        (void)eventfd_write(waker->stop_fd, 1);
        (void)pthread_join(waker->thread, NULL);
    }
    const int fds[] = {waker->poll_fd, waker->stop_fd, waker->socket};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    free(waker);
}

int cab_waker_port(const cab_waker *waker) { return waker->port; }

const unsigned char *cab_waker_nonce(const cab_waker *waker) { return waker->nonce; }

bool cab_waker_accept(cab_waker *waker) {
    atomic_store(&waker->listener, 0);
    for (;;) {
        unsigned char got[CAB_WAKER_NONCE + 1];
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        ssize_t n =
            recvfrom(waker->socket, got, sizeof got, MSG_DONTWAIT, (struct sockaddr *)&from, &len);
        if (n < 0) {
            return false;
        }
        if (n == CAB_WAKER_NONCE && memcmp(got, waker->nonce, CAB_WAKER_NONCE) == 0) {
            atomic_store(&waker->listener, from.sin_port);
            send_to_host(waker, waker->nonce, CAB_WAKER_NONCE);
            return true;
        }
    }
}

bool cab_waker_arm(cab_waker *waker, int fd, uint16_t id) {
    return watch(waker, fd, (uint32_t)EPOLLIN | (uint32_t)EPOLLONESHOT, id);
}

void cab_waker_disarm(cab_waker *waker, int fd) {
    if (waker->owner == getpid()) {
        (void)epoll_ctl(waker->poll_fd, EPOLL_CTL_DEL, fd, NULL);
    }
}

void cab_waker_poke(cab_waker *waker) { send_to_host(waker, "\0", 2); }

#else /* the BSDs and macOS, whose nginx pauses */

#include <stddef.h>

cab_waker *cab_waker_new(cab_error *err) {
    (void)cab_fail(err, CAB_KIND_TRANSPORT, CAB_REASON_INTERNAL, NULL,
                   "not written for this system yet");
    return NULL;
}

void cab_waker_free(cab_waker *waker) { (void)waker; }
int cab_waker_port(const cab_waker *waker) { return waker != NULL; }
const unsigned char *cab_waker_nonce(const cab_waker *waker) { return (const void *)waker; }
bool cab_waker_accept(cab_waker *waker) { return waker != NULL; }
bool cab_waker_arm(cab_waker *waker, int fd, uint16_t id) { return waker != NULL && fd > id; }
void cab_waker_disarm(cab_waker *waker, int fd) { (void)waker, (void)fd; }
void cab_waker_poke(cab_waker *waker) { (void)waker; }

#endif
