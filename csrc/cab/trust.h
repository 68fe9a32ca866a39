/* What certificates are checked against, and what we show of ourselves. */
#ifndef CAB_TRUST_H
#define CAB_TRUST_H

#include <stdbool.h>

#include "cab/anchors.h"

#pragma GCC visibility push(hidden)

/* NULL means libcurl's default. */
typedef struct {
    const char *ca_file;
    const char *ca_path;
    const char *cert_file;
    const char *key_file;
    const char *key_password;
    const char *pinned_public_key;
    bool insecure; /* accept any certificate */
    int tls_minor; /* least TLS version accepted: 2 or 3 */
} cab_trust;

/* Whom it trusts, in the form that connections take; false when memory ran out. */
bool cab_trust_open(const cab_trust *trust, cab_anchors *anchors);
/* Sets an easy handle of libcurl, for servers and proxies; answers a CURLcode. Connections that it
 * opens ask the anchors. */
int cab_trust_set(const cab_trust *trust, cab_anchors *anchors, void *easy);

#pragma GCC visibility pop

#endif
