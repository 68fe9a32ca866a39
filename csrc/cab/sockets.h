/* The sockets that an engine has open, so that one can be asked whether its peer has ended it.
 * libcurl names a connection's socket before a request only since 8.15; what it always names is the
 * local port. */
#ifndef CAB_SOCKETS_H
#define CAB_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

struct cab_host;

typedef struct {
    int fd;
    int port;              /* of this side; 0: not asked for yet */
    struct cab_host *host; /* whom it leads to; may be NULL */
    unsigned id;           /* never another's; never 0 */
    bool ready;            /* whoever made the connection has used it */
    bool in_turn;          /* it speaks HTTP/1: without a request there is nothing to say */
    bool held;             /* see cab_sockets_hold */
    bool shared;           /* it speaks HTTP/2: many requests are under way on it, … */
    size_t most;           /* … and no more than these */
    size_t requests;       /* that are under way */
} cab_socket;

typedef struct {
    cab_socket *items;
    size_t count, cap;
    unsigned made;
    bool held; /* one of them is */
} cab_sockets;

/* Makes room for one more. */
bool cab_sockets_reserve(cab_sockets *sockets);
/* A new socket, closed when a program is executed; -1 when the system gives none or memory ran
 * out. */
int cab_sockets_open(cab_sockets *sockets, struct cab_host *host, int family, int type,
                     int protocol);
/* Answers what it was; its host is NULL if it was none of these. */
cab_socket cab_sockets_close(cab_sockets *sockets, int fd);
void cab_sockets_free(cab_sockets *sockets);

/* The one whose connection is from this port; NULL: it is none, or one to another host. Several may
 * be, between different addresses: then it is the one from `own` to `address`. Until the next is
 * opened or closed, here and below. */
cab_socket *cab_sockets_from(cab_sockets *sockets, int port, const char *own, const char *address,
                             const struct cab_host *host);
/* The one of that id, while it is open. */
cab_socket *cab_sockets_get(cab_sockets *sockets, unsigned id);

/* Whether the only socket there is has that descriptor. */
bool cab_sockets_are_one(const cab_sockets *sockets, int fd);

/* Whether a request that is sent on the idle connection from this port can have no answer: its peer
 * has ended it, or, on a `plain` one (HTTP/1 without TLS) or one that speaks HTTP/1 within TLS, has
 * said something unasked, which would be taken for the answer. */
bool cab_sockets_ended(cab_sockets *sockets, int port, bool plain);

/* What is written from now on goes out in as few packets as it fits in once all are let go, where
 * the system can do so: within the same piece of work. */
void cab_sockets_hold(cab_sockets *sockets, cab_socket *one);
void cab_sockets_let_go(cab_sockets *sockets);

#pragma GCC visibility pop

#endif
