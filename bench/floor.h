/* What the floor programs share: the request, as our library sends it, and the clock. Bench code:
 * any failure ends the program. */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <curl/curl.h>
#include <stddef.h>

#define ANSWER_MAX 4096

/* One transfer: a handle that is set up once, and the answer of its last call. */
typedef struct {
    CURL *easy;
    size_t answer_size;
    char answer[ANSWER_MAX];
} transfer;

/* The arguments every floor program takes after its own:
 *   url token-bytes http-version("1.1" or "2") user-agent ca-file(or "") */
typedef struct {
    const char *url;
    const char *agent;
    const char *ca;
    long http_version;
    struct curl_slist *headers;
} floor_request;

void floor_die(const char *what, const char *why);
void floor_check(CURLcode code, const char *what);

/* Reads five arguments from argv. The header list lives as long as the program. */
floor_request floor_parse(char **argv);

/* A handle ready for curl_easy_perform or a multi; everything that stays the same is set here,
 * once. */
void floor_prepare(transfer *t, const floor_request *request);

/* Ends the program unless the last answer was a 200 with a whole body. */
void floor_verify(transfer *t);

double floor_now(void);    /* monotonic seconds */
double floor_cpu(void);    /* user + system seconds of this process */
long floor_peak_kib(void); /* VmHWM */

/* One line `calls=… seconds=… cpu=… peak_kib=… connects=…` for bench/run.lua. */
void floor_report(long calls, double seconds, double cpu, long connects);

#endif
