/* PEM (RFC 7468): labelled blocks of base64 within a text. libcrypto's own reader takes ten times
 * as long, which is felt with the certificates of a whole system. */
#ifndef CAB_PEM_H
#define CAB_PEM_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

typedef struct {
    const char *label; /* not terminated */
    size_t label_len;
    char *data; /* within the text: what is between the two lines */
    size_t len;
} cab_pem;

/* The next block of what is left of a text, and the rest of that; what is no block is passed over.
 * False at the end (`*text` is `end` then), and at a block that does not end. */
bool cab_pem_next(char **text, char *end, cab_pem *block);
/* Decodes a block where it is: `data` and `len` are the bytes then. False when they are not base64.
 */
bool cab_pem_decode(cab_pem *block);
/* Whether the block has this label. */
bool cab_pem_is(const cab_pem *block, const char *label);

#pragma GCC visibility pop

#endif
