/* Which known name a mistyped one was probably meant to be. */
#ifndef CAB_NEAREST_H
#define CAB_NEAREST_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

/* Names longer than this are nobody's typo. */
#define CAB_LONGEST_NAME 128

/* The nearest name so far; zero-initialised there is none. The first of equally near ones stays. */
typedef struct {
    const char *name; /* NULL: nothing is near enough to be worth naming */
    size_t edits;
} cab_nearest;

/* Weighs one more known name. Edits are what is inserted, left out, replaced, or swapped with its
 * neighbour; the case of ASCII letters makes no difference. */
void cab_nearest_weigh(cab_nearest *n, const char *name, const char *known);

#pragma GCC visibility pop

#endif
