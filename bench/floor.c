/* The floor: bare libcurl, one easy handle, calls one after another on a connection kept alive.
 *
 *   floor calls url token-bytes http-version user-agent ca-file
 *   floor load                      only what loading and initialising libcurl costs
 */
#include "floor.h"

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    static transfer t;
    floor_request request;
    double start, cpu;
    long calls, connects = 0;

    if (argc == 2 && strcmp(argv[1], "load") == 0) {
        floor_check(curl_global_init(CURL_GLOBAL_DEFAULT), "init");
        return 0;
    }
    if (argc != 7) {
        floor_die("usage", "floor calls url token-bytes http-version user-agent ca-file");
    }
    floor_check(curl_global_init(CURL_GLOBAL_DEFAULT), "init");
    calls = strtol(argv[1], NULL, 10);
    request = floor_parse(argv + 2);
    floor_prepare(&t, &request);
    start = floor_now();
    cpu = floor_cpu();
    for (long i = 0; i < calls; i++) {
        long opened = 0;
        floor_check(curl_easy_perform(t.easy), "call");
        floor_verify(&t);
        floor_check(curl_easy_getinfo(t.easy, CURLINFO_NUM_CONNECTS, &opened), "connects");
        connects += opened;
    }
    floor_report(calls, floor_now() - start, floor_cpu() - cpu, connects);
    curl_easy_cleanup(t.easy);
    curl_slist_free_all(request.headers);
    return 0;
}
