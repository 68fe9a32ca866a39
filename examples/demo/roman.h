#ifndef DEMO_ROMAN_H
#define DEMO_ROMAN_H

#include <stddef.h>

/* Enough for the longest numeral, MMMDCCCLXXXVIII, and its end. */
#define ROMAN_MAX 16

/*
 * Writes `number` (1 to 3999) as a Roman numeral. Answers its length, or 0 when the number has none or does not fit.
 */
size_t roman_write(int number, char *out, size_t size);

/* The number of a Roman numeral in its usual spelling, or 0 when it is none. */
int roman_read(const char *numeral);

#endif
