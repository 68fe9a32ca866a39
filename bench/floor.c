/* The floor: bare libcurl, one easy handle, calls one after another on a connection kept alive.
 *
 *   floor calls warm url token-bytes http-version user-agent ca-file
 *   floor load                      only what loading and initialising libcurl costs
 *
 * `warm` calls go before, unmeasured.
 */
#include "floor.h"

#include <stdlib.h>
#include <string.h>

static transfer t;

/* Answers how many connections were opened. */
static long run(long calls) {
    long connects = 0;

    for (long i = 0; i < calls; i++) {
        long opened = 0;
        floor_check(curl_easy_perform(t.easy), "call");
        floor_verify(&t);
        floor_check(curl_easy_getinfo(t.easy, CURLINFO_NUM_CONNECTS, &opened), "connects");
        connects += opened;
    }
    return connects;
}

int main(int argc, char **argv) {
    floor_request request;
    double start, cpu;
    long calls, connects;

    if (argc == 2 && strcmp(argv[1], "load") == 0) {
        floor_check(curl_global_init(CURL_GLOBAL_DEFAULT), "init");
        return 0;
    }
    if (argc != 8) {
        floor_die("usage", "floor calls warm url token-bytes http-version user-agent ca-file");
    }
    floor_check(curl_global_init(CURL_GLOBAL_DEFAULT), "init");
    calls = strtol(argv[1], NULL, 10);
    request = floor_parse(argv + 3);
    floor_prepare(&t, &request);
    run(strtol(argv[2], NULL, 10));
    start = floor_now();
    cpu = floor_cpu();
    connects = run(calls);
    floor_report(calls, floor_now() - start, floor_cpu() - cpu, connects);
    curl_easy_cleanup(t.easy);
    curl_slist_free_all(request.headers);
    return 0;
}
