/* Blocks of PEM: where they are, and what they say. */
#include "cab/pem.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define HEAD "-----BEGIN A-----\n"
#define TAIL "-----END A-----\n"

typedef struct {
    const char *text;
    const char *said; /* by the first block; NULL: it is broken, "-": there is none */
} row;

static const row ROWS[] = {
    {"", "-"},
    {"no block", "-"},
    {"  " HEAD "YWJj\n" TAIL, "-"},
    {"-----BEGIN A\nYWJj\n" TAIL, "-"},
    {HEAD TAIL, ""},
    {HEAD "YWJj\n" TAIL, "abc"},
    {HEAD "YWI=\n" TAIL, "ab"},
    {HEAD "YQ==\n" TAIL, "a"},
    {HEAD "Y W\tI\r\n=\n\n" TAIL, "ab"},
    {HEAD "YWJjYWJj\nYWJj\n-----END A-----", "abcabcabc"},
    {HEAD "+/8=\n" TAIL, "\xfb\xff"},
    {"text\n-----BEGIN A----- \r\nYWJj\r\n-----END A-----\r\nmore", "abc"},
    {"-----BEGIN B\n" HEAD "YWJj\n" TAIL, "abc"},
    {HEAD "YWJj\n", NULL},
    {HEAD "YWJj\n-----END B-----\n", NULL},
    {HEAD "YWJj\n-----END A\n", NULL},
    {HEAD "YWJj\n-----BEGIN A-----\nYWJj\n" TAIL, NULL},
    {HEAD "YWJ\n" TAIL, NULL},
    {HEAD "YWJjY\n" TAIL, NULL},
    {HEAD "YWI==\n" TAIL, NULL},
    {HEAD "Y===\n" TAIL, NULL},
    {HEAD "YQ==YQ==\n" TAIL, NULL},
    {HEAD "YW.j\n" TAIL, NULL},
    {HEAD "Proc-Type: 4\n\nYWJj\n" TAIL, NULL},
};

int main(void) {
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        /* As long as the text and no longer: a sanitizer sees a read beyond. */
        size_t len = strlen(ROWS[i].text);
        char *text = malloc(len > 0 ? len : 1), *rest = text, *end = text + len;
        memcpy(text, ROWS[i].text, len);
        cab_pem block;
        const char *said = ROWS[i].said;
        bool is_there = cab_pem_next(&rest, end, &block);
        if (said != NULL && strcmp(said, "-") == 0) {
            CHECK(ROWS[i].text, !is_there && rest == end);
        } else if (said == NULL) {
            CHECK(ROWS[i].text, is_there ? !cab_pem_decode(&block) : rest != end);
        } else {
            CHECK(ROWS[i].text, is_there && cab_pem_is(&block, "A") && !cab_pem_is(&block, "AB"));
            CHECK(ROWS[i].text, cab_pem_decode(&block) && block.len == strlen(said) &&
                                    memcmp(block.data, said, block.len) == 0);
            CHECK(ROWS[i].text, !cab_pem_next(&rest, end, &block) && rest == end);
        }
        free(text);
    }
    return failures > 0;
}
