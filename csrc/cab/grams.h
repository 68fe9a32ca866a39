/* Which three letters or digits follow each other in secrets, whatever stands between: kept beside
 * what many texts are compared with. A text in which never several of them come one after the other
 * shows no piece of these secrets (pieces.h), which is seen without a look at them: an id of 32
 * letters, as each answer has one, is compared in some hundred instructions instead of the tens of
 * thousands that it takes to go through a token. */
#ifndef CAB_GRAMS_H
#define CAB_GRAMS_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

/* A bit for each three, of five bits each: digits count for some of the letters. Zero-initialised
 * is of no secret. Tells of secrets, so it is wiped. */
typedef struct cab_grams {
    unsigned char bits[1 << (3 * 5 - 3)];
} cab_grams;

/* Adds those of a secret. */
void cab_grams_add(cab_grams *g, const char *secret);

/* Whether a text has so many letters and digits in a row, three at least, of which any three that
 * follow each other do so in the secrets. */
bool cab_grams_follow(const cab_grams *g, size_t count, const char *text, size_t len);

#pragma GCC visibility pop

#endif
