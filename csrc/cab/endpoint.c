#include "cab/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/urlapi.h>

#include "cab/buf.h"
#include "cab/locale.h"

/* libcurl keeps spellings that are no longer than its own. */
const char *cab_endpoint_ipv6(const cab_endpoint *ep, char text[CAB_IPV6_TEXT]) {
    struct in6_addr address;
    const char *end = ep->host[0] == '[' ? strchr(ep->host, ']') : NULL;
    size_t len = end != NULL ? (size_t)(end - ep->host) - 1 : CAB_IPV6_TEXT;
    if (len >= CAB_IPV6_TEXT) {
        return NULL;
    }
    memcpy(text, ep->host + 1, len);
    text[len] = '\0';
    bool ok = inet_pton(AF_INET6, text, &address) == 1 &&
              inet_ntop(AF_INET6, &address, text, CAB_IPV6_TEXT) != NULL;
    return ok ? end : NULL;
}

bool cab_endpoint_same(const cab_endpoint *ep, const cab_endpoint *other) {
    char text[CAB_IPV6_TEXT], other_text[CAB_IPV6_TEXT];
    const char *port = cab_endpoint_ipv6(ep, text);
    const char *other_port = cab_endpoint_ipv6(other, other_text);
    bool same_host = port != NULL && other_port != NULL
                         ? strcmp(text, other_text) == 0 && strcmp(port, other_port) == 0
                         : cab_same(ep->host, other->host);
    return same_host && ep->https == other->https;
}

/* libcurl has written addresses of other forms ("127.1") in this one. */
static bool is_loopback(const char *host) {
    struct in_addr address;
    return cab_same(host, "localhost") || strcmp(host, "[::1]") == 0 ||
           (strncmp(host, "127.", 4) == 0 && inet_pton(AF_INET, host, &address) == 1);
}

/* Whether no name server is to be asked for it. A host's name may be long with hyphens or
 * underscores in it: it is asked for, but not repeated (curl_error). */
static bool is_long_word(const char *host) {
    return strlen(host) > CAB_LONGEST_WORD && strpbrk(host, ".-_[") == NULL;
}

static const char LONG_WORD[] = "is a long word, which may be a secret; a host of that name is "
                                "written with a dot at its end";
static const char WORD_WITH_SLASH[] = "is a word and a slash, which may be a secret; an address of "
                                      "that form is written with its scheme";

static char *part(CURLU *u, CURLUPart what) {
    char *text = NULL;
    return curl_url_get(u, what, &text, 0) == CURLUE_OK ? text : NULL;
}

static char *join(const char *a, const char *b, const char *c, const char *d) {
    size_t len = strlen(a) + strlen(b) + strlen(c) + strlen(d) + 1;
    char *out = malloc(len);
    if (out != NULL) {
        (void)snprintf(out, len, "%s%s%s%s", a, b, c, d);
    }
    return out;
}

static bool refuse(cab_error *err, const char *why) {
    return cab_fail(err, CAB_KIND_CONFIG, CAB_REASON_NONE, "endpoint", "the endpoint %s", why);
}

