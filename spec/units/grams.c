/* What is seen at once of a text that may show a secret: nothing that is hidden escapes it, and it
 * takes no look at secrets whose grams are kept. Work is counted as in secret.c. */
#include "cab/grams.h"

#include <stdlib.h>
#include <string.h>

#include "cab/pieces.h"

#include "unit.h"

static unsigned long work;
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void) { work++; }

static unsigned next_random(void) {
    static unsigned random = 1;
    random = random * 1103515245u + 12345u;
    return random >> 16;
}

/* Few letters, so that much is shown by chance. */
static void fill(char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        text[i] = "abcABC12-_.+ "[next_random() % (i % 5 == 0 ? 13 : 8)];
    }
    text[len] = '\0';
}

static bool is_hidden(const cab_secrets *s, const char *text, size_t len) {
    unsigned char marks[64] = {0};
    cab_secret_rests rests = {.text = {NULL}};
    bool all = false, hidden = false;
    CHECK("memory", cab_pieces_mark(s, text, len, marks));
    for (size_t at = 0; at < len; at++) {
        hidden = hidden || (marks[at / 8] >> at % 8 & 1) != 0 ||
                 cab_secret_at(s, &rests, text + at, text + len, 0, &all) > 0 || all;
    }
    return hidden;
}

static bool is_suspected(const cab_secrets *s, const char *text, size_t len) {
    return cab_secrets_may_begin(s, text, len) || cab_pieces_may_show(s, text, len);
}

enum { LONGEST = 60, TURNS = 100000, MOST_WORK = 500 };

static void check_random_texts(void) {
    size_t hidden = 0, passed = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        char one[LONGEST + 1], other[LONGEST + 1], text[LONGEST + 1];
        cab_grams grams = {{0}};
        cab_secrets secrets = {.count = 0};
        fill(one, next_random() % LONGEST);
        fill(other, next_random() % LONGEST);
        fill(text, next_random() % LONGEST);
        if (turn % 4 == 0) {
            memcpy(text, other, strlen(text) < strlen(other) ? strlen(text) : strlen(other));
        }
        cab_grams_add(&grams, one);
        cab_secrets_add_known(&secrets, one, &grams);
        cab_secrets_add(&secrets, other);
        bool shows = is_hidden(&secrets, text, strlen(text));
        bool suspected = is_suspected(&secrets, text, strlen(text));
        hidden += shows;
        passed += !suspected;
        CHECK(text, suspected || !shows);
    }
    CHECK("neither is rare", hidden > TURNS / 20 && passed > TURNS / 20);
}

/* How much is done for the id of a request beside a token of that length. */
static unsigned long work_beside(size_t length) {
    static const char id[] = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
    static char token[10001];
    cab_grams grams = {{0}};
    cab_secrets secrets = {.count = 0};
    for (size_t i = 0; i < length; i++) {
        token[i] = "MIIFabcdefghijklmnopqrstuvwxyzABCDEF"[next_random() % 36];
    }
    token[length] = '\0';
    cab_grams_add(&grams, token);
    cab_secrets_add_known(&secrets, token, &grams);
    work = 0;
    CHECK("an id", !is_suspected(&secrets, id, sizeof id - 1));
    unsigned long done = work;
    CHECK("a piece", is_suspected(&secrets, token + length / 2, 32));
    return done;
}

int main(void) {
    check_random_texts();
    unsigned long once = work_beside(1000), more = work_beside(10000);
    if (getenv("SHOW") != NULL) {
        (void)printf("%lu and %lu\n", once, more);
    }
    CHECK("work", once <= MOST_WORK && more <= MOST_WORK);
    return failures > 0;
}
