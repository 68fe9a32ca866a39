/* For LD_PRELOAD: a system whose calls fail, as the environment says.
 *   REFUSE="flock getentropy"  these fail every time
 *   LIBCURL=7.86.0             libcurl says that it is this one, takes what that one took, and
 * raises SIGPIPE as it could, once in each of its actions */
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#undef curl_easy_setopt

/* Defines next() as what the program would have called without this file. */
#define NEXT(type, name, ...)                                                                      \
    static type (*next)(__VA_ARGS__);                                                              \
    if (next == NULL) {                                                                            \
        *(void **)&next = dlsym(RTLD_NEXT, name);                                                  \
    }

static int refused(const char *name, int code) {
    const char *all = getenv("REFUSE");
    const char *found = all != NULL ? strstr(all, name) : NULL;
    if (found == NULL) {
        return 0;
    }
    errno = code;
    return 1;
}

int flock(int fd, int what) {
    NEXT(int, "flock", int, int)
    return refused("flock", ENOLCK) ? -1 : next(fd, what);
}

int getentropy(void *out, size_t len) {
    NEXT(int, "getentropy", void *, size_t)
    return refused("getentropy", ENOSYS) ? -1 : next(out, len);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    NEXT(int, "linkat", int, const char *, int, const char *, int)
    return refused("linkat", EPERM) ? -1 : next(from_folder, from, to_folder, to, flags);
}

/* Files without a name are what some file systems do not have. */
#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...) {                                                   \
        NEXT(int, #name, const char *, int, ...)                                                   \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode_t mode = va_arg(more, mode_t); /* whatever it is when there is none: nobody looks */  \
        va_end(more);                                                                              \
        if ((flags & O_TMPFILE) == O_TMPFILE && refused("O_TMPFILE", EOPNOTSUPP)) {                \
            return -1;                                                                             \
        }                                                                                          \
        return next(path, flags, mode);                                                            \
    }

OPEN(open)
OPEN(open64) /* how it is called where files may be large */

int rename(const char *from, const char *to) {
    NEXT(int, "rename", const char *, const char *)
    return refused("rename", EIO) ? -1 : next(from, to);
}

int EVP_DigestInit_ex(EVP_MD_CTX *ctx, const EVP_MD *type, ENGINE *engine) {
    NEXT(int, "EVP_DigestInit_ex", EVP_MD_CTX *, const EVP_MD *, ENGINE *)
    return refused("EVP_DigestInit_ex", 0) ? 0 : next(ctx, type, engine);
}

CURLcode curl_global_init(long flags) {
    NEXT(CURLcode, "curl_global_init", long)
    return refused("curl_global_init", 0) ? CURLE_FAILED_INIT : next(flags);
}

static unsigned libcurl_version(void) {
    unsigned a = 0, b = 0, c = 0;
    const char *text = getenv("LIBCURL");
    return text != NULL && sscanf(text, "%u.%u.%u", &a, &b, &c) == 3 ? a << 16 | b << 8 | c : 0;
}

curl_version_info_data *curl_version_info(CURLversion of) {
    static curl_version_info_data copy;
    NEXT(curl_version_info_data *, "curl_version_info", CURLversion)
    if (libcurl_version() != 0) {
        copy = *next(of);
        copy.version = getenv("LIBCURL");
        copy.version_num = libcurl_version();
        return &copy;
    }
    return next(of);
}

/* An option that the core sets has a curl_off_t, which may be wider than the others, or a long or a
 * pointer, which are of one size. */
CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...) {
    NEXT(CURLcode, "curl_easy_setopt", CURL *, CURLoption, ...)
    bool wide = option >= (int)CURLOPTTYPE_OFF_T && option < (int)CURLOPTTYPE_BLOB;
    va_list more;
    va_start(more, option);
    curl_off_t offset = wide ? va_arg(more, curl_off_t) : 0;
    void *value = wide ? NULL : va_arg(more, void *);
    va_end(more);
    /* CURLOPT_PROTOCOLS_STR came with 7.85, CURLOPT_QUICK_EXIT with 7.87. */
    if (libcurl_version() != 0 && ((option == 10318 && libcurl_version() < 0x075500) ||
                                   (option == 322 && libcurl_version() < 0x075700))) {
        return CURLE_UNKNOWN_OPTION;
    }
    return wide ? next(easy, option, offset) : next(easy, option, value);
}

CURLMcode curl_multi_socket_action(CURLM *multi, curl_socket_t s, int what, int *running) {
    NEXT(CURLMcode, "curl_multi_socket_action", CURLM *, curl_socket_t, int, int *)
    if (libcurl_version() != 0) {
        (void)raise(SIGPIPE);
    }
    return next(multi, s, what, running);
}
