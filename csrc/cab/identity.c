#include "cab/identity.h"

#include <stdlib.h>
#include <string.h>

#include "cab/buf.h"

static void credentials_free(cab_credentials *c) {
    cab_wipe_free(c->token_line);
    cab_wipe_free(c->ak);
    cab_wipe_free(c->sk);
    cab_wipe_free(c->security_token);
    cab_wipe_free(c->project_id);
    free(c);
}

cab_credentials *cab_credentials_token(const char *token) {
    cab_credentials *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->refs = 1;
    size_t prefix = strlen(CAB_TOKEN_HEADER), len = strlen(token);
    c->token_line = malloc(prefix + len + 1);
    if (c->token_line == NULL) {
        free(c);
        return NULL;
    }
    memcpy(c->token_line, CAB_TOKEN_HEADER, prefix);
    memcpy(c->token_line + prefix, token, len + 1);
    return c;
}

static bool copy(char **to, const char *from) {
    *to = from != NULL ? cab_strdup(from, strlen(from)) : NULL;
    return from == NULL || *to != NULL;
}

cab_credentials *cab_credentials_keys(const char *ak, const char *sk, const char *security_token,
                                      const char *project_id) {
    cab_credentials *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->refs = 1;
    if (!copy(&c->ak, ak) || !copy(&c->sk, sk) || !copy(&c->security_token, security_token) ||
        !copy(&c->project_id, project_id)) {
        credentials_free(c);
        return NULL;
    }
    return c;
}

cab_credentials *cab_credentials_ref(cab_credentials *c) {
    if (c != NULL) {
        c->refs++;
    }
    return c;
}

void cab_credentials_unref(cab_credentials *c) {
    if (c != NULL && --c->refs == 0) {
        credentials_free(c);
    }
}

const char *cab_credentials_get_token(const cab_credentials *c) {
    return c->token_line != NULL ? c->token_line + strlen(CAB_TOKEN_HEADER) : NULL;
}

cab_identity *cab_identity_new(void) {
    cab_identity *i = calloc(1, sizeof *i);
    if (i != NULL) {
        i->refs = 1;
        i->renew_at_ms = INT64_MAX;
    }
    return i;
}

cab_identity *cab_identity_fixed(cab_credentials *c) {
    cab_identity *i = cab_identity_new();
    if (i == NULL) {
        cab_credentials_unref(c);
        return NULL;
    }
    i->fixed = true;
    i->current = c;
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
        free(i);
    }
}

bool cab_identity_ready(const cab_identity *i, int64_t now_ms) {
    return i->current != NULL && !i->stale && now_ms < i->renew_at_ms;
}

cab_wanted cab_identity_wanted(const cab_identity *i) {
    if (i->first == NULL) {
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
