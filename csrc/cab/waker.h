/* Wakes a host that can wait for sockets of its own only, such as nginx: a thread sleeps on the
 * descriptors of engines and tells by a datagram on loopback which of them want a step. The host's
 * socket is connected to this one's port, so nobody else reaches it; and it has shown the nonce, so
 * nobody else is told. */
#ifndef CAB_WAKER_H
#define CAB_WAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "cab/error.h"

#pragma GCC visibility push(hidden)

enum { CAB_WAKER_NONCE = 16, CAB_WAKER_MOST = 64 /* ids in a datagram, two bytes each */ };

typedef struct cab_waker cab_waker;

/* With its thread. NULL when the system lacks or refuses something, which `err` tells. */
cab_waker *cab_waker_new(cab_error *err);
/* Waits for the thread to end. In a forked child, where there is none, only lets go. */
void cab_waker_free(cab_waker *waker);

/* Where on 127.0.0.1 the host is to send the nonce, as a datagram. */
int cab_waker_port(const cab_waker *waker);
const unsigned char *cab_waker_nonce(const cab_waker *waker);
/* From now on tells whoever sent the nonce, and no other; sends it back. False when nobody has. */
bool cab_waker_accept(cab_waker *waker);

/* Has the host told `id`, once, when the descriptor is readable: at once, if it is. Costs no switch
 * of threads. Not for a forked child, which would change what wakes its parent. */
bool cab_waker_arm(cab_waker *waker, int fd, uint16_t id);
/* To be called before the descriptor is closed. */
void cab_waker_disarm(cab_waker *waker, int fd);

/* Sends a datagram that tells nothing: ends a wait of the host's. */
void cab_waker_poke(cab_waker *waker);

#pragma GCC visibility pop

#endif
