#include "cab/identity.h"

#include <stdlib.h>
#include <string.h>

#include "cab/buf.h"
#include "cab/grams.h"

static void credentials_free(cab_credentials *k) {
    cab_wipe_free(k->token_line);
    cab_wipe_free(k->ak);
    cab_wipe_free(k->sk);
    cab_wipe_free(k->security_token);
    cab_wipe_free(k->project_id);
    free(k->region);
    free(k->service);
    cab_wipe(k->grams, sizeof(cab_grams));
    free(k->grams);
    free(k);
}

/* What is wanted of its secrets for each answer. */
static void keep_grams(cab_credentials *k, const char *one, const char *other) {
    k->grams = calloc(1, sizeof *k->grams);
    if (k->grams != NULL) {
        cab_grams_add(k->grams, one);
        cab_grams_add(k->grams, other != NULL ? other : "");
    }
}

cab_credentials *cab_credentials_token(const char *token) {
    cab_credentials *k = calloc(1, sizeof *k);
    if (k == NULL) {
        return NULL;
    }
    k->refs = 1;
    size_t prefix = strlen(CAB_TOKEN_HEADER), len = strlen(token);
    k->token_line = malloc(prefix + len + 1);
    if (k->token_line == NULL) {
        free(k);
        return NULL;
    }
    memcpy(k->token_line, CAB_TOKEN_HEADER, prefix);
    memcpy(k->token_line + prefix, token, len + 1);
    keep_grams(k, token, NULL);
    return k;
}

static bool copy(char **to, const char *from) {
    *to = from != NULL ? cab_strdup(from, strlen(from)) : NULL;
    return from == NULL || *to != NULL;
}

cab_credentials *cab_credentials_keys(const char *ak, const char *sk, const char *security_token,
                                      const char *project_id) {
    cab_credentials *k = calloc(1, sizeof *k);
    if (k == NULL) {
        return NULL;
    }
    k->refs = 1;
    if (!copy(&k->ak, ak) || !copy(&k->sk, sk) || !copy(&k->security_token, security_token) ||
        !copy(&k->project_id, project_id)) {
        credentials_free(k);
        return NULL;
    }
    keep_grams(k, sk, security_token);
    return k;
}

bool cab_credentials_sign_by(cab_credentials *k, cab_sign_algorithm algorithm, const char *region,
                             const char *service) {
    k->algorithm = algorithm;
    return copy(&k->region, region) && copy(&k->service, service);
}

cab_credentials *cab_credentials_ref(cab_credentials *k) {
    if (k != NULL) {
        k->refs++;
    }
    return k;
}

void cab_credentials_unref(cab_credentials *k) {
    if (k != NULL && --k->refs == 0) {
        credentials_free(k);
    }
}

const char *cab_credentials_get_token(const cab_credentials *k) {
    return k->token_line != NULL ? k->token_line + strlen(CAB_TOKEN_HEADER) : NULL;
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same(const cab_credentials *known, const cab_credentials *k) {
    return known == k ||
           (same_text(known->token_line, k->token_line) && same_text(known->sk, k->sk) &&
            same_text(known->security_token, k->security_token));
}

void cab_recent_add(cab_recent *recent, cab_credentials *k) {
    cab_credentials **list = recent->list;
    size_t at = 0; /* of the same, or else of what is free, or of the oldest */
    while (at < CAB_RECENT_CREDENTIALS - 1 && list[at] != NULL && !same(list[at], k)) {
        at++;
    }
    cab_credentials *gone = list[at];
    memmove(list + 1, list, at * sizeof *list);
    list[0] = cab_credentials_ref(k);
    cab_credentials_unref(gone);
}

void cab_recent_add_all(cab_recent *recent, const cab_identity *i) {
    for (size_t n = CAB_RECENT_CREDENTIALS; n-- > 0;) {
        if (i->past.list[n] != NULL) {
            cab_recent_add(recent, i->past.list[n]);
        }
    }
    if (i->current != NULL) {
        cab_recent_add(recent, i->current);
    }
}

void cab_recent_free(cab_recent *recent) {
    for (size_t i = 0; i < CAB_RECENT_CREDENTIALS; i++) {
        cab_credentials_unref(recent->list[i]);
        recent->list[i] = NULL;
    }
}

cab_identity *cab_identity_new(void) {
    cab_identity *i = calloc(1, sizeof *i);
    if (i != NULL) {
        i->refs = 1;
        i->renew_at_ms = INT64_MAX;
    }
    return i;
}

cab_identity *cab_identity_fixed(cab_credentials *k) {
    cab_identity *i = cab_identity_new();
    if (i == NULL) {
        cab_credentials_unref(k);
        return NULL;
    }
    i->fixed = true;
    i->current = k;
    return i;
}

cab_identity *cab_identity_ref(cab_identity *i) {
    if (i != NULL) {
        i->refs++;
    }
    return i;
}

void cab_identity_unref(cab_identity *i) {
    if (i != NULL && --i->refs == 0) {
        cab_credentials_unref(i->current);
        cab_recent_free(&i->past);
        free(i);
    }
}

void cab_identity_renew(cab_identity *i, cab_credentials *k, int64_t renew_at_ms) {
    if (i->current != NULL) {
        cab_recent_add(&i->past, i->current);
        cab_credentials_unref(i->current);
    }
    i->current = k;
    i->stale = false;
    i->renew_at_ms = renew_at_ms;
}

bool cab_identity_ready(const cab_identity *i, int64_t now_ms) {
    return i->current != NULL && !i->stale && now_ms < i->renew_at_ms;
}

cab_wanted cab_identity_wanted(const cab_identity *i) {
    if (i->parked.first == NULL) {
        return CAB_WANTED_NO;
    }
    return i->current == NULL ? CAB_WANTED_MISSING
           : i->stale         ? CAB_WANTED_REFUSED
                              : CAB_WANTED_EXPIRED;
}

void cab_identity_refuse(cab_identity *i, const cab_credentials *refused) {
    if (!i->fixed && i->current == refused) {
        i->stale = true;
    }
}
