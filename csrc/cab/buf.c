#include "cab/buf.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes beyond which memory is not kept for the next time. */
#define LARGE ((size_t)64 * 1024)

void cab_wipe(void *p, size_t len) {
    /* Calling memset through a volatile pointer keeps the compiler from proving it useless. */
    static void *(*const volatile set)(void *, int, size_t) = memset;
    if (p != NULL && len > 0) {
        set(p, 0, len);
    }
}

char *cab_strdup(const char *s, size_t len) {
    char *copy = malloc(len + 1);
    if (copy != NULL) {
        memcpy(copy, s, len);
        copy[len] = '\0';
    }
    return copy;
}

void cab_wipe_free(char *s) {
    if (s != NULL) {
        cab_wipe(s, strlen(s));
        free(s);
    }
}

bool cab_buf_reserve(cab_buf *b, size_t extra) {
    if (extra >= SIZE_MAX / 2 - b->len) {
        return false;
    }
    size_t need = b->len + extra + 1;
    if (b->data != NULL && need <= b->cap) {
        return true;
    }
    size_t cap = b->cap < 32 ? 64 : b->cap * 2;
    if (cap < need) {
        cap = need;
    }
    /* Not realloc: it would leave a copy of a secret in the old block. */
    char *data = malloc(cap);
    if (data == NULL) {
        return false;
    }
    if (b->data != NULL) {
        memcpy(data, b->data, b->len);
        cab_wipe(b->data, b->cap);
        free(b->data);
    }
    data[b->len] = '\0';
    b->data = data;
    b->cap = cap;
    return true;
}

bool cab_buf_grow(cab_buf *b, size_t extra) { return cab_buf_reserve(b, extra); }

bool cab_buf_puts(cab_buf *b, const char *text) { return cab_buf_append(b, text, strlen(text)); }

void cab_buf_clear(cab_buf *b) {
    b->len = 0;
    if (b->data != NULL) {
        b->data[0] = '\0';
    }
}

void cab_buf_wipe(cab_buf *b) {
    if (b->cap > LARGE) {
        cab_buf_free(b);
    } else {
        cab_wipe(b->data, b->cap);
        cab_buf_clear(b);
    }
}

void cab_buf_free(cab_buf *b) {
    cab_wipe(b->data, b->cap);
    free(b->data);
    b->data = NULL;
    b->len = 0;
    b->cap = 0;
}
