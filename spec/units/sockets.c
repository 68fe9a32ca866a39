/* Which connection it is that a request goes out on, told by its port of this side. The system
 * gives one port to several connections that go to different addresses. */
#include "cab/sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

enum { ADDRESSES = 3 };
static const char *const ADDRESS[ADDRESSES] = {"127.0.0.1", "127.0.0.2", "127.0.0.3"};

static struct sockaddr_in at(const char *address, in_port_t port) {
    struct sockaddr_in a;
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_port = port;
    (void)inet_pton(AF_INET, address, &a.sin_addr);
    return a;
}

/* Answers the port, which the system chooses where there is none yet. */
static in_port_t bind_to(int fd, const char *address, in_port_t port) {
    struct sockaddr_in a = at(address, port);
    socklen_t len = sizeof a;
    int on = 1;
    CHECK(address, setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
    CHECK(address, bind(fd, (struct sockaddr *)&a, sizeof a) == 0);
    CHECK(address, getsockname(fd, (struct sockaddr *)&a, &len) == 0);
    return a.sin_port;
}

int main(void) {
    cab_sockets sockets = {0};
    struct cab_host *host = (struct cab_host *)(void *)&sockets; /* any, and another: NULL */
    int listening[ADDRESSES], fds[ADDRESSES];
    unsigned ids[ADDRESSES];
    in_port_t port = 0;
    for (int i = 0; i < ADDRESSES; i++) {
        listening[i] = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in a = at(ADDRESS[i], bind_to(listening[i], ADDRESS[i], 0));
        CHECK(ADDRESS[i], listen(listening[i], 1) == 0);
        fds[i] = cab_sockets_open(&sockets, host, AF_INET, SOCK_STREAM, 0);
        port = bind_to(fds[i], "127.0.0.1", port);
        CHECK(ADDRESS[i], connect(fds[i], (struct sockaddr *)&a, sizeof a) == 0);
        ids[i] = sockets.items[sockets.count - 1].id;
    }
    for (int i = 0; i < ADDRESSES; i++) {
        cab_socket *one = cab_sockets_from(&sockets, ntohs(port), "127.0.0.1", ADDRESS[i], host);
        CHECK(ADDRESS[i], one != NULL && one->fd == fds[i] && one->id == ids[i]);
        one = cab_sockets_get(&sockets, ids[i]);
        CHECK(ADDRESS[i], one != NULL && one->fd == fds[i]);
    }
    int alike = cab_sockets_open(&sockets, host, AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in first;
    socklen_t len = sizeof first;
    CHECK("peer", getpeername(fds[0], (struct sockaddr *)&first, &len) == 0);
    (void)bind_to(alike, "127.0.0.3", port);
    CHECK("alike", connect(alike, (struct sockaddr *)&first, sizeof first) == 0);
    cab_socket *from = cab_sockets_from(&sockets, ntohs(port), "127.0.0.3", ADDRESS[0], host);
    CHECK("from another address", from != NULL && from->fd == alike);
    from = cab_sockets_from(&sockets, ntohs(port), "127.0.0.1", ADDRESS[0], host);
    CHECK("from its own", from != NULL && from->fd == fds[0]);
    from = cab_sockets_from(&sockets, ntohs(port), NULL, ADDRESS[0], host);
    CHECK("from nobody knows where", from == NULL);
    CHECK("of another host",
          cab_sockets_from(&sockets, ntohs(port), "127.0.0.1", ADDRESS[0], NULL) == NULL);
    CHECK("from no port", cab_sockets_from(&sockets, 0, "127.0.0.1", ADDRESS[0], host) == NULL);
    sockets.items[sockets.count - 1].host = NULL;
    from = cab_sockets_from(&sockets, ntohs(port), "127.0.0.3", ADDRESS[0], host);
    CHECK("from another address, of another host", from == NULL);
    (void)cab_sockets_close(&sockets, alike);
    CHECK("of no id", cab_sockets_get(&sockets, 0) == NULL);
    (void)cab_sockets_close(&sockets, fds[0]);
    CHECK("of one that is closed", cab_sockets_get(&sockets, ids[0]) == NULL);
    int fd = cab_sockets_open(&sockets, host, AF_INET, SOCK_STREAM, 0);
    CHECK("nor of the next", fd < 0 || cab_sockets_get(&sockets, ids[0]) == NULL);
    for (int i = 0; i < ADDRESSES; i++) {
        close(listening[i]);
    }
    while (sockets.count > 0) {
        (void)cab_sockets_close(&sockets, sockets.items[0].fd);
    }
    cab_sockets_free(&sockets);
    return failures > 0;
}
