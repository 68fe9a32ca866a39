/* The OpenSSL that libcurl speaks TLS with, if it does. */
#ifndef CAB_LIBSSL_H
#define CAB_LIBSSL_H

#include <stdbool.h>

#include <openssl/x509.h>

#pragma GCC visibility push(hidden)

typedef enum {
    CAB_LIBSSL_NEW, /* an SSL, that may lie where another one did */
    CAB_LIBSSL_REFUSAL,
    CAB_LIBSSL_GOODBYE,
} cab_libssl_news;

/* Who is told when a server refuses the client's certificate, or that there is none. */
typedef struct {
    void (*tell)(void *ud, const void *ssl, cab_libssl_news what, const char *alert);
    void *ud;
    bool waits;          /* for the server's goodbye, too */
    const void *alerted; /* the SSL on which an alert came as the last thing, else as the first */
} cab_libssl_ear;

/* Whether libcurl's TLS is OpenSSL, and over the same libcrypto as ours: then stores of ours may go
 * into contexts of its. */
bool cab_libssl_is_ours(void);
/* Has OpenSSL fetch what it fetches with the first context of a process, its ciphers above all: 1.2
 * to 1.8 ms (3.0), which are no step's then. */
void cab_libssl_warm_up(void);
/* Gives an SSL_CTX another store, which stays the caller's, too. */
bool cab_libssl_set_store(void *ssl_ctx, X509_STORE *store);

/* A connection that is about to be made with an SSL_CTX can be listened to. */
void cab_libssl_prepare(void *ssl_ctx);
/* Within a callback of a transfer over TLS: the SSL of its connection; NULL: it cannot be had. */
const void *cab_libssl_of(void *easy);
/* From now on, nothing having gone out on it, tells the ear when the server ends the handshake by a
 * refusal. In TLS 1.3 the client may speak before its certificate was looked at, so that this comes
 * with the first reading; what was sent until then the server has not read. Told of is only an
 * alert before which nothing came: no answer, no ticket, which a server gives when it has ended the
 * handshake, and no question for a certificate after it. */
void cab_libssl_listen(const void *ssl, cab_libssl_ear *ear);
/* Whether the peer has ended it, by a goodbye or by an alert: the socket shows that later. False
 * where it cannot be told, here and below. */
bool cab_libssl_has_ended(const void *ssl);
/* Whether it has bytes that were decrypted and that nobody has read, which the socket does not
 * show. */
bool cab_libssl_has_unread(const void *ssl);
/* Whether it can be told which version of HTTP was agreed on for it; `ssl` may be gone by now. */
bool cab_libssl_tells_version(const void *ssl);
/* Whether its server may say something before it is asked: TLS 1.3 has tickets after the handshake.
 */
bool cab_libssl_has_tickets(const void *ssl);
/* Which version of HTTP was agreed on for it, 1 or 2, `otherwise` if none; 0: that cannot be told.
 */
int cab_libssl_http_major(const void *ssl, int otherwise);

#pragma GCC visibility pop

#endif
