#include "cab/anchors.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509_vfy.h>

#include "cab/buf.h"
#include "cab/clock.h"

/* A file within a folder may be written anew without the folder's knowing. */
#define FOLDER_MS 1000

/* ---- how libcrypto asks for what a file has ------------------------------------------------- */

#ifdef LIBRESSL_VERSION_NUMBER /* a libcurl on that one is left alone */

static bool add_bundle(X509_STORE *store, const cab_bundle *bundle) {
    (void)store;
    (void)bundle;
    return false;
}

#else

#if OPENSSL_VERSION_NUMBER >= 0x30000000L
typedef const X509_NAME *asked_name;
#else
typedef X509_NAME *asked_name;
#endif

/* Puts all of that subject into the store, which is where libcrypto looks then. */
static int find_by_subject(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, asked_name subject,
                           X509_OBJECT *found) {
    cab_bundle *bundle = X509_LOOKUP_get_method_data(lookup);
    X509 *certificate;
    int count = 0;
    if (type != X509_LU_X509) {
        return 0;
    }
    for (size_t at = 0; (certificate = cab_bundle_next(bundle, subject, &at)) != NULL;) {
        if (X509_STORE_add_cert(X509_LOOKUP_get_store(lookup), certificate) == 1 &&
            (count > 0 || X509_OBJECT_set1_X509(found, certificate) == 1)) {
            if (count == 0) {
                X509_free(certificate); /* whoever asks counts it for itself */
            }
            count++;
        }
        X509_free(certificate);
    }
    return count > 0;
}

static void forget_bundle(X509_LOOKUP *lookup) {
    cab_bundle_unref(X509_LOOKUP_get_method_data(lookup));
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static X509_LOOKUP_METHOD *in_bundle;

static void make_method(void) {
    X509_LOOKUP_METHOD *m = X509_LOOKUP_meth_new("certificates of a file, by subject");
    if (m != NULL && X509_LOOKUP_meth_set_get_by_subject(m, find_by_subject) == 1 &&
        X509_LOOKUP_meth_set_free(m, forget_bundle) == 1) {
        in_bundle = m;
    }
}

static bool add_bundle(X509_STORE *store, cab_bundle *bundle) {
    (void)pthread_once(&once, make_method);
    X509_LOOKUP *lookup = in_bundle != NULL ? X509_STORE_add_lookup(store, in_bundle) : NULL;
    return lookup != NULL && X509_LOOKUP_set_method_data(lookup, cab_bundle_ref(bundle)) == 1;
}

#endif

/* ---- the store ------------------------------------------------------------------------------ */

static bool add_folder(X509_STORE *store, const char *folder) {
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir());
    return lookup != NULL && X509_LOOKUP_add_dir(lookup, folder, X509_FILETYPE_PEM) == 1;
}

/* With the flags that libcurl gives its own. A name that is in the file is not looked for in the
 * folder, which is also how libcurl has it. */
static X509_STORE *make_store(cab_bundle *bundle, const char *folder) {
    X509_STORE *store = X509_STORE_new();
    if (store != NULL &&
        X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
        (bundle == NULL || add_bundle(store, bundle)) &&
        (folder == NULL || add_folder(store, folder))) {
        return store;
    }
    X509_STORE_free(store);
    return NULL;
}

bool cab_anchors_init(cab_anchors *anchors, const char *file, const char *folder) {
    *anchors = (cab_anchors){0};
    anchors->file = file != NULL ? cab_strdup(file, strlen(file)) : NULL;
    anchors->folder = folder != NULL ? cab_strdup(folder, strlen(folder)) : NULL;
    return (file == NULL || anchors->file != NULL) && (folder == NULL || anchors->folder != NULL);
}

void cab_anchors_free(cab_anchors *anchors) {
    X509_STORE_free(anchors->store);
    cab_bundle_unref(anchors->bundle);
    free(anchors->file);
    free(anchors->folder);
    *anchors = (cab_anchors){0};
}

/* Whether what the store was made of is still there. */
static bool is_current(const cab_anchors *anchors, const cab_bundle *bundle, bool has_folder,
                       const cab_file_id *folder_id) {
    return bundle == anchors->bundle && has_folder == anchors->has_folder &&
           (!has_folder || cab_file_id_same(folder_id, &anchors->folder_id));
}

void cab_anchors_load(cab_anchors *anchors) {
    bool no_memory;
    if (anchors->file != NULL && anchors->bundle == NULL) {
        anchors->bundle = cab_bundle_get(anchors->file, &no_memory);
    }
}

X509_STORE *cab_anchors_store(cab_anchors *anchors) {
    cab_file_id folder_id = {0};
    bool has_folder = anchors->folder != NULL && cab_file_id_of(anchors->folder, &folder_id);
    bool no_memory = false;
    cab_bundle *bundle = anchors->file != NULL ? cab_bundle_get(anchors->file, &no_memory) : NULL;
    anchors->unreadable = anchors->file != NULL && bundle == NULL && !no_memory;
    if (anchors->unreadable || no_memory) {
        return NULL;
    }
    bool same = anchors->store != NULL && is_current(anchors, bundle, has_folder, &folder_id);
    int64_t now = anchors->folder != NULL ? cab_clock_ms() : 0;
    if (same && (anchors->folder == NULL || (has_folder && now - anchors->made_ms < FOLDER_MS))) {
        cab_bundle_unref(bundle);
        return anchors->store;
    }
    anchors->changed = anchors->changed || (anchors->store != NULL && !same);
    X509_STORE_free(anchors->store);
    cab_bundle_unref(anchors->bundle);
    anchors->store = make_store(bundle, anchors->folder);
    anchors->bundle = bundle;
    anchors->folder_id = folder_id;
    anchors->has_folder = has_folder;
    anchors->made_ms = now;
    return anchors->store;
}
