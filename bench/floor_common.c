/* See floor.h. */
#define _POSIX_C_SOURCE 200809L
#include "floor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static const char BODY[] = "{\"job_id\":\"f9d6c8466d614a9788e9a0acf6c15f46\","
                           "\"parameter\":[{\"name\":\"codeBranch\",\"value\":\"master\"}],"
                           "\"scm\":{\"build_tag\":null,\"build_commit_id\":\"build_commit_id\"}}";

void floor_die(const char *what, const char *why) {
    fprintf(stderr, "floor: %s: %s\n", what, why);
    exit(1);
}

void floor_check(CURLcode code, const char *what) {
    if (code != CURLE_OK) {
        floor_die(what, curl_easy_strerror(code));
    }
}

static struct curl_slist *append(struct curl_slist *list, const char *line) {
    list = curl_slist_append(list, line);
    if (list == NULL) {
        floor_die("headers", "out of memory");
    }
    return list;
}

floor_request floor_parse(char **argv) {
    static const char name[] = "X-Auth-Token: ";
    floor_request r = {argv[0], argv[3], argv[4], CURL_HTTP_VERSION_1_1, NULL};
    size_t token = (size_t)strtoul(argv[1], NULL, 10);
    char *line = malloc(sizeof name + token);

    if (line == NULL) {
        floor_die("token", "out of memory");
    }
    memcpy(line, name, sizeof name);
    memset(line + sizeof name - 1, 'A', token);
    line[sizeof name - 1 + token] = '\0';
    if (strcmp(argv[2], "2") == 0) {
        r.http_version = CURL_HTTP_VERSION_2TLS;
    }
    r.headers = append(NULL, "Content-Type: application/json");
    r.headers = append(r.headers, "Expect:");
    r.headers = append(r.headers, line);
    free(line);
    return r;
}

static size_t keep(char *bytes, size_t size, size_t count, void *user) {
    transfer *t = user;
    size_t n = size * count;

    if (n > ANSWER_MAX - t->answer_size) {
        return 0;
    }
    memcpy(t->answer + t->answer_size, bytes, n);
    t->answer_size += n;
    return n;
}

void floor_prepare(transfer *t, const floor_request *r) {
    CURL *c = curl_easy_init();

    if (c == NULL) {
        floor_die("handle", "out of memory");
    }
    t->easy = c;
    t->answer_size = 0;
    floor_check(curl_easy_setopt(c, CURLOPT_URL, r->url), "url");
    floor_check(curl_easy_setopt(c, CURLOPT_HTTP_VERSION, r->http_version), "version");
    floor_check(curl_easy_setopt(c, CURLOPT_HTTPHEADER, r->headers), "headers");
    floor_check(curl_easy_setopt(c, CURLOPT_POSTFIELDS, BODY), "body");
    floor_check(curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)(sizeof BODY - 1)), "size");
    floor_check(curl_easy_setopt(c, CURLOPT_USERAGENT, r->agent), "agent");
    floor_check(curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep), "write");
    floor_check(curl_easy_setopt(c, CURLOPT_WRITEDATA, t), "write");
    floor_check(curl_easy_setopt(c, CURLOPT_PRIVATE, t), "private");
    floor_check(curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L), "signal");
    floor_check(curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, 60000L), "timeout");
    floor_check(curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, 10000L), "timeout");
    floor_check(curl_easy_setopt(c, CURLOPT_PROXY, ""), "proxy");
    if (r->ca[0] != '\0') {
        floor_check(curl_easy_setopt(c, CURLOPT_CAINFO, r->ca), "ca");
    }
}

void floor_verify(transfer *t) {
    long status = 0;

    floor_check(curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status), "status");
    if (status != 200 || t->answer_size == 0 || t->answer[t->answer_size - 1] != '}') {
        floor_die("answer", "not what the server says");
    }
    t->answer_size = 0;
}

double floor_now(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double floor_cpu(void) {
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

long floor_peak_kib(void) {
    FILE *status = fopen("/proc/self/status", "r");
    char line[128];
    long kib = 0;

    if (status == NULL) {
        return 0;
    }
    while (fgets(line, sizeof line, status) != NULL) {
        if (sscanf(line, "VmHWM: %ld", &kib) == 1) {
            break;
        }
    }
    fclose(status);
    return kib;
}

void floor_report(long calls, double seconds, double cpu, long connects) {
    printf("calls=%ld seconds=%.6f cpu=%.6f peak_kib=%ld connects=%ld\n", calls, seconds, cpu,
           floor_peak_kib(), connects);
}
