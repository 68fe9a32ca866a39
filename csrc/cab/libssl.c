#include "cab/libssl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include <curl/curl.h>

#ifndef RTLD_NOLOAD
#define RTLD_NOLOAD 0
#endif

/* Of OpenSSL's headers, which a libcurl on another library has no use for. */
enum {
    SET_MESSAGE_ARGUMENT = 16,
    INNER_TYPE = 257, /* of a record within TLS 1.3 */
    HANDSHAKE = 22,
    CERTIFICATE_REQUEST = 13,
    ALERT = 21,
    FATAL = 2,
    CLOSE_NOTIFY = 0,
    TLS_1_3 = 0x0304,
    RECEIVED_SHUTDOWN = 2,
};

typedef void on_message(int sent, int version, int type, const void *bytes, size_t len, void *ssl,
                        void *ear);

static pthread_once_t once = PTHREAD_ONCE_INIT, warm_once = PTHREAD_ONCE_INIT;
static void (*set_cert_store)(void *ssl_ctx, X509_STORE *store); /* NULL: not ours */
static int (*pending)(const void *ssl), (*ended)(const void *ssl), (*version)(const void *ssl);
static void (*alpn)(const void *ssl, const unsigned char **name, unsigned *len);
static const void *(*method)(void);
static void *(*context_new)(const void *method);
static void (*context_free)(void *ssl_ctx);
static void (*hear_context)(void *ssl_ctx, on_message *f);
static void (*hear)(void *ssl, on_message *f);
static long (*control)(void *ssl, int what, long number, void *pointer);
static int (*set_data)(void *ssl, int slot, void *data);
static void *(*get_data)(const void *ssl, int slot);
static int asked = -1; /* slot for whether the server wants a certificate */

/* Of C's types for functions and data only a copy leads from one to the other. */
typedef union {
    void *data;
    void (*function)(void);
    void (*set_cert_store)(void *, X509_STORE *);
    int (*number)(const void *);
    void (*alpn)(const void *, const unsigned char **, unsigned *);
    const void *(*method)(void);
    void *(*context_new)(const void *);
    void (*context_free)(void *);
    void (*hear)(void *, on_message *);
    long (*control)(void *, int, long, void *);
    int (*set_data)(void *, int, void *);
    void *(*get_data)(const void *, int);
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
        const address unread = {.data = dlsym(handle, "SSL_has_pending")};
        const address over = {.data = dlsym(handle, "SSL_get_shutdown")};
        const address agreed = {.data = dlsym(handle, "SSL_get0_alpn_selected")};
        const address client = {.data = dlsym(handle, "TLS_client_method")};
        const address make = {.data = dlsym(handle, "SSL_CTX_new")};
        const address drop = {.data = dlsym(handle, "SSL_CTX_free")};
        const address all = {.data = dlsym(handle, "SSL_CTX_set_msg_callback")};
        const address one = {.data = dlsym(handle, "SSL_set_msg_callback")};
        const address set = {.data = dlsym(handle, "SSL_ctrl")};
        const address spoken = {.data = dlsym(handle, "SSL_version")};
        const address keep = {.data = dlsym(handle, "SSL_set_ex_data")};
        const address kept = {.data = dlsym(handle, "SSL_get_ex_data")};
        asked = CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL, 0, NULL, NULL, NULL, NULL);
        if (one.data != NULL && set.data != NULL && spoken.data != NULL && keep.data != NULL &&
            kept.data != NULL && asked >= 0) {
            set_data = keep.set_data;
            get_data = kept.get_data;
            hear_context = all.hear;
            hear = one.hear;
            control = set.control;
            version = spoken.number;
        }
        set_cert_store = found.set_cert_store;
        method = client.method;
        context_new = make.context_new;
        context_free = drop.context_free;
        pending = unread.number;
        ended = over.number;
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

