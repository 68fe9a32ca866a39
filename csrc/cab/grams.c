#include "cab/grams.h"

/* Takes the next byte of a text into its last letters, of five bits each as in pieces.c, of which
 * none is 0. Whether it is a letter or a digit, with two before. */
static bool take(unsigned *last, char byte) {
    const unsigned char c = (unsigned char)byte, folded = c | 32;
    if ((unsigned char)(folded - 'a') > 25 && (unsigned char)(c - '0') > 9) {
        return false;
    }
    *last = (*last << 5 | (c & 31U)) & 0x7fff;
    return *last > 0x3ff;
}

void cab_grams_add(cab_grams *g, const char *secret) {
    unsigned last = 0;
    for (; *secret != '\0'; secret++) {
        if (take(&last, *secret)) {
            g->bits[last / 8] |= (unsigned char)(1 << last % 8);
        }
    }
}

bool cab_grams_follow(const cab_grams *g, size_t count, const char *text, size_t len) {
    unsigned last = 0;
    size_t row = 0;
    for (size_t i = 0; i < len; i++) {
        if (!take(&last, text[i])) {
            continue;
        }
        if ((g->bits[last / 8] >> last % 8 & 1) == 0) {
            row = 0;
        } else if (++row + 2 >= count) {
            return true;
        }
    }
    return false;
}
