#include "cab/libssl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include <curl/curl.h>

#ifndef RTLD_NOLOAD
#define RTLD_NOLOAD 0
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void (*set_cert_store)(void *ssl_ctx, X509_STORE *store); /* NULL: not ours */
static int (*pending)(const void *ssl);

/* Of C's types for functions and data only a copy leads from one to the other. */
typedef union {
    void *data;
    void (*function)(void);
    void (*set_cert_store)(void *, X509_STORE *);
    int (*pending)(const void *);
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
        const address found = {.data = dlsym(handle, "SSL_CTX_set_cert_store")};
        const address unread = {.data = dlsym(handle, "SSL_pending")};
        set_cert_store = found.set_cert_store;
        pending = unread.pending;
    }
}

bool cab_libssl_is_ours(void) {
    (void)pthread_once(&once, find);
    return set_cert_store != NULL;
}

bool cab_libssl_set_store(void *ssl_ctx, X509_STORE *store) {
    if (X509_STORE_up_ref(store) != 1) {
        return false;
    }
    set_cert_store(ssl_ctx, store);
    return true;
}

bool cab_libssl_has_unread(void *easy) {
    struct curl_tlssessioninfo *info = NULL;
    return cab_libssl_is_ours() && pending != NULL &&
           curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info) == CURLE_OK && info != NULL &&
           info->backend == CURLSSLBACKEND_OPENSSL && info->internals != NULL &&
           pending(info->internals) > 0;
}
