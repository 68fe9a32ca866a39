/* Lists whose links lie in their members. */
#include "cab/list.h"

#include <string.h>

#include "unit.h"

typedef struct {
    char name;
    cab_link link;
} member;

/* The names from first to last, and from last to first. */
static void names(const cab_list *l, char *there, char *back) {
    for (cab_link *link = l->first; link != NULL; link = link->next) {
        *there++ = CAB_CONTAINER_OF(link, member, link)->name;
    }
    for (cab_link *link = l->last; link != NULL; link = link->prev) {
        *back++ = CAB_CONTAINER_OF(link, member, link)->name;
    }
    *there = *back = '\0';
}

static const struct {
    const char *what;
    const char *steps; /* a letter: add it; behind "-": take it out */
    const char *there, *back;
} ROWS[] = {
    {"empty", "", "", ""},
    {"one", "a", "a", "a"},
    {"an order", "abc", "abc", "cba"},
    {"the first goes", "abc-a", "bc", "cb"},
    {"the last goes", "abc-c", "ab", "ba"},
    {"one between goes", "abc-b", "ac", "ca"},
    {"all go", "ab-b-a", "", ""},
    {"one comes again", "abc-aa", "bca", "acb"},
    {"the only one comes again", "a-aa", "a", "a"},
};

int main(void) {
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        member members[3] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}};
        cab_list l = {NULL, NULL};
        for (const char *step = ROWS[i].steps; *step != '\0'; step++) {
            if (*step == '-') {
                step++;
                cab_list_remove(&l, &members[*step - 'a'].link);
            } else {
                cab_list_add(&l, &members[*step - 'a'].link);
            }
        }
        char there[8], back[8];
        names(&l, there, back);
        CHECK(ROWS[i].what, strcmp(there, ROWS[i].there) == 0 && strcmp(back, ROWS[i].back) == 0);
    }
    CHECK("nobody", CAB_CONTAINER_OF((cab_link *)NULL, member, link) == NULL);
    return failures > 0;
}
