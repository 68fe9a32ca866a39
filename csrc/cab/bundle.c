#include "cab/bundle.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "cab/buf.h"
#include "cab/file_id.h"
#include "cab/pem.h"

/* Files that are kept whether a client uses them or not. */
#define MOST_KEPT 4
/* The system's are a quarter of a MiB. */
#define MOST_BYTES (64 * 1024 * 1024)

typedef struct {
    const unsigned char *der; /* within the text */
    long len;
    X509_NAME *subject;
    bool has_trust; /* says what it may be used for, after the certificate */
} certificate;

struct cab_bundle {
    cab_bundle *next; /* of those kept */
    unsigned refs;
    char *path;
    cab_file_id id;
    cab_buf text; /* certificates decoded in their places */
    certificate *items;
    size_t count, cap;
    bool no_memory;
};

/* For `kept`, and in each bundle for `refs`. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static cab_bundle *kept; /* the last one first */

static void take_lock(void) { (void)pthread_mutex_lock(&lock); }
static void leave_lock(void) { (void)pthread_mutex_unlock(&lock); }
static void watch_forks(void) { (void)pthread_atfork(take_lock, leave_lock, leave_lock); }

static void bundle_free(cab_bundle *bundle) {
    for (size_t i = 0; i < bundle->count; i++) {
        X509_NAME_free(bundle->items[i].subject);
    }
    free(bundle->items);
    cab_buf_free(&bundle->text);
    free(bundle->path);
    free(bundle);
}

/* ---- reading -------------------------------------------------------------------------------- */

/* One element of DER at `*p`: steps over it, or into it. */
static bool step_der(const unsigned char **p, const unsigned char *end, int tag, bool into) {
    const unsigned char *content = *p;
    long len = 0;
    int found = 0, class = 0;
    int how = ASN1_get_object(&content, &len, &found, &class, end - *p);
    if ((how & 0x81) != 0 || found != tag) { /* broken, or of no length */
        return false;
    }
    *p = into ? content : content + len;
    return true;
}

/* RFC 5280, 4.1: the subject of a certificate; NULL: it is none. */
static X509_NAME *read_subject(const unsigned char *der, size_t len) {
    enum { VERSION = 0 };
    const unsigned char *p = der, *end = der + len;
    bool ok = step_der(&p, end, V_ASN1_SEQUENCE, true);
    ok = ok && step_der(&p, end, V_ASN1_SEQUENCE, true); /* what is signed */
    if (ok && p < end && *p == (V_ASN1_CONTEXT_SPECIFIC | V_ASN1_CONSTRUCTED)) {
        ok = step_der(&p, end, VERSION, false);
    }
    ok = ok && step_der(&p, end, V_ASN1_INTEGER, false);
    for (int i = 0; ok && i < 3; i++) { /* signature, issuer, validity */
        ok = step_der(&p, end, V_ASN1_SEQUENCE, false);
    }
    return ok ? d2i_X509_NAME(NULL, &p, end - p) : NULL;
}

static bool make_room(cab_bundle *bundle) {
    if (bundle->count == bundle->cap) {
        size_t cap = bundle->cap == 0 ? 16 : bundle->cap * 2;
        certificate *longer = realloc(bundle->items, cap * sizeof *longer);
        bundle->no_memory = longer == NULL;
        if (longer != NULL) {
            bundle->items = longer;
            bundle->cap = cap;
        }
    }
    return !bundle->no_memory;
}

static bool add(cab_bundle *bundle, const cab_pem *block, bool has_trust) {
    const unsigned char *der = (const unsigned char *)block->data;
    X509_NAME *subject = make_room(bundle) ? read_subject(der, block->len) : NULL;
    if (subject == NULL) {
        return false;
    }
    bundle->items[bundle->count++] = (certificate){der, (long)block->len, subject, has_trust};
    return true;
}

/* What is no certificate is passed over, what is broken ends it: as X509_load_cert_file has it. */
static bool index_text(cab_bundle *bundle) {
    char *text = bundle->text.data, *end = text + bundle->text.len;
    cab_pem block;
    while (cab_pem_next(&text, end, &block)) {
        bool has_trust = cab_pem_is(&block, PEM_STRING_X509_TRUSTED);
        if (!has_trust && !cab_pem_is(&block, PEM_STRING_X509) &&
            !cab_pem_is(&block, PEM_STRING_X509_OLD)) {
            cab_wipe(block.data, block.len); /* may be a key */
        } else if (!cab_pem_decode(&block) || !add(bundle, &block, has_trust)) {
            return false;
        }
    }
    return text == end && bundle->count > 0;
}

