/* The sockets that an engine has open, so that one can be asked whether its peer has ended it.
 * libcurl names a connection's socket before a request only since 8.15; what it always names is the
 * local port. */
#ifndef CAB_SOCKETS_H
#define CAB_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

typedef struct {
    int fd;
    int port;     /* of this side; 0: not asked for yet */
    bool in_turn; /* an answer came as HTTP/1: without a request there is nothing to say */
    bool shared;  /* it speaks HTTP/2: many requests are under way on it */
    int requests; /* that are under way */
} cab_socket;

typedef struct {
    cab_socket *items;
    size_t count, cap;
} cab_sockets;

/* A new socket, closed when a program is executed; -1 when the system gives none or memory ran
 * out. */
int cab_sockets_open(cab_sockets *sockets, int family, int type, int protocol);
void cab_sockets_close(cab_sockets *sockets, int fd);
void cab_sockets_free(cab_sockets *sockets);

/* The one whose connection is from this port, the newest if there are more (to elsewhere, that is);
 * NULL: none. Until the next is opened or closed. */
cab_socket *cab_sockets_from(cab_sockets *sockets, int port);

/* Whether the only socket there is has that descriptor. */
bool cab_sockets_are_one(const cab_sockets *sockets, int fd);

/* An answer has come as HTTP/1, and whole, on the connection from this port. */
void cab_sockets_in_turn(cab_sockets *sockets, int port);
/* Whether it was told of that one. */
bool cab_sockets_takes_turns(cab_sockets *sockets, int port);

/* Whether a request that is sent on the idle connection from this port can have no answer: its peer
 * has ended it, or, on a `plain` one (HTTP/1 without TLS) or one that speaks HTTP/1 within TLS, has
 * said something unasked, which would be taken for the answer. */
bool cab_sockets_ended(cab_sockets *sockets, int port, bool plain);

#pragma GCC visibility pop

#endif
