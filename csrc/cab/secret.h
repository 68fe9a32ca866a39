/* Finds secrets in texts that people may read: as they are, escaped in the ways of JSON, URLs and
 * HTML, and cut off by whoever wrote the text. */
#ifndef CAB_SECRET_H
#define CAB_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "cab/buf.h"

#pragma GCC visibility push(hidden)

#define CAB_MAX_SECRETS 128 /* of a call with many attempts, each signed anew, too */

/* Masking every occurrence of a shorter text would leave nothing readable: all goes. */
#define CAB_SHORTEST_SECRET 4

struct cab_grams;

/* Borrowed texts that must never be shown. Zero-initialised, or cleared, is none. */
typedef struct {
    size_t count;
    bool too_many; /* one did not fit: nothing is safe to show */
    bool whole; /* one is hidden where all of it stands, or we cut it off; else pieces are, too */
    /* The last that begins with that byte, and the one of the same beginning before each: their
     * numbers from 1, or 0. */
    unsigned char last_of[256];
    /* Of each: */
    const char *text[CAB_MAX_SECRETS];
    const struct cab_grams *grams[CAB_MAX_SECRETS]; /* of it and others; NULL: nobody keeps them */
    unsigned char before[CAB_MAX_SECRETS];
    unsigned char shared[CAB_MAX_SECRETS]; /* bytes at the beginning of it and of the one before */
    unsigned char enough[CAB_MAX_SECRETS]; /* bytes at its beginning that tell something */
} cab_secrets;

/* Makes it none, and touches no more than that takes. */
static inline void cab_secrets_clear(cab_secrets *s) { memset(s, 0, offsetof(cab_secrets, text)); }
/* NULL and "" are fine, and so is one that is there. */
void cab_secrets_add(cab_secrets *s, const char *text);
/* The same with the grams of it, among others, which live as long; NULL: nobody keeps them. */
void cab_secrets_add_known(cab_secrets *s, const char *text, const struct cab_grams *grams);

/* Whether a text may show a secret or the beginning of one. False, and quickly, of simple ones that
 * do not: of letters, digits and some signs that escape nothing. */
bool cab_secrets_may_begin(const cab_secrets *s, const char *text, size_t len);

/* What a text has not shown yet of the secrets that it has begun to show. Zero-initialised is none.
 */
typedef struct {
    const char *text[CAB_MAX_SECRETS];
    bool begins[256]; /* whether one began with that byte */
    size_t work;      /* that the looks took and the text has not paid for */
} cab_secret_rests;

/* Bytes of [p, end) that show a secret, the beginning of one, or more of one in `*rests`, which is
 * kept up to date; at least the `hidden` that are hidden anyway, of which secrets may overlap.
 * `*all` is set when masking these bytes would not hide enough, or to look took too long: then the
 * whole text must go. */
size_t cab_secret_at(const cab_secrets *s, cab_secret_rests *rests, const char *p, const char *end,
                     size_t hidden, bool *all);

/* Appends what a proxy's URL holds of secrets, each with its NUL: the password as written and
 * decoded, and user and password as the header for the proxy has them; a user without a password
 * that may be a key; all behind the scheme when libcurl cannot read it. False: no memory. */
bool cab_secrets_of_proxy(cab_buf *out, const char *proxy);

/* Why the user and the password in a proxy's URL cannot be told from the rest of it, or NULL. The
 * text repeats nothing of it. libcurl would take a piece of such a password for the host, ask name
 * servers for it and show it; or leave the proxy out. */
const char *cab_proxy_problem(const char *proxy);

#pragma GCC visibility pop

#endif
