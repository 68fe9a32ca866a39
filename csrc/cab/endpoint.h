/* The address of a service, checked and taken apart once. */
#ifndef CAB_ENDPOINT_H
#define CAB_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "cab/error.h"

#pragma GCC visibility push(hidden)

/* Bytes of a host's name in which there is no dot: keys and many tokens are longer, and stand where
 * an address should be. shown.lua has it, too. */
#define CAB_LONGEST_WORD 24

typedef struct {
    char *base; /* "https://host:port/prefix", no slash at its end */
    char *host; /* as it stands in a Host header */
    char *path; /* "/prefix" or "" */
    bool https;
    bool loopback; /* localhost, 127.0.0.0/8, ::1 */
} cab_endpoint;

/* Reads "[https://]host[:port][/prefix]". Refuses other schemes, a user or password, a query, a
 * fragment, blanks, control and non-ASCII bytes, a long word for a host: a config error about
 * field `endpoint`, which never repeats the text. False leaves the endpoint empty. */
bool cab_endpoint_parse(cab_endpoint *ep, const char *text, size_t len, cab_error *err);
void cab_endpoint_free(cab_endpoint *ep);

/* Where the host is an IPv6 address: writes that in the one form that all its spellings have, and
 * answers what follows it in `ep->host`, from the bracket on. Else NULL. */
#define CAB_IPV6_TEXT 46
const char *cab_endpoint_ipv6(const cab_endpoint *ep, char text[CAB_IPV6_TEXT]);
/* Whether they are one service: scheme, host and port, however they are spelled. */
bool cab_endpoint_same(const cab_endpoint *ep, const cab_endpoint *other);

/* Whether libcurl can make out the host of a proxy's URL. */
bool cab_url_is_readable(const char *url);
/* Why a proxy's URL may rather be a secret, as which an endpoint is refused, or NULL. */
const char *cab_url_secret(const char *url);
/* Whether the host of a URL is this machine, whatever its scheme and whoever its user. */
bool cab_url_is_loopback(const char *url);

/* Takes an absolute URL apart for signing and checking: its Host header, the path (with prefix)
 * and what follows the "?" in `target`; `ep->base` is the scheme and host alone. */
bool cab_endpoint_split_url(cab_endpoint *ep, const char **target, const char *url, cab_error *err);

#pragma GCC visibility pop

#endif
