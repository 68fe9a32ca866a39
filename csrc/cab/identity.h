/* Who a request is sent as. Credentials are immutable and shared; an identity is a slot whose
 * credentials may be fetched by somebody else, with calls parked on it meanwhile. */
#ifndef CAB_IDENTITY_H
#define CAB_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cab/error.h"
#include "cab/list.h"
#include "cab/sign.h"

#pragma GCC visibility push(hidden)

/* Either a token or a key pair. Wiped when the last reference goes. */
typedef struct {
    int refs;
    char *token_line; /* "X-Auth-Token: …" */
    char *ak, *sk;
    char *security_token, *project_id; /* NULL: none */
    cab_sign_algorithm algorithm;
    struct cab_grams *grams; /* of its secrets; NULL: there was no memory for them */
    char *region, *service;  /* what V11 derives its key for; NULL otherwise */
} cab_credentials;

#define CAB_TOKEN_HEADER "X-Auth-Token: "

/* NULL when memory ran out. The texts are copied; optional ones may be NULL. */
cab_credentials *cab_credentials_token(const char *token);
cab_credentials *cab_credentials_keys(const char *ak, const char *sk, const char *security_token,
                                      const char *project_id);
/* How a key pair that nobody uses yet signs; SDK-HMAC-SHA256 otherwise. False: memory ran out. */
bool cab_credentials_sign_by(cab_credentials *k, cab_sign_algorithm algorithm, const char *region,
                             const char *service);
cab_credentials *cab_credentials_ref(cab_credentials *k);
void cab_credentials_unref(cab_credentials *k);
/* The bare token; NULL for a key pair. */
const char *cab_credentials_get_token(const cab_credentials *k);

#define CAB_RECENT_CREDENTIALS 16

/* The last ones of some kind, the newest first. Zero-initialised is none. */
typedef struct {
    cab_credentials *list[CAB_RECENT_CREDENTIALS]; /* NULL: none */
} cab_recent;

/* Makes them the newest, in the place of the same texts if these are there. Takes a reference of
 * its own. */
void cab_recent_add(cab_recent *recent, cab_credentials *k);
void cab_recent_free(cab_recent *recent);

typedef enum {
    CAB_WANTED_NO = 0,
    CAB_WANTED_MISSING,
    CAB_WANTED_EXPIRED,
    CAB_WANTED_REFUSED
} cab_wanted;

typedef struct cab_identity {
    int refs;
    int tag;    /* the binding's */
    bool fixed; /* given once and for all: a refusal is final */
    cab_credentials *current;
    cab_recent past;     /* were current before, or signed in: the service may still repeat them */
    bool stale;          /* the service refused `current` */
    int64_t renew_at_ms; /* monotonic; INT64_MAX: never */
    cab_list parked;     /* calls that wait for credentials */
} cab_identity;

/* Adds all that it knows. */
void cab_recent_add_all(cab_recent *recent, const cab_identity *i);

/* An identity without credentials. NULL when memory ran out. */
cab_identity *cab_identity_new(void);
/* A fixed identity; takes over the reference to `k`. NULL when memory ran out (`k` is freed). */
cab_identity *cab_identity_fixed(cab_credentials *k);
cab_identity *cab_identity_ref(cab_identity *i);
void cab_identity_unref(cab_identity *i);

/* Later calls go out with `k`, whose reference it takes over. */
void cab_identity_renew(cab_identity *i, cab_credentials *k, int64_t renew_at_ms);
/* Whether a call may go out with the current credentials. */
bool cab_identity_ready(const cab_identity *i, int64_t now_ms);
/* Why a parked call waits. */
cab_wanted cab_identity_wanted(const cab_identity *i);
/* The service refused these credentials; later ones are not affected. */
void cab_identity_refuse(cab_identity *i, const cab_credentials *refused);

#pragma GCC visibility pop

#endif
