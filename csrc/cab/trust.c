#include "cab/trust.h"

#include <curl/curl.h>

#include "cab/libssl.h"

#define NOWHERE "/dev/null"

/* A list of revocations that revokes nothing. libcurl takes it for the certificates to trust, and
 * so reads none: for each connection it would decode the whole file anew. Whatever becomes of our
 * anchors, nobody is trusted for this. */
static char nobody[] = "-----BEGIN X509 CRL-----\n"
                       "MC4wHTAKBggqhkjOPQQDAjAAFw0yMDAxMDEwMDAwMDBaMAoGCCqGSM49BAMCAwEA\n"
                       "-----END X509 CRL-----\n";

static bool is_named(const cab_trust *trust) {
    return trust->ca_file != NULL || trust->ca_path != NULL;
}

static bool has_anchors(const cab_anchors *anchors) {
    return anchors->file != NULL || anchors->folder != NULL;
}

bool cab_trust_open(const cab_trust *trust, cab_anchors *anchors) {
    const char *file = trust->ca_file, *folder = trust->ca_path;
    if (trust->insecure || !cab_libssl_is_ours()) {
        file = folder = NULL;
    } else if (!is_named(trust)) {
#ifndef __APPLE__ /* whose own is neither */
        const curl_version_info_data *libcurl = curl_version_info(CURLVERSION_NOW);
        file = libcurl->cainfo;
        folder = libcurl->capath;
#endif
    }
    return cab_anchors_init(anchors, file, folder);
}

/* libcurl is about to make a connection with this SSL_CTX. */
static CURLcode on_ssl_ctx(CURL *easy, void *ssl_ctx, void *ud) {
    cab_trust_check *check = ud;
    cab_anchors *anchors = check->anchors;
    (void)easy;
    cab_libssl_prepare(ssl_ctx);
    if (!has_anchors(anchors)) {
        return CURLE_OK;
    }
    X509_STORE *store = cab_anchors_store(anchors);
    if (store == NULL || !cab_libssl_set_store(ssl_ctx, store)) {
        return anchors->unreadable ? CURLE_SSL_CACERT_BADFILE : CURLE_OUT_OF_MEMORY;
    }
    check->stale = anchors->changed && check->resumes;
    return check->stale ? CURLE_ABORTED_BY_CALLBACK : CURLE_OK;
}

int cab_trust_prepare(cab_trust_check *check, void *easy) {
    bool resumes = !check->anchors->changed;
    check->stale = false;
    if (resumes == check->resumes) {
        return CURLE_OK;
    }
    check->resumes = resumes;
    return (int)curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, resumes ? 1L : 0L);
}

typedef struct {
    CURLoption option;
    const char *value;
} text;

static CURLcode set_texts(CURL *easy, const text *texts, size_t count) {
    CURLcode rc = CURLE_OK;
    for (size_t i = 0; rc == CURLE_OK && i < count; i++) {
        rc = curl_easy_setopt(easy, texts[i].option, texts[i].value);
    }
    return rc;
}

/* The paths tell libcurl which connections are alike; of a file it reads nothing, and in a folder
 * it only would look. */
static CURLcode set_anchors(const cab_trust *trust, CURL *easy) {
    const char *file = trust->ca_file != NULL ? trust->ca_file : NOWHERE;
    const char *folder = trust->ca_path != NULL ? trust->ca_path : NOWHERE;
    const text named[] = {
        {CURLOPT_CAINFO, file},
        {CURLOPT_PROXY_CAINFO, file},
        {CURLOPT_CAPATH, folder},
        {CURLOPT_PROXY_CAPATH, folder},
    };
    struct curl_blob blob = {nobody, sizeof nobody - 1, CURL_BLOB_NOCOPY};
    CURLcode rc = is_named(trust) ? set_texts(easy, named, 4) : CURLE_OK;
    rc = rc == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob) : rc;
    return rc == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO_BLOB, &blob) : rc;
}

/* Whoever is named is all that is trusted: without this, the system's folder would go with a file,
 * and its file with a folder. (Since 8.17 the file does all the same, and a folder must be another
 * one instead of none.) A TLS library without folders refuses, fine. */
static CURLcode set_paths(const cab_trust *trust, CURL *easy) {
    const text folders[] = {
        {CURLOPT_CAPATH, trust->ca_path},
        {CURLOPT_PROXY_CAPATH, trust->ca_path},
    };
    const text files[] = {
        {CURLOPT_CAINFO, trust->ca_file},
        {CURLOPT_PROXY_CAINFO, trust->ca_file},
    };
    const text no_folders[] = {
        {CURLOPT_CAPATH, NOWHERE},
        {CURLOPT_PROXY_CAPATH, NOWHERE},
    };
    (void)set_texts(easy, no_folders, 2);
    CURLcode rc = set_texts(easy, files, 2);
    return rc == CURLE_OK && trust->ca_path != NULL ? set_texts(easy, folders, 2) : rc;
}

static CURLcode set_authorities(const cab_trust *trust, cab_trust_check *check, CURL *easy) {
    CURLcode rc = CURLE_OK;
    check->resumes = true; /* as handles of libcurl do */
    if (cab_libssl_is_ours()) {
        rc = curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, check);
        rc = rc == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx) : rc;
    }
    return rc != CURLE_OK                ? rc
           : has_anchors(check->anchors) ? set_anchors(trust, easy)
           : is_named(trust)             ? set_paths(trust, easy)
                                         : CURLE_OK;
}

static long least_version(const cab_trust *trust) {
    return trust->tls_minor == 3 ? (long)CURL_SSLVERSION_TLSv1_3 : (long)CURL_SSLVERSION_TLSv1_2;
}

int cab_trust_set_apart(const cab_trust *trust, bool apart, void *easy) {
    long newest = apart ? (long)CURL_SSLVERSION_MAX_TLSv1_3 : (long)CURL_SSLVERSION_MAX_NONE;
    return (int)curl_easy_setopt(easy, CURLOPT_SSLVERSION, least_version(trust) | newest);
}

int cab_trust_set(const cab_trust *trust, cab_trust_check *check, void *easy) {
    const struct {
        CURLoption option;
        long value;
    } numbers[] = {
        {CURLOPT_SSLVERSION, least_version(trust)},
        {CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2},
        {CURLOPT_SSL_VERIFYPEER, trust->insecure ? 0L : 1L},
        {CURLOPT_SSL_VERIFYHOST, trust->insecure ? 0L : 2L},
    };
    /* Without one OpenSSL would ask the terminal, and wait for what is typed. */
    bool may_ask = trust->cert_file != NULL && trust->key_password == NULL;
    const char *password = may_ask ? "" : trust->key_password;
    const text ours[] = {
        {CURLOPT_SSLCERT, trust->cert_file},
        {CURLOPT_SSLKEY, trust->key_file},
        {CURLOPT_KEYPASSWD, password},
        {CURLOPT_PINNEDPUBLICKEY, trust->pinned_public_key},
    };
    CURLcode rc = set_authorities(trust, check, easy);
    for (size_t i = 0; rc == CURLE_OK && i < sizeof numbers / sizeof *numbers; i++) {
        rc = curl_easy_setopt(easy, numbers[i].option, numbers[i].value);
    }
    for (size_t i = 0; rc == CURLE_OK && i < sizeof ours / sizeof *ours; i++) {
        rc = ours[i].value != NULL ? set_texts(easy, &ours[i], 1) : rc;
    }
    return (int)rc;
}
