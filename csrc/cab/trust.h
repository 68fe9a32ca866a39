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

/* How a handle of libcurl connects. */
typedef struct {
    cab_anchors *anchors;
    bool resumes; /* sessions of TLS */
    bool stale;   /* it was about to resume one, but whom to trust has changed since */
} cab_trust_check;

/* Whom it trusts, in the form that connections take; false when memory ran out. */
bool cab_trust_open(const cab_trust *trust, cab_anchors *anchors);
/* Sets an easy handle of libcurl, for servers and proxies; answers a CURLcode. Connections that it
 * opens ask the anchors of `check`. */
int cab_trust_set(const cab_trust *trust, cab_trust_check *check, void *easy);
/* Whether the handle's connections and sessions are kept apart from those of all that are not set
 * so: libcurl tells them by words that mean the same to a server. */
int cab_trust_set_apart(const cab_trust *trust, bool apart, void *easy);
/* Before each attempt: where sessions are resumed, no certificate is looked at. */
int cab_trust_prepare(cab_trust_check *check, void *easy);

#pragma GCC visibility pop

#endif
