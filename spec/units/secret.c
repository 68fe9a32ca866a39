/* Secrets in texts: many at once are found as each alone, and what it takes stays in proportion to
 * the text, whatever is in it. Work is counted in basic blocks that ran, by the compiler. */
#include "cab/secret.h"

#include <stdlib.h>
#include <string.h>

#include "cab/pieces.h"

#include "unit.h"

/* Called by each basic block of the rooms, which are compiled for it; not by this file's. */
static unsigned long work;
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void) { work++; }

static bool hidden_whole; /* the text that was masked last */

/* What masking does with a text, but for writing the new one. */
static unsigned long work_of(const cab_secrets *s, const char *text, size_t len) {
    unsigned char *marks = calloc(1, len / 8 + 1);
    cab_secret_rests rests = {.text = {NULL}};
    bool all = false;
    work = 0;
    CHECK("memory", marks != NULL && cab_pieces_mark(s, text, len, marks));
    for (const char *p = text, *hidden = text; p < text + len && !all; p++) {
        size_t more = p < hidden ? (size_t)(hidden - p) : 0;
        hidden = p + cab_secret_at(s, &rests, p, text + len, more, &all);
    }
    free(marks);
    hidden_whole = all;
    return work;
}

/* ---- many at once --------------------------------------------------------------------------- */

static const char *const ALIKE[] = {
    "MIIFabcdefghijkl",
    "MIIFabcdXfghijkl",
    "MIIFabcdefghijklmnop",
    "MIIF",
    "MIIFab\303\244fgh",
    "MIIFab\303\266fghi",
    "M'''IFg",
    "M''IIF",
    "MI",
    "MIIFabcdefgh\\jkl",
    "other",
    "M",
};

static const char *const TEXTS[] = {
    "MIIFabcdefghijklmnop",
    "MIIFabcdefgh\\\\jkl",
    "MIIFabcdX",
    "MIIFab\\u00e4fgh",
    "MIIFab%C3%B6f",
    "M\n IIFabcdefg",
    "%4dIIFabcd\\u0058fgh",
    "MIIFab",
    "&#77;IIFabcdefghi",
    "otherM",
    "%254DIIFabcdefghijk",
    "MIIG",
    "MIIFa",
    "\\M\\I\\I\\F",
    "M'\"'''\"'IFg",
};

static size_t longest_at(const cab_secrets *s, const char *text, bool *all) {
    cab_secret_rests rests = {.text = {NULL}};
    return cab_secret_at(s, &rests, text, text + strlen(text), 0, all);
}

/* Secrets from `from` on, whichever bits of `chosen` are set. */
static void check_choice(unsigned chosen, const char *text) {
    cab_secrets together = {.count = 0};
    size_t longest = 0;
    bool all = false, all_together;
    for (size_t i = 0; i < COUNT(ALIKE); i++) {
        if ((chosen >> i & 1) != 0) {
            cab_secrets alone = {.count = 0};
            bool all_alone;
            cab_secrets_add(&together, ALIKE[i]);
            cab_secrets_add(&alone, ALIKE[i]);
            size_t used = longest_at(&alone, text, &all_alone);
            longest = used > longest ? used : longest;
            all = all || all_alone;
        }
    }
    CHECK(text, longest_at(&together, text, &all_together) == longest);
    CHECK(text, all_together == all);
}

/* ---- work ----------------------------------------------------------------------------------- */

/* Repeated, what may be the beginning of much. */
static const char *const PIECES[] = {
    "a",     " ",        "M",          "MIIF\n",  "M         ", "M\n",          "MIIFabcd",
    "\\",    "\\u004d",  "%",          "%4d",     "%25",        "%5C",          "&",
    "&amp;", "&#",       "&#92;u004d", "%5Cu004", "\303\244",   "MIIF%0A",      "{\"a\":1},",
    "'\\''", "M'\"'\"'", "\\303",      "\33[M",   "\33]M",      "M\33[0m",      "MM\b",
    "\33",   "M\17",     "M'\"''\"",   "%5C%5CI", "M\\\\\33",   "''",           "M'$'",
    "%2B",   "M%5C\33",  "M\b",        "M  \b",   "MMMMM\b\b",  "MII \b \b \b", "MIIFabcd\33]",
};

enum { TOKENS = 64, LONGEST_TOKEN = 900, LENGTH = 2000, MOST_WORK = 1200 };

/* As IAM makes them: all begin alike; and a password that begins as wrapped lines do. */
static void make_tokens(cab_secrets *s, char tokens[TOKENS][LONGEST_TOKEN + 1], size_t count) {
    memset(s, 0, sizeof *s);
    cab_secrets_add(s, " \n of blanks");
    unsigned random = 1;
    for (size_t i = 0; i < count; i++) {
        memcpy(tokens[i], "MIIF", 4);
        for (size_t k = 4; k < LONGEST_TOKEN; k++) {
            random = random * 1103515245u + 12345u;
            tokens[i][k] = "abcdefghijklmnopqrstuvwxyzABCDEF"[random >> 16 & 31];
        }
        tokens[i][LONGEST_TOKEN] = '\0';
        cab_secrets_add(s, tokens[i]);
    }
}

