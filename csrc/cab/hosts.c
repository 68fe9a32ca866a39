#include "cab/hosts.h"

#include <stdlib.h>
#include <string.h>

#include "cab/locale.h"

/* How long others wait to see what the first connection to a host speaks. */
#define PATIENCE_MS 1000
/* Bytes that most names have room in. */
#define NAME_ROOM 64

/* ---- which there are ------------------------------------------------------------------------ */

static cab_host *of_link(cab_link *link) { return CAB_CONTAINER_OF(link, cab_host, link); }

static bool is_idle(const cab_host *host) {
    return !host->kept && host->running == 0 && host->sockets == 0 && host->waiting.first == NULL;
}

static bool is_same(const cab_host *host, const cab_host_key *key) {
    return host->key.https == key->https && host->key.direct == key->direct &&
           host->key.own == key->own && host->key.bytes == key->bytes && host->name.data != NULL &&
           (strcmp(host->name.data, key->name) == 0 || cab_same(host->name.data, key->name));
}

/* An idle one, emptied, or a new one. */
static cab_host *get_empty(cab_hosts *hosts) {
    for (cab_link *link = hosts->all.first; link != NULL; link = link->next) {
        cab_host *host = of_link(link);
        if (is_idle(host)) {
            host->may_share = host->http2 = host->alone = false;
            cab_buf_clear(&host->name);
            host->streams = CAB_STREAMS_A_CONNECTION;
            return host;
        }
    }
    cab_host *host = calloc(1, sizeof *host);
    if (host != NULL) {
        host->streams = CAB_STREAMS_A_CONNECTION;
        cab_list_add(&hosts->all, &host->link);
    }
    return host;
}

bool cab_hosts_reserve(cab_hosts *hosts) {
    cab_host *host = get_empty(hosts);
    return host != NULL && cab_buf_reserve(&host->name, NAME_ROOM) &&
           cab_sockets_reserve(&hosts->sockets);
}

cab_host *cab_hosts_get(cab_hosts *hosts, const cab_host_key *key, bool may_share) {
    for (cab_link *link = hosts->all.first; link != NULL; link = link->next) {
        cab_host *host = of_link(link);
        if (is_same(host, key)) {
            return host;
        }
    }
    cab_host *host = get_empty(hosts);
    if (host == NULL || !cab_buf_puts(&host->name, key->name)) {
        return NULL;
    }
    host->key = *key;
    host->key.name = NULL; /* it is `name` */
    host->may_share = may_share;
    return host;
}

void cab_hosts_free(cab_hosts *hosts) {
    for (cab_link *link = hosts->all.first; link != NULL;) {
        cab_host *host = of_link(link);
        link = link->next;
        cab_buf_free(&host->name);
        free(host);
    }
    hosts->all = (cab_list){0};
    cab_sockets_free(&hosts->sockets);
}

/* ---- who may begin -------------------------------------------------------------------------- */

/* How many more requests its connections of HTTP/2 carry. */
static size_t streams_left(const cab_hosts *hosts, const cab_host *host) {
    size_t left = 0;
    for (size_t i = 0; i < hosts->sockets.count; i++) {
        const cab_socket *one = &hosts->sockets.items[i];
        left += one->host == host && one->shared && one->most > one->requests
                    ? one->most - one->requests
                    : 0;
    }
    return left;
}

int64_t cab_host_is_free_in_ms(cab_hosts *hosts, cab_host *host, int64_t now_ms) {
    if (host->http2 && host->connecting < streams_left(hosts, host)) {
        return 0;
    }
    if (hosts->connections >= hosts->max_connections) {
        return -1;
    }
    if (!host->may_share || host->alone || host->connecting == 0) {
        return 0;
    }
    int64_t left_ms = host->since_ms + PATIENCE_MS - now_ms;
    host->alone = left_ms <= 0;
    return host->alone ? 0 : left_ms;
}

/* ---- a request's way ------------------------------------------------------------------------ */

static void leave(cab_hosts *hosts, cab_host *host, unsigned left) {
    if (left == 0) {
        host->connecting--;
        hosts->connections--;
        return;
    }
    cab_socket *one = cab_sockets_get(&hosts->sockets, left);
    if (one != NULL && one->requests > 0 && --one->requests == 0) {
        hosts->connections--;
    }
}

static unsigned enter(cab_hosts *hosts, cab_host *host, cab_socket *one) {
    if (one == NULL) {
        host->connecting++;
        hosts->connections++;
        return 0;
    }
    hosts->connections += one->requests++ == 0 ? 1 : 0;
    if (one->shared && one->requests > one->most) {
        one->most = host->streams = CAB_STREAMS_A_CONNECTION; /* it was not full, but ended */
    }
    return one->id;
}

void cab_host_begin(cab_hosts *hosts, cab_host *host, int64_t now_ms) {
    host->since_ms = host->connecting == 0 ? now_ms : host->since_ms;
    host->running++;
    (void)enter(hosts, host, NULL);
}

unsigned cab_host_occupy(cab_hosts *hosts, cab_host *host, unsigned left, cab_socket *one) {
    leave(hosts, host, left);
    return enter(hosts, host, one);
}

void cab_host_end(cab_hosts *hosts, cab_host *host, unsigned left) {
    leave(hosts, host, left);
    host->running--;
}

/* ---- connections ---------------------------------------------------------------------------- */

void cab_host_is_full(cab_hosts *hosts, cab_host *host) {
    for (size_t i = 0; i < hosts->sockets.count; i++) {
        cab_socket *one = &hosts->sockets.items[i];
        if (one->host == host && one->shared && one->most > one->requests) {
            one->most = one->requests;
            host->streams = one->requests > 0 ? one->requests : host->streams;
        }
    }
}

int cab_host_open(cab_hosts *hosts, cab_host *host, int family, int type, int protocol) {
    int fd = cab_sockets_open(&hosts->sockets, host, family, type, protocol);
    host->sockets += fd >= 0 ? 1 : 0;
    return fd;
}

void cab_hosts_close(cab_hosts *hosts, int fd) {
    const cab_socket closed = cab_sockets_close(&hosts->sockets, fd);
    if (closed.host != NULL) {
        closed.host->sockets--;
        hosts->connections -= closed.requests > 0 ? 1 : 0;
    }
}

void cab_host_speaks(cab_host *host, cab_socket *one, int http_major) {
    host->alone = http_major == 1 || (host->alone && http_major != 2);
    if (http_major == 2) {
        host->http2 = true;
        if (one != NULL && !one->shared) {
            one->shared = true;
            one->most = host->streams;
        }
    }
}
