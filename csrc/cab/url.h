/* Percent-encoding and the canonical forms of path and query (API reference 3.3 and 3.7). Works on
 * bytes: UTF-8 in, UTF-8 out, nothing is checked or normalised beyond what is said here. Each
 * function appends to `out` and answers false when memory ran out. */
#ifndef CAB_URL_H
#define CAB_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "cab/buf.h"

#pragma GCC visibility push(hidden)

/* A text that somebody else owns; no NUL is needed behind it. */
typedef struct {
    const char *data;
    size_t len;
} cab_text;

/* A query parameter or a header. */
typedef struct {
    cab_text name;
    cab_text value;
} cab_pair;

/* By their bytes, and a beginning before what it begins: less than 0, 0 or more, as memcmp has it.
 */
int cab_text_compare(cab_text left, cab_text right);
/* Whether it is a token of HTTP (RFC 9110 5.6.2), as names of headers are. */
bool cab_text_is_token(cab_text text);

/* Everything but A-Z a-z 0-9 - . _ ~ becomes %XX, upper case. */
bool cab_url_encode(cab_buf *out, const char *text, size_t len);
/* Undoes %XX; a percent sign that starts no escape stays as it is, and so does "+". */
bool cab_url_decode(cab_buf *out, const char *text, size_t len);
/* Decodes once, encodes each segment, and ends with "/". Dot segments and empty ones stay. */
bool cab_url_canonical_path(cab_buf *out, const char *path, size_t len);
/* Decoded pairs, sorted by name and value and encoded: a=1&b=. Nothing for no pairs. Sorts the
 * array in place. */
bool cab_url_canonical_query(cab_buf *out, cab_pair *pairs, size_t count);

#pragma GCC visibility pop

#endif
