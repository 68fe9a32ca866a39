/* Texts one behind the other in a buffer, each with its NUL. */
#ifndef CAB_TEXTS_H
#define CAB_TEXTS_H

#include "cab/buf.h"

#pragma GCC visibility push(hidden)

/* Adds a text of that length, without a NUL in it. False when memory ran out: it may be there in
 * part, but ends the last text then. */
static inline bool cab_texts_add(cab_buf *texts, const char *text, size_t len) {
    return cab_buf_append(texts, text, len) && cab_buf_append(texts, "", 1);
}

/* The text behind `text`, or the first one behind NULL; NULL behind the last. Thus
 *     for (const char *t = NULL; (t = cab_texts_next(texts, t)) != NULL;) */
static inline const char *cab_texts_next(const cab_buf *texts, const char *text) {
    const char *next = text == NULL ? texts->data : text + strlen(text) + 1;
    return texts->len > 0 && next < texts->data + texts->len ? next : NULL;
}

#pragma GCC visibility pop

#endif
