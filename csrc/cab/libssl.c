#include "cab/libssl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include <curl/curl.h>

#ifndef RTLD_NOLOAD
#define RTLD_NOLOAD 0
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT, warm_once = PTHREAD_ONCE_INIT;
static void (*set_cert_store)(void *ssl_ctx, X509_STORE *store); /* NULL: not ours */
static int (*pending)(const void *ssl);
static void (*alpn)(const void *ssl, const unsigned char **name, unsigned *len);
static const void *(*method)(void);
static void *(*context_new)(const void *method);
static void (*context_free)(void *ssl_ctx);

/* Of C's types for functions and data only a copy leads from one to the other. */
typedef union {
    void *data;
    void (*function)(void);
    void (*set_cert_store)(void *, X509_STORE *);
    int (*pending)(const void *);
    void (*alpn)(const void *, const unsigned char **, unsigned *);
    const void *(*method)(void);
    void *(*context_new)(const void *);
    void (*context_free)(void *);
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
        const address agreed = {.data = dlsym(handle, "SSL_get0_alpn_selected")};
        const address client = {.data = dlsym(handle, "TLS_client_method")};
        const address make = {.data = dlsym(handle, "SSL_CTX_new")};
        const address drop = {.data = dlsym(handle, "SSL_CTX_free")};
        set_cert_store = found.set_cert_store;
        method = client.method;
        context_new = make.context_new;
        context_free = drop.context_free;
        pending = unread.pending;
        alpn = agreed.alpn;
    }
}

bool cab_libssl_is_ours(void) {
    (void)pthread_once(&once, find);
    return set_cert_store != NULL;
}

static void warm_up(void) {
    if (cab_libssl_is_ours() && method != NULL && context_new != NULL && context_free != NULL) {
        context_free(context_new(method()));
    }
}

void cab_libssl_warm_up(void) { (void)pthread_once(&warm_once, warm_up); }

bool cab_libssl_set_store(void *ssl_ctx, X509_STORE *store) {
    if (X509_STORE_up_ref(store) != 1) {
        return false;
    }
    set_cert_store(ssl_ctx, store);
    return true;
}

/* The SSL of the connection of a transfer; NULL: it cannot be had. */
static const void *ssl_of(CURL *easy) {
    struct curl_tlssessioninfo *info = NULL;
    bool has = cab_libssl_is_ours() &&
               curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info) == CURLE_OK && info != NULL &&
               info->backend == CURLSSLBACKEND_OPENSSL;
    return has ? info->internals : NULL;
}

bool cab_libssl_has_unread(void *easy) {
    const void *ssl = ssl_of(easy);
    return ssl != NULL && pending != NULL && pending(ssl) > 0;
}

int cab_libssl_http_major(void *easy) {
    const void *ssl = ssl_of(easy);
    const unsigned char *name = NULL;
    unsigned len = 0;
    if (ssl == NULL || alpn == NULL) {
        return 0;
    }
    alpn(ssl, &name, &len);
    return len == 2 && memcmp(name, "h2", 2) == 0 ? 2 : 1;
}
