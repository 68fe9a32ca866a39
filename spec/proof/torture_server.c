#include "torture_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 16, MAX_REQUEST = 16384 };

typedef struct {
    int fd;
    size_t len;
    char in[MAX_REQUEST];
} connection;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the next three */
static char script[64] = "o";
static size_t next_answer;
static int builds;

static int listener;
static connection connections[MAX_CONNECTIONS];

void torture_server_serve(const char *answers) {
    pthread_mutex_lock(&lock);
    (void)snprintf(script, sizeof script, "%s", answers);
    next_answer = 0;
    pthread_mutex_unlock(&lock);
}

int torture_server_builds(void) {
    pthread_mutex_lock(&lock);
    int n = builds;
    pthread_mutex_unlock(&lock);
    return n;
}

static char take_answer(void) {
    pthread_mutex_lock(&lock);
    char letter = script[next_answer];
    if (script[next_answer + 1] != '\0') {
        next_answer++;
    }
    builds += letter == 'o' || letter == 'l' || letter == 'c' || letter == 't';
    pthread_mutex_unlock(&lock);
    return letter;
}

static void answer(int fd, const char *status, const char *more, const char *body) {
    char out[2048];
    int n = snprintf(out, sizeof out,
                     "HTTP/1.1 %s\r\nContent-Type: application/json\r\nX-Request-Id: 4711\r\n"
                     "%sContent-Length: %zu\r\n\r\n%s",
                     status, more, strlen(body), body);
    (void)send(fd, out, (size_t)n, MSG_NOSIGNAL);
}

/* False: the connection is to end. */
static bool answer_run_job(int fd) {
    static const char built[] = "{\"octopus_job_name\":\"x\",\"actual_build_number\":\"12\","
                                "\"daily_build_number\":\"20260101.1\",\"more\":[1,{\"a\":null}]}";
    char letter = take_answer();
    switch (letter) {
    case 'e':
        answer(fd, "400 Bad Request", "",
               "{\"error\":{\"error_code\":\"CB.00000001\",\"error_msg\":\"no such job\"}}");
        return true;
    case '4':
        answer(fd, "401 Unauthorized", "",
               "{\"error_msg\":\"bad token\",\"error_code\":\"APIG.1\"}");
        return true;
    case '5':
        answer(fd, "500 Internal Server Error", "", "oops");
        return true;
    case '3':
        answer(fd, "503 Service Unavailable", "Retry-After: 0\r\n",
               "{\"error_code\":\"APIGW.0613\",\"error_msg\":\"IAM is away\"}");
        return true;
    case 'h':
        answer(fd, "200 OK", "", "<html>welcome</html>");
        return true;
    case 't': {
        static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"octopus";
        (void)send(fd, half, sizeof half - 1, MSG_NOSIGNAL);
        return false;
    }
    case 'c':
        return false;
    default:
        answer(fd, "200 OK", letter == 'l' ? "Connection: close\r\n" : "", built);
        return letter != 'l';
    }
}

static bool serve_request(int fd, const char *head) {
    if (strncmp(head, "POST /v3/jobs/build ", 20) == 0) {
        return answer_run_job(fd);
    }
    if (strstr(head, "/stream") != NULL) {
        static const char pieces[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                     "5\r\none\nt\r\n4\r\nwo\nt\r\n5\r\nhree\n\r\n0\r\n\r\n";
        (void)send(fd, pieces, sizeof pieces - 1, MSG_NOSIGNAL);
        return true;
    }
    answer(fd, "201 Created", "X-Subject-Token: a-fake-token\r\n", "{\"token\":{}}");
    return true;
}

static void drop(connection *c) {
    close(c->fd);
    c->fd = -1;
    c->len = 0;
}

/* Serves every complete request in the buffer. */
static void serve(connection *c) {
    for (;;) {
        c->in[c->len] = '\0';
        char *end = strstr(c->in, "\r\n\r\n");
        if (end == NULL) {
            return;
        }
        const char *length = strcasestr(c->in, "\r\nContent-Length:");
        size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
        size_t whole = (size_t)(end - c->in) + 4 + body;
        if (c->len < whole) {
            return;
        }
        if (!serve_request(c->fd, c->in)) {
            drop(c);
            return;
        }
        memmove(c->in, c->in + whole, c->len - whole);
        c->len -= whole;
    }
}

static void receive(connection *c) {
    ssize_t n = recv(c->fd, c->in + c->len, MAX_REQUEST - 1 - c->len, 0);
    if (n <= 0) {
        drop(c);
        return;
    }
    c->len += (size_t)n;
    serve(c);
}

static void accept_one(void) {
    int fd = accept(listener, NULL, NULL);
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        if (connections[i].fd < 0) {
            connections[i].fd = fd;
            return;
        }
    }
    close(fd);
}

static void *run(void *unused) {
    for (;;) {
        struct pollfd p[MAX_CONNECTIONS + 1];
        p[MAX_CONNECTIONS] = (struct pollfd){listener, POLLIN, 0};
        for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
            p[i] = (struct pollfd){connections[i].fd, POLLIN, 0}; /* -1: ignored */
        }
        if (poll(p, MAX_CONNECTIONS + 1, -1) < 0) {
            continue;
        }
        for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
            if (p[i].revents != 0) {
                receive(&connections[i]);
            }
        }
        if (p[MAX_CONNECTIONS].revents != 0) {
            accept_one();
        }
    }
    return unused;
}

int torture_server_start(void) {
    struct sockaddr_in at;
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof at;
    pthread_t thread;
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        connections[i].fd = -1;
    }
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(listener, MAX_CONNECTIONS) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &len) != 0 ||
        pthread_create(&thread, NULL, run, NULL) != 0) {
        perror("torture server");
        _exit(2);
    }
    return ntohs(at.sin_port);
}
