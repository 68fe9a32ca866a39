/* A file of certificates, found by subject: libcrypto takes 40 ms to decode the 145 of a system's
 * file, and a connection needs one. Read once for a process, and again when the file has changed.
 */
#ifndef CAB_BUNDLE_H
#define CAB_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

#pragma GCC visibility push(hidden)

typedef struct cab_bundle cab_bundle;

/* The file as it is now. NULL when it cannot be read, holds no certificate, or a broken one; or
 * when memory ran out, which `*no_memory` then tells. Safe from any thread. */
cab_bundle *cab_bundle_get(const char *path, bool *no_memory);
cab_bundle *cab_bundle_ref(cab_bundle *bundle);
void cab_bundle_unref(cab_bundle *bundle); /* NULL is allowed */

/* The next certificate of that subject, for whoever asks to free; NULL: there is none. `*at` is 0
 * before the first. */
X509 *cab_bundle_next(cab_bundle *bundle, const X509_NAME *subject, size_t *at);

#pragma GCC visibility pop

#endif
