/* A list whose links lie in its members: nothing is allocated, and a member leaves in one step. */
#ifndef CAB_LIST_H
#define CAB_LIST_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

typedef struct cab_link {
    struct cab_link *next, *prev;
} cab_link;

typedef struct {
    cab_link *first, *last;
} cab_list;

/* To the end; the link must be in no list. */
static inline void cab_list_add(cab_list *l, cab_link *link) {
    link->next = NULL;
    link->prev = l->last;
    if (l->last != NULL) {
        l->last->next = link;
    } else {
        l->first = link;
    }
    l->last = link;
}

/* The link must be in this list. */
static inline void cab_list_remove(cab_list *l, cab_link *link) {
    if (link->prev != NULL) {
        link->prev->next = link->next;
    } else {
        l->first = link->next;
    }
    if (link->next != NULL) {
        link->next->prev = link->prev;
    } else {
        l->last = link->prev;
    }
    link->next = link->prev = NULL;
}

/* For the macro below. */
static inline void *cab_container_of(void *part, size_t at) {
    return part != NULL ? (char *)part - at : NULL;
}
/* The struct of that type whose `field` this is; NULL for NULL. */
#define CAB_CONTAINER_OF(part, type, field) ((type *)cab_container_of(part, offsetof(type, field)))

#pragma GCC visibility pop

#endif
