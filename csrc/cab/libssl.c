#include "cab/libssl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include <curl/curl.h>

#ifndef RTLD_NOLOAD
#define RTLD_NOLOAD 0
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
typedef void info_callback(void *ssl, int where, int value);
#define HANDSHAKE_START 0x10 /* SSL_CB_HANDSHAKE_START */

static struct {
    void (*set_cert_store)(void *ssl_ctx, X509_STORE *store);
    void (*set_info_callback)(void *ssl_ctx, info_callback *callback);
    int (*set_session)(void *ssl, void *session);
} libssl; /* all or none: not ours */

/* Of C's types for functions and data only a copy leads from one to the other. */
typedef union {
    void *data;
    void (*function)(void);
    void (*set_cert_store)(void *, X509_STORE *);
    void (*set_info_callback)(void *, info_callback *);
    int (*set_session)(void *, void *);
    X509_STORE *(*store_new)(void);
    CURL *(*easy_init)(void);
} address;

/* Among the libraries that libcurl brought, where a name means what libcurl means by it. We do not
 * ask for libssl ourselves: a libcurl on another library would come with two. */
static void find(void) {
    const char *tls = curl_version_info(CURLVERSION_NOW)->ssl_version;
    const address libcurl = {.easy_init = curl_easy_init}, new = {.store_new = X509_STORE_new};
    Dl_info file;
    if (tls == NULL || strncmp(tls, "OpenSSL/", 8) != 0 || dladdr(libcurl.data, &file) == 0 ||
        file.dli_fname == NULL) {
        return;
    }
    void *handle = dlopen(file.dli_fname, RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD); /* stays */
    if (handle != NULL && dlsym(handle, "X509_STORE_new") == new.data) {
        const address store = {.data = dlsym(handle, "SSL_CTX_set_cert_store")};
        const address info = {.data = dlsym(handle, "SSL_CTX_set_info_callback")};
        const address session = {.data = dlsym(handle, "SSL_set_session")};
        if (store.data != NULL && info.data != NULL && session.data != NULL) {
            libssl.set_cert_store = store.set_cert_store;
            libssl.set_info_callback = info.set_info_callback;
            libssl.set_session = session.set_session;
        }
    }
}

bool cab_libssl_is_ours(void) {
    (void)pthread_once(&once, find);
    return libssl.set_cert_store != NULL;
}

bool cab_libssl_set_store(void *ssl_ctx, X509_STORE *store) {
    if (X509_STORE_up_ref(store) != 1) {
        return false;
    }
    libssl.set_cert_store(ssl_ctx, store);
    return true;
}

static void forget_session(void *ssl, int where, int value) {
    (void)value;
    if ((where & HANDSHAKE_START) != 0) {
        (void)libssl.set_session(ssl, NULL);
    }
}

/* Not by libcurl's option, which since 8.23 comes too late from where an SSL_CTX is known. */
void cab_libssl_resume_nothing(void *ssl_ctx) { libssl.set_info_callback(ssl_ctx, forget_session); }
