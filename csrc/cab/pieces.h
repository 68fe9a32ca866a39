/* Finds pieces of secrets in a text, from wherever in a secret they are. Compared are letters and
 * digits alone, whatever their case: a service may have written all else in another way, or have
 * left it out. Of letters beyond ASCII the same is to be feared, so they count for all else: of a
 * secret that has few others no piece is found, only its beginning and all of it (secret.h). */
#ifndef CAB_PIECES_H
#define CAB_PIECES_H

#include <stdbool.h>
#include <stddef.h>

#include "cab/secret.h"

#pragma GCC visibility push(hidden)

/* Sets the bit of each byte of the text that shows a piece of a secret: byte i is bit i % 8 of
 * marks[i / 8], which were 0. False when memory ran out, or the secrets are too long to be looked
 * for: nothing of the text is safe to show. Takes time in proportion to both, whatever they hold.
 */
bool cab_pieces_mark(const cab_secrets *s, const char *text, size_t len, unsigned char *marks);

/* Whether a text without escapes may show a piece. Quick where the grams of the secrets are kept.
 */
bool cab_pieces_may_show(const cab_secrets *s, const char *text, size_t len);

#pragma GCC visibility pop

#endif
