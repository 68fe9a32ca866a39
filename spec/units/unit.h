/* What the table tests share: each is a program that says what is wrong, row by row. */
#ifndef UNIT_H
#define UNIT_H

#include <stdio.h>

static int failures;

/* `what` names the row. */
#define CHECK(what, condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            failures++;                                                                            \
            printf("%s:%d: %s: %s\n", __FILE__, __LINE__, what, #condition);                       \
        }                                                                                          \
    } while (0)

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

#endif