static bool fill(cab_endpoint *ep, CURLU *u, cab_error *err) {
    char *scheme = part(u, CURLUPART_SCHEME);
    char *host = part(u, CURLUPART_HOST);
    char *port = part(u, CURLUPART_PORT);
    char *path = part(u, CURLUPART_PATH);
    bool ok = false;
    if (scheme == NULL || host == NULL || path == NULL) {
        refuse(err, "is not a URL with a host");
    } else if (is_long_word(host)) {
        refuse(err, LONG_WORD);
    } else {
        bool https = strcmp(scheme, "https") == 0;
        /* libcurl leaves out a scheme's own port in the Host header, and so must a signature. */
        bool own_port = port != NULL && strcmp(port, https ? "443" : "80") != 0;
        size_t path_len = strlen(path);
        while (path_len > 0 && path[path_len - 1] == '/') {
            path[--path_len] = '\0';
        }
        ep->https = https;
        ep->loopback = is_loopback(host);
        ep->host = join(host, own_port ? ":" : "", own_port ? port : "", "");
        ep->path = join(path, "", "", "");
        ep->base =
            ep->host != NULL ? join(https ? "https://" : "http://", ep->host, path, "") : NULL;
        ok = ep->base != NULL && ep->path != NULL;
        if (!ok) {
            cab_fail_memory(err);
        }
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(path);
    return ok;
}

static bool parse(cab_endpoint *ep, const char *text, cab_error *err) {
    CURLU *u = curl_url();
    if (u == NULL) {
        return cab_fail_memory(err);
    }
    CURLUcode rc = curl_url_set(u, CURLUPART_URL, text,
                                CURLU_DEFAULT_SCHEME | CURLU_PATH_AS_IS | CURLU_NON_SUPPORT_SCHEME);
    char *scheme = part(u, CURLUPART_SCHEME);
    char *extra[2] = {part(u, CURLUPART_QUERY), part(u, CURLUPART_FRAGMENT)};
    bool ok = false;
    if (rc == CURLUE_OUT_OF_MEMORY) {
        cab_fail_memory(err);
    } else if (rc != CURLUE_OK) {
        refuse(err, "is not a URL");
    } else if (scheme == NULL || (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)) {
        refuse(err, "must be https (or http)");
    } else if (extra[0] != NULL || extra[1] != NULL) {
        refuse(err, "must not hold a query or a fragment");
    } else {
        ok = fill(ep, u, err);
    }
    for (int i = 0; i < 2; i++) {
        curl_free(extra[i]);
    }
    curl_free(scheme);
    curl_url_cleanup(u);
    return ok;
}

/* Keys have slashes, and no dots: what stands before the first is no host to ask for. shown.lua
 * knows it, too, for addresses that get a scheme before they come here. */
static bool is_word_with_slash(const char *text) { return text[strcspn(text, "/.:[")] == '/'; }

static bool has_escaped_host(const char *url) {
    const char *colon = url + strcspn(url, ":/");
    /* libcurl takes one slash for two. */
    const char *authority = strncmp(colon, ":/", 2) == 0 ? colon + 1 + strspn(colon + 1, "/") : url;
    return memchr(authority, '%', strcspn(authority, "/")) != NULL;
}

/* Wherever an @ stands, what is before it may be meant for a user and a password: with a slash in
 * them libcurl would take a piece for the host, ask name servers for it and show it. */
static bool may_hold_login(const char *url, cab_error *err) {
    return strchr(url, '@') != NULL && !refuse(err, "must not hold a user or password");
}

bool cab_endpoint_parse(cab_endpoint *ep, const char *text, size_t len, cab_error *err) {
    memset(ep, 0, sizeof *ep);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= 0x20 || c >= 0x7f || strchr("\"<>\\^`{|}", c) != NULL) {
            return refuse(err, "holds a blank, a control character or another odd byte");
        }
    }
    char *copy = len > 0 ? cab_strdup(text, len) : NULL;
    if (copy == NULL) {
        return len > 0 ? cab_fail_memory(err) : refuse(err, "is empty");
    }
    /* libcurl takes the path of the first for its host. The host of the second would hide bytes
     * that are refused above, or another spelling of an address ("%33" is 0.0.0.3). */
    bool ok = strstr(copy, ":///") != NULL ? refuse(err, "has no host")
              : is_word_with_slash(copy)   ? refuse(err, WORD_WITH_SLASH)
              : has_escaped_host(copy)     ? refuse(err, "has an escape in its host")
                                           : !may_hold_login(copy, err) && parse(ep, copy, err);
    cab_wipe_free(copy);
    if (!ok) {
        cab_endpoint_free(ep);
    }
    return ok;
}

bool cab_endpoint_split_url(cab_endpoint *ep, const char **target, const char *url,
                            cab_error *err) {
    const char *authority = strstr(url, "://");
    authority = authority != NULL ? authority + 3 : url;
    size_t head = (size_t)(authority - url) + strcspn(authority, "/?#");
    *target = url[head] != '\0' ? url + head : "/";
    memset(ep, 0, sizeof *ep);
    return !may_hold_login(url, err) && cab_endpoint_parse(ep, url, head, err);
}

/* As libcurl reads a proxy. NULL: it cannot; to be freed by curl_free. */
static char *host_of(const char *url) {
    CURLU *u = curl_url();
    bool ok = u != NULL && curl_url_set(u, CURLUPART_URL, url,
                                        CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
    char *host = ok ? part(u, CURLUPART_HOST) : NULL;
    curl_url_cleanup(u);
    return host;
}

bool cab_url_is_readable(const char *url) {
    char *host = host_of(url);
    curl_free(host);
    return host != NULL;
}

const char *cab_url_secret(const char *url) {
    char *host = host_of(url);
    bool is_long = host != NULL && is_long_word(host);
    curl_free(host);
    return is_word_with_slash(url) ? WORD_WITH_SLASH : is_long ? LONG_WORD : NULL;
}

bool cab_url_is_loopback(const char *url) {
    char *host = host_of(url);
    bool loopback = host != NULL && is_loopback(host);
    curl_free(host);
    return loopback;
}

void cab_endpoint_free(cab_endpoint *ep) {
    free(ep->base);
    free(ep->host);
    free(ep->path);
    memset(ep, 0, sizeof *ep);
}
