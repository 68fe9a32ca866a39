/* The certificates that chains have to end at: those of a file and those of a folder, hashed as
 * OpenSSL wants it. Each is decoded when a connection needs it, and serves the next ones. */
#ifndef CAB_ANCHORS_H
#define CAB_ANCHORS_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "cab/bundle.h"
#include "cab/file_id.h"

#pragma GCC visibility push(hidden)

/* For one thread at a time. All zero: no anchors. */
typedef struct {
    char *file, *folder; /* NULL: none */
    X509_STORE *store;   /* made for the first connection, and again when something has changed */
    cab_bundle *bundle;  /* what it has of the file */
    cab_file_id folder_id;
    bool has_folder; /* there was one */
    int64_t made_ms; /* monotonic */
    bool unreadable; /* the file, when it was last looked at */
    bool changed;    /* file or folder, since the first connection or since this was cleared */
} cab_anchors;

/* Copies the paths; false when memory ran out. */
bool cab_anchors_init(cab_anchors *anchors, const char *file, const char *folder);
void cab_anchors_free(cab_anchors *anchors);

/* Reads the file, unless that was done: whoever is about to connect need not do it then. What is
 * wrong with it is told by the store. */
void cab_anchors_load(cab_anchors *anchors);
/* For a new connection; the anchors keep it. NULL when the file cannot be read (`unreadable`) or
 * memory ran out. */
X509_STORE *cab_anchors_store(cab_anchors *anchors);

#pragma GCC visibility pop

#endif
