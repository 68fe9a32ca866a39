/* Request signing (API reference 3.2 to 3.6, 3.10, 3.11). Pure: reads no clock, does no I/O,
 * changes nothing of its input. */
#ifndef CAB_SIGN_H
#define CAB_SIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "cab/buf.h"
#include "cab/crypto.h"
#include "cab/error.h"
#include "cab/url.h"

#pragma GCC visibility push(hidden)

typedef enum {
    CAB_SIGN_SDK_SHA256, /* SDK-HMAC-SHA256 */
    CAB_SIGN_SDK_SM3,    /* SDK-HMAC-SM3 */
    CAB_SIGN_V11         /* V11-HMAC-SHA256: by a key derived for a day, a region and a service */
} cab_sign_algorithm;

#define CAB_SIGN_ALGORITHMS "SDK-HMAC-SHA256, SDK-HMAC-SM3 and V11-HMAC-SHA256"

/* False: there is none of that name here. An empty name is the first. */
bool cab_sign_find_algorithm(cab_text name, cab_sign_algorithm *algorithm);

enum { CAB_SIGN_MAX_HEADERS = 80 }; /* of a request, the signer's own included */

/* What is to be signed, exactly as it will be sent. An empty text means "none". Header names must
 * be tokens, and no header value, AK or date may hold CR, LF or NUL: the caller has seen to that.
 */
typedef struct {
    cab_sign_algorithm algorithm;
    cab_text region; /* of V11, as is the service; no "/" in either */
    cab_text service;
    cab_text ak;
    cab_text sk;
    cab_text security_token; /* of a temporary key */
    cab_text project_id;
    cab_text method; /* upper case */
    cab_text host;   /* with the port where the URL names one */
    cab_text path;   /* as on the wire, without the query */
    cab_text query;  /* as on the wire: the text that cab_url_canonical_query wrote */
    const cab_pair *headers;
    size_t header_count;
    cab_text body;
    cab_text date; /* YYYYMMDDTHHMMSSZ */
} cab_sign_input;

typedef struct {
    cab_text name;
    cab_text value; /* without white space at its ends */
    cab_text lower; /* the name in lower case */
    bool added;     /* by the signer; the others were in the input */
    bool is_signed;
} cab_sign_header;

/* The texts point into the input and into the scratch buffer, so they live as long as both. */
typedef struct {
    cab_sign_header headers[CAB_SIGN_MAX_HEADERS]; /* all to be sent, sorted by lower-case name */
    size_t header_count;
    cab_text canonical_request;
    cab_text signed_headers;
    cab_text scope; /* of V11: "YYYYMMDD/region/service" */
    cab_text string_to_sign;
    cab_text signature;
    cab_text authorization;
} cab_sign_output;

/* Runs the five steps below. `scratch` is overwritten and holds secrets afterwards; kept from one
 * signing to the next it saves the allocation. On failure `e` says why and `out` is unspecified:
 * a usage error for input that cannot be signed (a header that the signer adds itself, one given
 * twice, a malformed date), memory, or an internal error of libcrypto. */
bool cab_sign_request(const cab_sign_input *in, cab_buf *scratch, cab_sign_output *out,
                      cab_error *err);

/* The steps alone, to be called in this order over the same three values. */
bool cab_sign_collect_headers(const cab_sign_input *in, cab_buf *scratch, cab_sign_output *out,
                              cab_error *err);
bool cab_sign_canonical_request(const cab_sign_input *in, cab_buf *scratch, cab_sign_output *out,
                                cab_error *err);
bool cab_sign_string_to_sign(const cab_sign_input *in, cab_buf *scratch, cab_sign_output *out,
                             cab_error *err);
bool cab_sign_signature(const cab_sign_input *in, cab_buf *scratch, cab_sign_output *out,
                        cab_error *err);
/* Adds the header, too. */
bool cab_sign_authorization(const cab_sign_input *in, cab_buf *scratch, cab_sign_output *out,
                            cab_error *err);

/* Explains a refusal by which the service shows the canonical request that it computed ("|" for
 * line feeds, API reference 3.9): writes the first differing line of both sides, values of headers
 * that may be secret masked, into `out`, always NUL-terminated. False, and nothing written, when
 * `message` shows no canonical request. */
#define CAB_EXPLANATION 400 /* bytes that it needs at most */
bool cab_sign_explain(cab_text message, cab_text canonical_request, char *out, size_t size);

#pragma GCC visibility pop

#endif
