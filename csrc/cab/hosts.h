/* Who is spoken to, and over how many connections: what may begin without having to wait within
 * libcurl, where its time to answer in would run already. */
#ifndef CAB_HOSTS_H
#define CAB_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cab/buf.h"
#include "cab/list.h"
#include "cab/sockets.h"

#pragma GCC visibility push(hidden)

/* Streams that libcurl has on one connection of HTTP/2. */
#define CAB_STREAMS_A_CONNECTION 100

/* Requests that may be on the same connections, and no others. */
typedef struct {
    const char *name; /* with its port, if that is not the scheme's; of any case */
    bool https;
    bool direct; /* past the proxy, where there is one */
    bool own;    /* with another trust than the engine's */
    /* What is asked for is bytes, which have no end of their own: over HTTP/1.1, though it may
     * speak HTTP/2, and over a TLS that has to end with a goodbye. */
    bool bytes;
} cab_host_key;

typedef struct cab_host {
    cab_link link;    /* among all */
    cab_list waiting; /* whoever begins requests keeps here what has to wait */
    cab_buf name;
    cab_host_key key;
    bool may_share; /* it may speak HTTP/2, over which one connection carries many */
    bool http2;     /* it was seen to */
    /* Each request gets a connection of its own: it was last seen to speak HTTP/1, or nothing yet.
     * Else one request makes a connection, and the others see what it speaks. */
    bool alone;
    size_t streams;    /* that one of its connections carries, as far as is known */
    size_t running;    /* requests */
    size_t connecting; /* those of them that are on no connection yet */
    int64_t since_ms;  /* some are, without a break */
    size_t sockets;    /* that are open */
    bool kept;         /* by somebody, for as long as there are hosts: never becomes another */
} cab_host;

typedef struct {
    cab_list all;
    size_t max_connections;
    size_t connections; /* being made or in use */
    cab_sockets sockets;
} cab_hosts;

/* Makes room for one host and its connections. Made in the middle of the first request it would lie
 * for ever where libcurl's buffers grow, which then move with each request. */
bool cab_hosts_reserve(cab_hosts *hosts);
/* The host of that key, until the next is asked for; one that something runs, waits or is open of,
 * until that has ended; one that is `kept`, always. NULL: no memory. `may_share`: its connections,
 * as far as that is known before. */
cab_host *cab_hosts_get(cab_hosts *hosts, const cab_host_key *key, bool may_share);
void cab_hosts_free(cab_hosts *hosts);

/* Milliseconds until another request to the host may begin; 0: now; -1: not before something has
 * happened. */
int64_t cab_host_is_free_in_ms(cab_hosts *hosts, cab_host *host, int64_t now_ms);

/* A request begins, which is on no connection, … */
void cab_host_begin(cab_hosts *hosts, cab_host *host, int64_t now_ms);
/* … goes from the connection `left` (its socket's id; 0: none) to that on `one` (NULL: none any
 * more), and answers the one that it is on, … */
unsigned cab_host_occupy(cab_hosts *hosts, cab_host *host, unsigned left, cab_socket *one);
/* … and ends. */
void cab_host_end(cab_hosts *hosts, cab_host *host, unsigned left);

/* A request has found that none of the connections has room for it: they are full, or about to end.
 */
void cab_host_is_full(cab_hosts *hosts, cab_host *host);
/* A socket for a new connection; -1: none. */
int cab_host_open(cab_hosts *hosts, cab_host *host, int family, int type, int protocol);
void cab_hosts_close(cab_hosts *hosts, int fd);

/* What a new connection (NULL: unknown) was agreed to speak, or an answer came as. */
void cab_host_speaks(cab_host *host, cab_socket *one, int http_major);

#pragma GCC visibility pop

#endif