const void *cab_libssl_of(void *easy) {
    struct curl_tlssessioninfo *info = NULL;
    bool has = cab_libssl_is_ours() &&
               curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info) == CURLE_OK && info != NULL &&
               info->backend == CURLSSLBACKEND_OPENSSL;
    return has ? info->internals : NULL;
}

/* The name of an alert by which a server refuses the client's certificate (RFC 8446, 6.2). */
static const char *refusal(int alert) {
    static const struct {
        int number;
        const char *name;
    } alerts[] = {
        {42, "bad certificate"},     {43, "unsupported certificate"}, {44, "certificate revoked"},
        {45, "certificate expired"}, {46, "certificate unknown"},     {48, "unknown ca"},
        {49, "access denied"},       {51, "decrypt error"},           {116, "certificate required"},
    };
    for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++) {
        if (alerts[i].number == alert) {
            return alerts[i].name;
        }
    }
    return NULL;
}

/* OpenSSL tells of each record, and of what it has read in it. */
static void on_record(int sent, int spoken, int type, const void *bytes, size_t len, void *ssl,
                      void *ud) {
    cab_libssl_ear *ear = ud;
    const unsigned char *b = bytes;
    if (sent != 0 || len == 0) {
        return;
    }
    if (ear == NULL) {
        if (type == HANDSHAKE && b[0] == CERTIFICATE_REQUEST) {
            (void)set_data(ssl, asked, ssl);
        }
    } else if (type == INNER_TYPE && b[0] != ALERT) {
        (void)set_data(ssl, asked, NULL); /* a refusal would have come before this */
        ear->alerted = NULL;
        if (!ear->waits) {
            hear(ssl, NULL);
        }
    } else if (type == INNER_TYPE) {
        ear->alerted = ssl;
    } else if (type == ALERT && len == 2 && b[1] == CLOSE_NOTIFY) {
        ear->tell(ear->ud, ssl, CAB_LIBSSL_GOODBYE, NULL);
    } else if (type == ALERT && len == 2 && b[0] == FATAL && spoken == TLS_1_3 &&
               ear->alerted == ssl && get_data(ssl, asked) != NULL && refusal(b[1]) != NULL) {
        ear->tell(ear->ud, ssl, CAB_LIBSSL_REFUSAL, refusal(b[1]));
    }
}

void cab_libssl_prepare(void *ssl_ctx) {
    if (hear_context != NULL) {
        hear_context(ssl_ctx, on_record); /* not later: records would not be told of (3.2) */
    }
}

void cab_libssl_listen(const void *ssl, cab_libssl_ear *ear) {
    union {
        const void *in;
        void *out;
    } own = {.in = ssl};
    ear->tell(ear->ud, ssl, CAB_LIBSSL_NEW, NULL);
    ear->alerted = NULL;
    if (hear_context == NULL) {
        return;
    }
    if (version(ssl) == TLS_1_3 || ear->waits) {
        (void)control(own.out, SET_MESSAGE_ARGUMENT, 0, ear);
    } else {
        hear(own.out, NULL);
    }
}

bool cab_libssl_has_ended(const void *ssl) {
    return ssl != NULL && ended != NULL && (ended(ssl) & RECEIVED_SHUTDOWN) != 0;
}

bool cab_libssl_has_unread(const void *ssl) {
    return ssl != NULL && pending != NULL && pending(ssl) > 0;
}

bool cab_libssl_tells_version(const void *ssl) { return ssl != NULL && alpn != NULL; }

int cab_libssl_http_major(const void *ssl, int otherwise) {
    const unsigned char *name = NULL;
    unsigned len = 0;
    if (!cab_libssl_tells_version(ssl)) {
        return 0;
    }
    alpn(ssl, &name, &len);
    return len == 0 ? otherwise : len == 2 && memcmp(name, "h2", 2) == 0 ? 2 : 1;
}

bool cab_libssl_has_tickets(const void *ssl) { return version == NULL || version(ssl) >= TLS_1_3; }