/* The work for `length` bytes: "M", as if one of them began, and then one piece again and again. */
static unsigned long work_for(const cab_secrets *s, const char *piece, size_t length) {
    char *text = malloc(length);
    size_t size = strlen(piece);
    CHECK("memory", text != NULL);
    for (size_t i = 0; i < length; i++) {
        text[i] = i == 0 ? 'M' : piece[(i - 1) % size];
    }
    unsigned long done = work_of(s, text, length);
    free(text);
    return done;
}

/* For each further byte, where the text is long enough for all else not to count. */
static double work_by_byte(const cab_secrets *s, const char *piece) {
    unsigned long once = work_for(s, piece, LENGTH), twice = work_for(s, piece, 2 * LENGTH);
    unsigned long more = work_for(s, piece, 4 * LENGTH) - twice;
    CHECK(piece, (double)more <= 2.2 * (double)(twice - once) + 2000);
    return (double)more / (2.0 * LENGTH);
}

static void check_work(const char *piece) {
    static char tokens[TOKENS][LONGEST_TOKEN + 1];
    cab_secrets secrets;
    make_tokens(&secrets, tokens, 1);
    double one = work_by_byte(&secrets, piece);
    CHECK(piece, !hidden_whole); /* of one secret, none takes too long */
    make_tokens(&secrets, tokens, TOKENS);
    double all = work_by_byte(&secrets, piece);
    if (getenv("SHOW") != NULL) {
        (void)printf("%s: %.1f and %.1f\n", piece, one, all);
    }
    CHECK(piece, one <= MOST_WORK);
    /* Only where all of them begin each has to be looked at. */
    CHECK(piece, all <= (strncmp(piece, "MIIF", 4) == 0 ? TOKENS : 6) * one);
}

/* Secrets that begin within themselves, or nearly so, wherever a text goes on. */
static void check_overlaps(char last) {
    static char secrets[TOKENS][LONGEST_TOKEN + 1];
    cab_secrets s = {.whole = true};
    for (size_t i = 0; i < TOKENS; i++) {
        memset(secrets[i], 'M', LONGEST_TOKEN - i);
        secrets[i][LONGEST_TOKEN - i - 1] = last;
        cab_secrets_add(&s, secrets[i]);
    }
    CHECK("overlaps", work_by_byte(&s, "M") <= MOST_WORK);
}

/* ---- what a terminal draws nothing of ------------------------------------------------------- */

enum { LONG = 20000, ALIKE_BYTES = 40, LINK = 214 };

/* Whether a text is hidden whole, in the same time as any other. */
static void check_long(const char *name, const cab_secrets *s, const char *piece, size_t length) {
    CHECK(name, work_for(s, piece, length) <= (unsigned long)MOST_WORK * length);
    CHECK(name, hidden_whole);
}

static void check_torn(const char *name, const cab_secrets *s, const char *sequence) {
    static char text[LONG];
    memset(text, 'M', ALIKE_BYTES);
    memset(text + ALIKE_BYTES, '0', LONG - ALIKE_BYTES);
    memcpy(text + ALIKE_BYTES, sequence, strlen(sequence));
    CHECK(name, work_of(s, text, LONG) <= (unsigned long)MOST_WORK * LONG);
    CHECK(name, hidden_whole);
}

/* Secrets are found through it, however long it is: to go over it is work, too. */
static void check_unseen(void) {
    static char secrets[TOKENS][LONGEST_TOKEN + 1];
    char link[LINK + LONGEST_TOKEN] = "\33]", *behind = link + LINK;
    cab_secrets s;
    memset(link + 2, '0', LINK - 2);

    make_tokens(&s, secrets, 1);
    memcpy(behind, secrets[0], LONGEST_TOKEN / 3);
    check_long("links", &s, link, 6 * LONG);
    behind[ALIKE_BYTES] = '\0';

    make_tokens(&s, secrets, TOKENS);
    (void)work_for(&s, "\33[32mM\33[0m\33[38;5;154mI\33[m ", LONG);
    CHECK("colours", !hidden_whole);

    memset(&s, 0, sizeof s);
    s.whole = true;
    for (size_t i = 0; i < TOKENS; i++) {
        memcpy(secrets[i], secrets[0], ALIKE_BYTES);
        cab_secrets_add(&s, secrets[i]);
    }
    check_long("links before what begins alike", &s, link, LONG);
    memcpy(behind + 8, "\33\1", 3);
    check_long("what may be cut off", &s, behind, LONG);

    memset(&s, 0, sizeof s);
    for (size_t i = 0; i < TOKENS; i++) {
        memset(secrets[i], 'M', LONGEST_TOKEN - i);
        secrets[i][LONGEST_TOKEN - i] = '\0';
        cab_secrets_add(&s, secrets[i]);
    }
    check_torn("a link without an end", &s, "\33]");
    check_torn("a colour without an end", &s, "\33[");
}

int main(void) {
    for (unsigned chosen = 0; chosen < 1u << COUNT(ALIKE); chosen++) {
        for (size_t i = 0; i < COUNT(TEXTS); i++) {
            check_choice(chosen, TEXTS[i]);
        }
    }
    for (size_t i = 0; i < COUNT(PIECES); i++) {
        check_work(PIECES[i]);
    }
    check_overlaps('M');
    check_overlaps('N');
    check_unseen();
    return failures > 0;
}
