#include "cab/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of TLS (RFC 8446 5.1). An encrypted alert looks like data of three bytes and a tag of 16; every
 * ticket and every HTTP/2 frame is longer. */
enum { TLS_HEAD = 5, TLS_ALERT = 21, TLS_DATA = 23, TLS_LONGEST_ALERT = 19 };

int cab_sockets_open(cab_sockets *s, int family, int type, int protocol) {
    if (s->count == s->cap) {
        size_t cap = s->cap == 0 ? 8 : s->cap * 2;
        cab_socket *longer = realloc(s->items, cap * sizeof *longer);
        if (longer == NULL) {
            return -1;
        }
        s->items = longer;
        s->cap = cap;
    }
#ifdef SOCK_CLOEXEC
    type |= SOCK_CLOEXEC;
#endif
    int fd = socket(family, type, protocol);
    if (fd >= 0) {
        s->items[s->count++] = (cab_socket){fd, 0};
    }
    return fd;
}

void cab_sockets_close(cab_sockets *s, int fd) {
    for (size_t i = 0; i < s->count; i++) {
        if (s->items[i].fd == fd) {
            s->items[i] = s->items[--s->count];
            break;
        }
    }
    (void)close(fd);
}

void cab_sockets_free(cab_sockets *s) {
    free(s->items);
    *s = (cab_sockets){0};
}

static int local_port(int fd) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } a = {.any = {0}};
    socklen_t len = sizeof a;
    if (getsockname(fd, &a.any, &len) != 0) {
        return 0;
    }
    return a.any.sa_family == AF_INET    ? ntohs(a.v4.sin_port)
           : a.any.sa_family == AF_INET6 ? ntohs(a.v6.sin6_port)
                                         : 0;
}

static bool has_ended(int fd, bool plain) {
    unsigned char head[TLS_HEAD];
    ssize_t n = recv(fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);
    if (n <= 0) {
        return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
    }
    if (plain) {
        return true;
    }
#ifdef POLLRDHUP
    /* The end may lie behind bytes that nobody has read: a goodbye, tickets, frames. */
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    if (poll(&p, 1, 0) > 0) {
        return true;
    }
#endif
    return n == TLS_HEAD && (head[0] == TLS_ALERT ||
                             (head[0] == TLS_DATA && head[3] == 0 && head[4] <= TLS_LONGEST_ALERT));
}

bool cab_sockets_ended(cab_sockets *s, int port, bool plain) {
    for (size_t i = 0; i < s->count; i++) {
        cab_socket *k = &s->items[i];
        k->port = k->port != 0 ? k->port : local_port(k->fd);
        /* Another connection may be from the same port, to elsewhere: then one that has ended costs
         * a connection more. */
        if (k->port == port && has_ended(k->fd, plain)) {
            return true;
        }
    }
    return false;
}
