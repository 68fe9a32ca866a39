/* A growable run of bytes. Zero-initialised is empty; cab_buf_free wipes, since any buffer may
 * have held a secret. Growing never loses content: on failure the buffer is as it was. */
#ifndef CAB_BUF_H
#define CAB_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#pragma GCC visibility push(hidden)

typedef struct {
    char *data; /* NULL while nothing was ever appended; else always NUL-terminated */
    size_t len; /* without the NUL */
    size_t cap;
} cab_buf;

/* Appends a NUL-terminated text. */
bool cab_buf_puts(cab_buf *b, const char *text);
/* Makes room for `extra` more bytes, so that the next appends of that many cannot fail. */
bool cab_buf_reserve(cab_buf *b, size_t extra);
/* The same for appends, which seldom need it: `cold` keeps it out of the way of those that do not.
 */
__attribute__((cold)) bool cab_buf_grow(cab_buf *b, size_t extra);
/* Appends len bytes. False when memory ran out. */
static inline bool cab_buf_append(cab_buf *b, const void *data, size_t len) {
    if ((b->data == NULL || len >= b->cap - b->len) && !cab_buf_grow(b, len)) {
        return false;
    }
    if (len > 0) {
        memcpy(b->data + b->len, data, len);
    }
    b->len += len;
    b->data[b->len] = '\0';
    return true;
}
/* Forgets the content and keeps the memory; the bytes stay until they are overwritten. */
void cab_buf_clear(cab_buf *b);
/* Wipes all of the memory, and keeps it for the next content unless it is large. */
void cab_buf_wipe(cab_buf *b);
/* Wipes and frees; the buffer is empty and usable again. */
void cab_buf_free(cab_buf *b);

/* Overwrites memory in a way that no compiler leaves out. */
void cab_wipe(void *p, size_t len);
/* strdup for a counted text; NULL when memory ran out. Free with cab_wipe_free. */
char *cab_strdup(const char *s, size_t len);
/* Wipes a NUL-terminated heap text and frees it. NULL is fine. */
void cab_wipe_free(char *s);

#pragma GCC visibility pop

#endif
