#include "cab/trust.h"

#include <curl/curl.h>

/* Whoever is named is all that is trusted: without this, the system's folder would go with a file,
 * and its file with a folder. (Since 8.17 the file does all the same, and a folder must be another
 * one instead of none.) A TLS library without folders refuses, fine. */
static void trust_nobody(CURL *easy) {
    (void)curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    (void)curl_easy_setopt(easy, CURLOPT_CAPATH, "/dev/null");
    (void)curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, "/dev/null");
}

int cab_trust_set(const cab_trust *trust, void *easy) {
    const struct {
        CURLoption option;
        long value;
    } numbers[] = {
        {CURLOPT_SSLVERSION,
         trust->tls_minor == 3 ? (long)CURL_SSLVERSION_TLSv1_3 : (long)CURL_SSLVERSION_TLSv1_2},
        {CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2},
        {CURLOPT_SSL_VERIFYPEER, trust->insecure ? 0L : 1L},
        {CURLOPT_SSL_VERIFYHOST, trust->insecure ? 0L : 2L},
    };
    const struct {
        CURLoption option;
        const char *value;
    } texts[] = {
        {CURLOPT_CAINFO, trust->ca_file},
        {CURLOPT_PROXY_CAINFO, trust->ca_file},
        {CURLOPT_CAPATH, trust->ca_path},
        {CURLOPT_PROXY_CAPATH, trust->ca_path},
        {CURLOPT_SSLCERT, trust->cert_file},
        {CURLOPT_SSLKEY, trust->key_file},
        {CURLOPT_KEYPASSWD, trust->key_password},
        {CURLOPT_PINNEDPUBLICKEY, trust->pinned_public_key},
    };
    CURLcode rc = CURLE_OK;
    if (trust->ca_file != NULL || trust->ca_path != NULL) {
        trust_nobody(easy);
    }
    for (size_t i = 0; rc == CURLE_OK && i < sizeof numbers / sizeof *numbers; i++) {
        rc = curl_easy_setopt(easy, numbers[i].option, numbers[i].value);
    }
    for (size_t i = 0; rc == CURLE_OK && i < sizeof texts / sizeof *texts; i++) {
        rc = texts[i].value != NULL ? curl_easy_setopt(easy, texts[i].option, texts[i].value) : rc;
    }
    return (int)rc;
}
