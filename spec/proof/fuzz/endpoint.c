/* Endpoints and absolute URLs: what is accepted is safe to put into a request. */
#include "fuzz.h"

#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "cab/endpoint.h"

static void check(const cab_endpoint *ep) {
    MUST(ep->base != NULL && ep->host != NULL && ep->path != NULL);
    MUST(strncmp(ep->base, ep->https ? "https://" : "http://", ep->https ? 8 : 7) == 0);
    MUST(ep->host[0] != '\0' && strcspn(ep->host, "/?#@\\ \t\r\n") == strlen(ep->host));
    for (const char *p = ep->base; *p != '\0'; p++) {
        MUST((unsigned char)*p > 0x20 && (unsigned char)*p < 0x7f);
    }
    MUST(strpbrk(ep->base, "?#") == NULL);
    MUST(ep->base[strlen(ep->base) - 1] != '/');
    /* The host that libcurl would go to is the one that is signed and checked. */
    CURLU *u = curl_url();
    MUST(u != NULL);
    if (curl_url_set(u, CURLUPART_URL, ep->base, CURLU_PATH_AS_IS) == CURLUE_OK) {
        char *host = NULL;
        char *user = NULL;
        MUST(curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK);
        MUST(curl_url_get(u, CURLUPART_USER, &user, 0) != CURLUE_OK);
        MUST(strncasecmp(host, ep->host, strlen(host)) == 0);
        curl_free(host);
    }
    curl_url_cleanup(u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    cab_endpoint ep;
    cab_error err;
    memset(&ep, 0, sizeof ep);
    memset(&err, 0, sizeof err);
    char *exact = malloc(size + 1);
    MUST(exact != NULL);
    memcpy(exact, data, size);
    exact[size] = '\0';
    if (cab_endpoint_parse(&ep, exact, size, &err)) {
        check(&ep);
    } else {
        MUST(ep.base == NULL && err.kind == CAB_KIND_CONFIG && err.message[0] != '\0');
    }
    cab_endpoint_free(&ep);
    const char *target = NULL;
    if (cab_endpoint_split_url(&ep, &target, exact, &err)) {
        check(&ep);
        MUST(strcmp(target, "/") == 0 || (target > exact && target < exact + strlen(exact)));
    }
    cab_endpoint_free(&ep);
    free(exact);
    return 0;
}
