/* For LD_PRELOAD: a libcurl whose TLS is another library's than OpenSSL, as it says, so that nobody
 * may look into it. */
#include <dlfcn.h>
#include <stddef.h>

#include <curl/curl.h>

curl_version_info_data *curl_version_info(CURLversion age) {
    static curl_version_info_data *(*next)(CURLversion), told;
    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "curl_version_info");
    }
    told = *next(age);
    told.ssl_version = "GnuTLS/3.7.9";
    return &told;
}
