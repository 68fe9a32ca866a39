#include "roman.h"

#include <stdio.h>
#include <string.h>

static int failures;

static void check(int good, const char *what, int number) {
    if (!good) {
        fprintf(stderr, "FAIL: %s (%d)\n", what, number);
        failures++;
    }
}

static void test_known_numerals(void) {
    static const struct {
        int number;
        const char *numeral;
    } known[] = {{1, "I"}, {4, "IV"}, {9, "IX"}, {40, "XL"}, {1990, "MCMXC"}, {2024, "MMXXIV"}, {3999, "MMMCMXCIX"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char numeral[ROMAN_MAX] = "";
        roman_write(known[i].number, numeral, sizeof numeral);
        check(strcmp(numeral, known[i].numeral) == 0, known[i].numeral, known[i].number);
        check(roman_read(known[i].numeral) == known[i].number, known[i].numeral, known[i].number);
    }
}

static void test_every_number_comes_back(void) {
    for (int number = 1; number <= 3999; number++) {
        char numeral[ROMAN_MAX] = "";
        roman_write(number, numeral, sizeof numeral);
        check(roman_read(numeral) == number, "written and read again", number);
    }
}

static void test_what_is_no_numeral(void) {
    static const char *bad[] = {"", "IIII", "VX", "IC", "MMMM", "abc", "X1"};
    char numeral[ROMAN_MAX];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check(roman_read(bad[i]) == 0, bad[i], 0);
    }
    check(roman_write(0, numeral, sizeof numeral) == 0, "0 has no numeral", 0);
    check(roman_write(4000, numeral, sizeof numeral) == 0, "4000 has no numeral", 4000);
    check(roman_write(3888, numeral, 4) == 0, "too long for its place", 3888);
}

int main(void) {
    test_known_numerals();
    test_every_number_comes_back();
    test_what_is_no_numeral();
    printf("%s\n", failures == 0 ? "all tests passed" : "tests failed");
    return failures == 0 ? 0 : 1;
}