/* A pipe could keep us waiting for ever, already when it is opened, and a device never ends. */
static FILE *open_regular(const char *path) {
    struct stat s;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    bool regular = fd >= 0 && fstat(fd, &s) == 0 && S_ISREG(s.st_mode);
    FILE *file = regular ? fdopen(fd, "r") : NULL;
    if (file == NULL && fd >= 0) {
        (void)close(fd);
    }
    return file;
}

static bool read_text(cab_bundle *bundle) {
    cab_buf *text = &bundle->text;
    size_t room = (size_t)bundle->id.size + 1; /* one to see the end */
    size_t n = 1;
    FILE *file = bundle->id.size <= MOST_BYTES ? open_regular(bundle->path) : NULL;
    while (file != NULL && n > 0 && text->len <= MOST_BYTES) {
        bundle->no_memory = !cab_buf_reserve(text, room);
        room = bundle->no_memory ? 0 : text->cap - 1 - text->len;
        n = room > 0 ? fread(text->data + text->len, 1, room, file) : 0;
        text->len += n;
        room = n < room ? 1 : 4096;
    }
    bool ok = file != NULL && !bundle->no_memory && n == 0 && ferror(file) == 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    return ok;
}

static cab_bundle *bundle_read(const char *path, const cab_file_id *id, bool *no_memory) {
    cab_bundle *bundle = calloc(1, sizeof *bundle);
    if (bundle == NULL) {
        *no_memory = true;
        return NULL;
    }
    bundle->refs = 1;
    bundle->id = *id;
    bundle->path = cab_strdup(path, strlen(path));
    bundle->no_memory = bundle->path == NULL;
    bool ok = !bundle->no_memory && read_text(bundle);
    if (ok) {
        (void)ERR_set_mark();
        ok = index_text(bundle);
        (void)ERR_pop_to_mark();
    }
    if (!ok) {
        *no_memory = bundle->no_memory;
        bundle_free(bundle);
        return NULL;
    }
    return bundle;
}

/* ---- keeping: with the lock ----------------------------------------------------------------- */

static void drop(cab_bundle *bundle) {
    if (--bundle->refs == 0) {
        bundle_free(bundle);
    }
}

static cab_bundle *find_kept(const char *path, const cab_file_id *id) {
    for (cab_bundle *bundle = kept; bundle != NULL; bundle = bundle->next) {
        if (strcmp(bundle->path, path) == 0 && cab_file_id_same(&bundle->id, id)) {
            bundle->refs++;
            return bundle;
        }
    }
    return NULL;
}

/* In the place of what the same file held before. */
static void keep(cab_bundle *bundle) {
    size_t count = 1;
    bundle->refs++;
    bundle->next = kept;
    kept = bundle;
    for (cab_bundle **at = &bundle->next; *at != NULL;) {
        cab_bundle *other = *at;
        if (strcmp(other->path, bundle->path) == 0 || count == MOST_KEPT) {
            *at = other->next;
            drop(other);
        } else {
            count++;
            at = &other->next;
        }
    }
}

cab_bundle *cab_bundle_get(const char *path, bool *no_memory) {
    cab_file_id id;
    *no_memory = false;
    (void)pthread_once(&once, watch_forks);
    if (!cab_file_id_of(path, &id)) {
        return NULL;
    }
    take_lock();
    cab_bundle *bundle = find_kept(path, &id);
    leave_lock();
    if (bundle == NULL) {
        bundle = bundle_read(path, &id, no_memory);
        if (bundle != NULL) {
            take_lock();
            keep(bundle);
            leave_lock();
        }
    }
    return bundle;
}

cab_bundle *cab_bundle_ref(cab_bundle *bundle) {
    take_lock();
    bundle->refs++;
    leave_lock();
    return bundle;
}

void cab_bundle_unref(cab_bundle *bundle) {
    if (bundle != NULL) {
        take_lock();
        drop(bundle);
        leave_lock();
    }
}

/* ---- searching ------------------------------------------------------------------------------ */

X509 *cab_bundle_next(cab_bundle *bundle, const X509_NAME *subject, size_t *at) {
    for (size_t i = *at; i < bundle->count; i++) {
        const certificate *c = &bundle->items[i];
        if (X509_NAME_cmp(c->subject, subject) == 0) {
            const unsigned char *p = c->der;
            X509 *decoded =
                c->has_trust ? d2i_X509_AUX(NULL, &p, c->len) : d2i_X509(NULL, &p, c->len);
            if (decoded != NULL) {
                *at = i + 1;
                return decoded;
            }
        }
    }
    return NULL;
}
