#include "cab/crypto.h"

#include <limits.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif
#include <unistd.h>

#include "cab/buf.h"

enum {
    BLOCK = 64,
    STRETCHES = 2000, /* a step has a millisecond for it, no more */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const EVP_MD *found[2]; /* by cab_hash; NULL: this libcrypto has none */

/* libcrypto 3 looks an algorithm up by name on each use of EVP_sha256(), which costs more than
 * hashing a short text. The fetched ones are kept for the life of the process. */
static void find_hashes(void) {
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
    found[CAB_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
    found[CAB_SM3] = EVP_MD_fetch(NULL, "SM3", NULL);
#elif !defined OPENSSL_NO_SM3
    found[CAB_SM3] = EVP_sm3();
#endif
    if (found[CAB_SHA256] == NULL) {
        found[CAB_SHA256] = EVP_sha256();
    }
}

static const EVP_MD *find(cab_hash hash) {
    (void)pthread_once(&once, find_hashes);
    return found[hash];
}

static bool digest(EVP_MD_CTX *ctx, const EVP_MD *md, const void *head, size_t head_len,
                   const void *data, size_t len, unsigned char out[CAB_HASH_LEN]) {
    return EVP_DigestInit_ex(ctx, md, NULL) == 1 &&
           (head_len == 0 || EVP_DigestUpdate(ctx, head, head_len) == 1) &&
           (len == 0 || EVP_DigestUpdate(ctx, data, len) == 1) &&
           EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}

bool cab_digest(cab_hash hash, const void *data, size_t len, unsigned char out[CAB_HASH_LEN]) {
    const EVP_MD *md = find(hash);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL && md != NULL && digest(ctx, md, NULL, 0, data, len, out);
    EVP_MD_CTX_free(ctx);
    return ok;
}

/* RFC 2104 over the digest above: libcrypto's own HMAC is deprecated in 3.x, and its successor
 * does not exist in 1.1.1. */
bool cab_hmac(cab_hash hash, const void *key, size_t key_len, const void *data, size_t len,
              unsigned char out[CAB_HASH_LEN]) {
    unsigned char block[BLOCK] = {0};
    unsigned char pad[BLOCK];
    unsigned char inner[CAB_HASH_LEN];
    const EVP_MD *md = find(hash);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL && md != NULL;
    if (ok && key_len > BLOCK) {
        ok = digest(ctx, md, NULL, 0, key, key_len, block);
    } else if (ok && key_len > 0) {
        memcpy(block, key, key_len);
    }
    for (size_t i = 0; i < BLOCK; i++) {
        pad[i] = block[i] ^ 0x36;
    }
    ok = ok && digest(ctx, md, pad, BLOCK, data, len, inner);
    for (size_t i = 0; i < BLOCK; i++) {
        pad[i] = block[i] ^ 0x5c;
    }
    ok = ok && digest(ctx, md, pad, BLOCK, inner, sizeof inner, out);
    EVP_MD_CTX_free(ctx); /* wipes the digest's state */
    cab_wipe(block, sizeof block);
    cab_wipe(pad, sizeof pad);
    cab_wipe(inner, sizeof inner);
    return ok;
}

/* From the system: starting libcrypto's own generator takes a millisecond of the process's life. */
bool cab_stretch(const char *password, size_t len, const void *salt, size_t salt_len,
                 unsigned char out[CAB_HASH_LEN]) {
    const EVP_MD *md = find(CAB_SHA256);
    return md != NULL && len <= INT_MAX && salt_len <= INT_MAX &&
           PKCS5_PBKDF2_HMAC(password, (int)len, salt, (int)salt_len, STRETCHES, md, CAB_HASH_LEN,
                             out) == 1;
}

bool cab_random(void *out, size_t len) { return len <= 256 && getentropy(out, len) == 0; }

void cab_hex(const unsigned char *bytes, size_t len, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 0xf];
    }
}

bool cab_uuid(char out[37]) {
    unsigned char b[16];
    if (!cab_random(b, sizeof b)) {
        return false;
    }
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    for (size_t i = 0, at = 0; i < sizeof b; i++) {
        cab_hex(&b[i], 1, &out[at]);
        at += 2;
        if (i == 3 || i == 5 || i == 7 || i == 9) {
            out[at++] = '-';
        }
    }
    out[36] = '\0';
    return true;
}
