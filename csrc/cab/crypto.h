/* SHA-256, HMAC and random bytes. The only user of libcrypto (1.1.1 and 3.x). */
#ifndef CAB_CRYPTO_H
#define CAB_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

enum { CAB_SHA256_LEN = 32, CAB_SHA256_HEX_LEN = 64 };

/* Each answers false when it could not be done (no memory, or a libcrypto without SHA-256);
 * `out` is then unspecified. Safe from any thread. */
bool cab_sha256(const void *data, size_t len, unsigned char out[CAB_SHA256_LEN]);
bool cab_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                     unsigned char out[CAB_SHA256_LEN]);
/* At most 256 bytes, from the system. */
bool cab_random(void *out, size_t len);
/* A random UUID (RFC 9562, version 4) in lower case. */
bool cab_uuid(char out[37]);

/* Writes 2 * len lower-case digits, no NUL. */
void cab_hex(const unsigned char *bytes, size_t len, char *out);

#pragma GCC visibility pop

#endif
