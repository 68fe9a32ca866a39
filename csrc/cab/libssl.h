/* The OpenSSL that libcurl speaks TLS with, if it does. */
#ifndef CAB_LIBSSL_H
#define CAB_LIBSSL_H

#include <stdbool.h>

#include <openssl/x509.h>

#pragma GCC visibility push(hidden)

/* Whether libcurl's TLS is OpenSSL, and over the same libcrypto as ours: then stores of ours may go
 * into contexts of its. */
bool cab_libssl_is_ours(void);
/* Has OpenSSL fetch what it fetches with the first context of a process, its ciphers above all: 1.2
 * to 1.8 ms (3.0), which are no step's then. */
void cab_libssl_warm_up(void);
/* Gives an SSL_CTX another store, which stays the caller's, too. */
bool cab_libssl_set_store(void *ssl_ctx, X509_STORE *store);

/* Within a callback of a transfer over TLS: whether its connection has bytes that were decrypted
 * and that nobody has read, which the socket does not show. False where that cannot be told. */
bool cab_libssl_has_unread(void *easy);
/* Likewise: which version of HTTP was agreed on for it, 1 or 2; 0: that cannot be told. */
int cab_libssl_http_major(void *easy);

#pragma GCC visibility pop

#endif
