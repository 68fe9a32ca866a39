#include "roman.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        char numeral[ROMAN_MAX];
        int number = roman_read(argv[i]);
        if (number != 0) {
            printf("%s = %d\n", argv[i], number);
        } else if (roman_write(atoi(argv[i]), numeral, sizeof numeral) != 0) {
            printf("%s = %s\n", argv[i], numeral);
        } else {
            fprintf(stderr, "%s is neither a number from 1 to 3999 nor a Roman numeral\n", argv[i]);
            return 1;
        }
    }
    return 0;
}
