/* Hashes, HMAC and random bytes. The only user of libcrypto (1.1.1 and 3.x). */
#ifndef CAB_CRYPTO_H
#define CAB_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

/* Both have digests of 32 bytes and blocks of 64. */
typedef enum { CAB_SHA256, CAB_SM3 } cab_hash;

enum { CAB_HASH_LEN = 32, CAB_HASH_HEX_LEN = 64 };

/* Each answers false when it could not be done (no memory, or a libcrypto without that hash);
 * `out` is then unspecified. Safe from any thread. */
bool cab_digest(cab_hash hash, const void *data, size_t len, unsigned char out[CAB_HASH_LEN]);
bool cab_hmac(cab_hash hash, const void *key, size_t key_len, const void *data, size_t len,
              unsigned char out[CAB_HASH_LEN]);
/* What a password is known again by, and hardly guessed from: PBKDF2. Takes a millisecond. */
bool cab_stretch(const char *password, size_t len, const void *salt, size_t salt_len,
                 unsigned char out[CAB_HASH_LEN]);
/* At most 256 bytes, from the system. */
bool cab_random(void *out, size_t len);
/* A random UUID (RFC 9562, version 4) in lower case. */
bool cab_uuid(char out[37]);

/* Writes 2 * len lower-case digits, no NUL. */
void cab_hex(const unsigned char *bytes, size_t len, char *out);

#pragma GCC visibility pop

#endif
