#include "cab/nearest.h"

#include <string.h>

static char lower(char c) { return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c); }

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* Both at most CAB_LONGEST_NAME long. */
static size_t edits_between(const char *a, const char *b) {
    size_t rows[3][CAB_LONGEST_NAME + 1];
    size_t len = strlen(b);
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    memset(rows, 0, sizeof rows);
    for (size_t j = 0; j <= len; j++) {
        last[j] = j;
    }
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        row[0] = i;
        for (size_t j = 1; j <= len; j++) {
            char x = lower(a[i - 1]), y = lower(b[j - 1]);
            row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y) {
                row[j] = least(row[j], before[j - 2] + 1);
            }
        }
        size_t *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[len];
}

void cab_nearest_weigh(cab_nearest *n, const char *name, const char *known) {
    size_t len = strlen(known);
    if (strlen(name) > CAB_LONGEST_NAME || len > CAB_LONGEST_NAME) {
        return;
    }
    size_t edits = edits_between(name, known);
    size_t most = len / 3 > 2 ? len / 3 : 2;
    if (edits <= most && (n->name == NULL || edits < n->edits)) {
        n->name = known;
        n->edits = edits;
    }
}
