/* For LD_PRELOAD: a libcurl that does not count what it sends. 8.7.0 and 8.7.1 say 0, whatever went
 * out (curl issue 13269), and several others while a write of HTTP/2 has not come to its end. */
#include <dlfcn.h>
#include <stdarg.h>
#include <stddef.h>

#include <curl/curl.h>

#undef curl_easy_getinfo
CURLcode curl_easy_getinfo(CURL *easy, CURLINFO info, ...) {
    static CURLcode (*next)(CURL *, CURLINFO, ...);
    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "curl_easy_getinfo");
    }
    va_list args;
    va_start(args, info);
    void *to = va_arg(args, void *);
    va_end(args);
    CURLcode code = next(easy, info, to);
    if (info == CURLINFO_REQUEST_SIZE) {
        *(long *)to = 0;
    }
    return code;
}
