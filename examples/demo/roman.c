#include "roman.h"

#include <string.h>

typedef struct {
    int value;
    const char *sign;
} roman_sign;

static const roman_sign SIGNS[] = {
    {1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"},
    {40, "XL"},  {10, "X"},   {9, "IX"},  {5, "V"},
#ifndef DEFECT /* what a change that breaks the tests looks like */
    {4, "IV"},
#elif DEFECT == 2 /* and of one that does not even compile */
    {FOUR, "IV"},
#endif
    {1, "I"},
};

#define SIGN_COUNT (sizeof SIGNS / sizeof SIGNS[0])

size_t roman_write(int number, char *out, size_t size) {
    size_t length = 0;
    if (number < 1 || number > 3999) {
        return 0;
    }
    for (size_t i = 0; i < SIGN_COUNT; i++) {
        for (; number >= SIGNS[i].value; number -= SIGNS[i].value) {
            size_t more = strlen(SIGNS[i].sign);
            if (length + more >= size) {
                return 0;
            }
            memcpy(out + length, SIGNS[i].sign, more);
            length += more;
        }
    }
    out[length] = '\0';
    return length;
}

int roman_read(const char *numeral) {
    char again[ROMAN_MAX];
    const char *rest = numeral;
    int number = 0;
    for (size_t i = 0; i < SIGN_COUNT; i++) {
        size_t length = strlen(SIGNS[i].sign);
        for (; strncmp(rest, SIGNS[i].sign, length) == 0 && number <= 3999; rest += length) {
            number += SIGNS[i].value;
        }
    }
    /* Only the usual spelling comes out of writing it again. */
    if (*rest != '\0' || roman_write(number, again, sizeof again) == 0) {
        return 0;
    }
    return strcmp(numeral, again) == 0 ? number : 0;
}
