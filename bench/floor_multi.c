/* The floor of many calls at once: a bare libcurl multi on one epoll set, driven by
 * curl_multi_socket_action.
 *
 *   floor_multi calls in-flight connections warm url token-bytes http-version user-agent ca-file
 *
 * `in-flight` easy handles go round until `calls` are done; `connections` is libcurl's limit (0:
 * none). `warm` calls go before, unmeasured.
 */
#include "floor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define EVENTS 256

static int epoll_fd;
static double deadline = -1; /* of libcurl's one timer; negative: none */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known) {
    struct epoll_event event;

    (void)easy;
    (void)user;
    (void)known;
    memset(&event, 0, sizeof event);
    event.data.fd = fd;
    event.events =
        (uint32_t)(((what & CURL_POLL_IN) ? EPOLLIN : 0) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0));
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, &event);
    } else if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0 && errno == EEXIST) {
        epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event);
    }
    return 0;
}

static int on_timer(CURLM *multi, long milliseconds, void *user) {
    (void)multi;
    (void)user;
    deadline = milliseconds < 0 ? -1 : floor_now() + (double)milliseconds / 1000;
    return 0;
}

static void multi_check(CURLMcode code, const char *what) {
    if (code != CURLM_OK) {
        floor_die(what, curl_multi_strerror(code));
    }
}

static void act(CURLM *multi, curl_socket_t fd, uint32_t events) {
    int running;
    int what = ((events & EPOLLIN) ? CURL_CSELECT_IN : 0) |
               ((events & EPOLLOUT) ? CURL_CSELECT_OUT : 0) |
               ((events & (EPOLLERR | EPOLLHUP)) ? CURL_CSELECT_ERR : 0);

    multi_check(curl_multi_socket_action(multi, fd, what, &running), "action");
}

static void wait_and_act(CURLM *multi) {
    struct epoll_event events[EVENTS];
    double left = deadline < 0 ? 1 : deadline - floor_now();
    int n = epoll_wait(epoll_fd, events, EVENTS, left <= 0 ? 0 : (int)(left * 1000) + 1);

    for (int i = 0; i < n; i++) {
        act(multi, events[i].data.fd, events[i].events);
    }
    if (deadline >= 0 && floor_now() >= deadline) {
        deadline = -1;
        act(multi, CURL_SOCKET_TIMEOUT, 0);
    }
}

/* Runs `calls` calls with the given handles, all of which are idle before and after. Answers how
 * many connections were opened. */
static long run(CURLM *multi, transfer *all, long count, long calls) {
    long started = 0, done = 0, connects = 0;

    while (started < count && started < calls) {
        multi_check(curl_multi_add_handle(multi, all[started++].easy), "add");
    }
    while (done < calls) {
        CURLMsg *message;
        int left;

        wait_and_act(multi);
        while ((message = curl_multi_info_read(multi, &left)) != NULL) {
            CURL *easy = message->easy_handle;
            transfer *t = NULL;
            long opened = 0;

            floor_check(message->data.result, "call");
            floor_check(curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t), "private");
            floor_check(curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &opened), "connects");
            floor_verify(t);
            connects += opened;
            done++;
            multi_check(curl_multi_remove_handle(multi, easy), "remove");
            if (started < calls) {
                started++;
                multi_check(curl_multi_add_handle(multi, easy), "add");
            }
        }
    }
    return connects;
}

int main(int argc, char **argv) {
    floor_request request;
    transfer *all;
    CURLM *multi;
    double start, cpu;
    long calls, count, limit, warm, connects = 0;

    if (argc != 10) {
        floor_die("usage", "floor_multi calls in-flight connections warm url token-bytes "
                           "http-version user-agent ca-file");
    }
    calls = strtol(argv[1], NULL, 10);
    count = strtol(argv[2], NULL, 10);
    limit = strtol(argv[3], NULL, 10);
    warm = strtol(argv[4], NULL, 10);
    floor_check(curl_global_init(CURL_GLOBAL_DEFAULT), "init");
    request = floor_parse(argv + 5);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    multi = curl_multi_init();
    all = calloc((size_t)count, sizeof *all);
    if (epoll_fd < 0 || multi == NULL || all == NULL) {
        floor_die("start", "out of resources");
    }
    multi_check(curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket), "socket");
    multi_check(curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer), "timer");
    multi_check(curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, limit), "limit");
    multi_check(curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, limit > 0 ? limit : count), "pool");
    for (long i = 0; i < count; i++) {
        floor_prepare(&all[i], &request);
    }
    run(multi, all, count, warm);
    start = floor_now();
    cpu = floor_cpu();
    connects = run(multi, all, count, calls);
    floor_report(calls, floor_now() - start, floor_cpu() - cpu, connects);
    for (long i = 0; i < count; i++) {
        curl_easy_cleanup(all[i].easy);
    }
    curl_multi_cleanup(multi);
    curl_slist_free_all(request.headers);
    free(all);
    return 0;
}
