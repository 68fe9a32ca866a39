#include "cab/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of TLS (RFC 8446 5.1). An encrypted alert looks like data of three bytes and a tag of 16; every
 * ticket and every HTTP/2 frame is longer. */
enum { TLS_HEAD = 5, TLS_ALERT = 21, TLS_DATA = 23, TLS_LONGEST_ALERT = 19 };

bool cab_sockets_reserve(cab_sockets *sockets) {
    if (sockets->count == sockets->cap) {
        size_t cap = sockets->cap == 0 ? 8 : sockets->cap * 2;
        cab_socket *longer = realloc(sockets->items, cap * sizeof *longer);
        if (longer == NULL) {
            return false;
        }
        sockets->items = longer;
        sockets->cap = cap;
    }
    return true;
}

int cab_sockets_open(cab_sockets *sockets, struct cab_host *host, int family, int type,
                     int protocol) {
    if (!cab_sockets_reserve(sockets)) {
        return -1;
    }
#ifdef SOCK_CLOEXEC
    type |= SOCK_CLOEXEC;
#endif
    int fd = socket(family, type, protocol);
    if (fd >= 0) {
        sockets->made += sockets->made == UINT_MAX ? 2 : 1;
        sockets->items[sockets->count++] =
            (cab_socket){.fd = fd, .id = sockets->made, .host = host};
    }
    return fd;
}

cab_socket cab_sockets_close(cab_sockets *sockets, int fd) {
    cab_socket closed = {.fd = fd};
    for (size_t i = 0; i < sockets->count; i++) {
        if (sockets->items[i].fd == fd) {
            closed = sockets->items[i];
            sockets->items[i] = sockets->items[--sockets->count];
            break;
        }
    }
    (void)close(fd);
    return closed;
}

void cab_sockets_free(cab_sockets *sockets) {
    free(sockets->items);
    *sockets = (cab_sockets){0};
}

bool cab_sockets_are_one(const cab_sockets *sockets, int fd) {
    return sockets->count == 1 && sockets->items[0].fd == fd;
}

typedef union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage room;
} any_address;

static int local_port(int fd) {
    any_address a = {.any = {0}};
    socklen_t len = sizeof a;
    if (getsockname(fd, &a.any, &len) != 0) {
        return 0;
    }
    return a.any.sa_family == AF_INET    ? ntohs(a.v4.sin_port)
           : a.any.sa_family == AF_INET6 ? ntohs(a.v6.sin6_port)
                                         : 0;
}

/* `in_turn`: whatever comes unasked is an end, or an answer to nothing. */
static bool has_ended(int fd, bool in_turn) {
    unsigned char head[TLS_HEAD];
    ssize_t n = recv(fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);
    if (n <= 0) {
        return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
    }
    if (in_turn) {
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

/* The socket's port, asked for once. */
static int port_of(cab_socket *one) {
    one->port = one->port != 0 ? one->port : local_port(one->fd);
    return one->port;
}

static bool is_written(const any_address *a, const char *address) {
    char text[INET6_ADDRSTRLEN];
    const void *bytes = a->any.sa_family == AF_INET6 ? (const void *)&a->v6.sin6_addr
                                                     : (const void *)&a->v4.sin_addr;
    return address != NULL && inet_ntop(a->any.sa_family, bytes, text, sizeof text) != NULL &&
           strcmp(text, address) == 0;
}

static bool connects(int fd, const char *own, const char *address) {
    any_address a = {.any = {0}}, b = {.any = {0}};
    socklen_t len = sizeof a, other_len = sizeof b;
    return getsockname(fd, &a.any, &len) == 0 && getpeername(fd, &b.any, &other_len) == 0 &&
           is_written(&a, own) && is_written(&b, address);
}

cab_socket *cab_sockets_from(cab_sockets *sockets, int port, const char *own, const char *address,
                             const struct cab_host *host) {
    cab_socket *found = NULL, *fits = NULL;
    size_t count = 0, fitting = 0;
    for (size_t i = port != 0 ? sockets->count : 0; i-- > 0;) {
        if (port_of(&sockets->items[i]) == port) {
            found = &sockets->items[i];
            count++;
        }
    }
    for (size_t i = count > 1 ? sockets->count : 0; i-- > 0;) {
        cab_socket *one = &sockets->items[i];
        if (one->port == port && connects(one->fd, own, address)) {
            fits = one;
            fitting++;
        }
    }
    if (count > 1) {
        found = fitting == 1 ? fits : NULL;
    }
    return found != NULL && found->host == host ? found : NULL;
}

cab_socket *cab_sockets_get(cab_sockets *sockets, unsigned id) {
    for (size_t i = id != 0 ? sockets->count : 0; i-- > 0;) {
        if (sockets->items[i].id == id) {
            return &sockets->items[i];
        }
    }
    return NULL;
}

bool cab_sockets_ended(cab_sockets *sockets, int port, bool plain) {
    for (size_t i = 0; i < sockets->count; i++) {
        cab_socket *one = &sockets->items[i];
        /* Another connection may be from the same port, to elsewhere: then one that has ended costs
         * a connection more. */
        if (port_of(one) == port && has_ended(one->fd, plain || one->in_turn)) {
            return true;
        }
    }
    return false;
}

static void set_held(cab_socket *one, bool held) {
#ifdef TCP_CORK
    int flag = held;
    (void)setsockopt(one->fd, IPPROTO_TCP, TCP_CORK, &flag, sizeof flag);
#endif
    one->held = held;
}

void cab_sockets_hold(cab_sockets *sockets, cab_socket *one) {
    set_held(one, true);
    sockets->held = true;
}

void cab_sockets_let_go(cab_sockets *sockets) {
    for (size_t i = 0; sockets->held && i < sockets->count; i++) {
        if (sockets->items[i].held) {
            set_held(&sockets->items[i], false);
        }
    }
    sockets->held = false;
}
