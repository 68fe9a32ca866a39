#include "cab/sign.h"

#include <stdio.h>
#include <string.h>

#define LITERAL(text) ((cab_text){(text), sizeof(text) - 1})
#define LITERAL_INIT(text)                                                                         \
    { (text), sizeof(text) - 1 }

static const cab_text UNSIGNED = {"UNSIGNED-PAYLOAD", sizeof "UNSIGNED-PAYLOAD" - 1};

/* What the algorithms differ in. */
typedef struct {
    cab_text name;
    cab_hash hash;
    cab_text content, content_lower; /* the header that tells the hash of the body */
    cab_text credential;             /* what begins the Authorization header */
    bool derived;
} scheme;

#define SHA256_CONTENT LITERAL_INIT("X-Sdk-Content-Sha256"), LITERAL_INIT("x-sdk-content-sha256")
#define SM3_CONTENT LITERAL_INIT("X-Sdk-Content-Sm3"), LITERAL_INIT("x-sdk-content-sm3")

static const scheme SCHEMES[] = {
    [CAB_SIGN_SDK_SHA256] = {LITERAL_INIT("SDK-HMAC-SHA256"), CAB_SHA256, SHA256_CONTENT,
                             LITERAL_INIT("SDK-HMAC-SHA256 Access="), false},
    [CAB_SIGN_SDK_SM3] = {LITERAL_INIT("SDK-HMAC-SM3"), CAB_SM3, SM3_CONTENT,
                          LITERAL_INIT("SDK-HMAC-SM3 Access="), false},
    [CAB_SIGN_V11] = {LITERAL_INIT("V11-HMAC-SHA256"), CAB_SHA256, SHA256_CONTENT,
                      LITERAL_INIT("V11-HMAC-SHA256 Credential="), true},
};

static const scheme *scheme_of(const cab_sign_input *in) { return &SCHEMES[in->algorithm]; }

static bool equals(cab_text left, cab_text right) {
    return left.len == right.len && (left.len == 0 || memcmp(left.data, right.data, left.len) == 0);
}

bool cab_sign_find_algorithm(cab_text name, cab_sign_algorithm *algorithm) {
    *algorithm = CAB_SIGN_SDK_SHA256;
    for (size_t i = 0; name.len > 0 && i < sizeof SCHEMES / sizeof SCHEMES[0]; i++) {
        if (equals(name, SCHEMES[i].name)) {
            *algorithm = (cab_sign_algorithm)i;
            return true;
        }
    }
    return name.len == 0;
}

static bool starts_with(cab_text text, cab_text start) {
    return text.len >= start.len && memcmp(text.data, start.data, start.len) == 0;
}

static bool blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static cab_text trim(cab_text text) {
    while (text.len > 0 && blank(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && blank(text.data[text.len - 1])) {
        text.len--;
    }
    return text;
}

/* Room for everything was made at the start, so writing cannot fail and no text moves. */
static void put(cab_buf *scratch, cab_text text) {
    (void)cab_buf_append(scratch, text.data, text.len);
}

static void put_char(cab_buf *scratch, char c) {
    scratch->data[scratch->len++] = c;
    scratch->data[scratch->len] = '\0';
}

static cab_text written_since(const cab_buf *scratch, size_t start) {
    return (cab_text){scratch->data + start, scratch->len - start};
}

static cab_text lower(cab_buf *scratch, cab_text name) {
    size_t start = scratch->len;
    put(scratch, name);
    for (char *c = scratch->data + start; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z') {
            *c = (char)(*c + ('a' - 'A'));
        }
    }
    return written_since(scratch, start);
}

static bool insert(cab_sign_output *out, cab_sign_header header, cab_error *err) {
    size_t at = out->header_count;
    if (at == CAB_SIGN_MAX_HEADERS) {
        return cab_fail(err, CAB_KIND_USAGE, CAB_REASON_NONE, "headers",
                        "too many headers: at most %d can be signed", CAB_SIGN_MAX_HEADERS);
    }
    for (; at > 0; at--) {
        int order = cab_text_compare(out->headers[at - 1].lower, header.lower);
        if (order < 0) {
            break;
        }
        if (order == 0) {
            return cab_fail(err, CAB_KIND_USAGE, CAB_REASON_NONE, "headers",
                            "header %.*s is given twice, or is one that signing adds",
                            (int)header.name.len, header.name.data);
        }
        out->headers[at] = out->headers[at - 1];
    }
    out->headers[at] = header;
    out->header_count++;
    return true;
}

static bool insert_own(cab_sign_output *out, cab_text name, cab_text lower_name, cab_text value,
                       cab_error *err) {
    return insert(out, (cab_sign_header){name, value, lower_name, true, true}, err);
}

static const cab_sign_header *find(const cab_sign_output *out, cab_text lower_name) {
    for (size_t i = 0; i < out->header_count; i++) {
        if (equals(out->headers[i].lower, lower_name)) {
            return &out->headers[i];
        }
    }
    return NULL;
}

/* Makes room for all that any step writes. */
static bool make_room(const cab_sign_input *in, cab_buf *scratch, cab_error *err) {
    size_t names = 256; /* the signer's own headers, and the text around all members */
    size_t values = 0;
    for (size_t i = 0; i < in->header_count; i++) {
        names += in->headers[i].name.len + 2;
        values += in->headers[i].value.len + 1;
    }
    values += in->host.len + in->security_token.len + in->project_id.len;
    /* Names: in lower case, in the canonical request, and twice as the list of signed ones. */
    size_t room = 4 * names + values + in->method.len + 3 * in->path.len + in->query.len +
                  in->ak.len + 3 * (in->region.len + in->service.len) + 640;
    cab_buf_clear(scratch);
    return cab_buf_reserve(scratch, room) || cab_fail_memory(err);
}

static bool valid_date(cab_text date) {
    static const char form[] = "ddddddddTddddddZ";
    if (date.len != sizeof form - 1) {
        return false;
    }
    for (size_t i = 0; i < date.len; i++) {
        char c = date.data[i];
        if (form[i] == 'd' ? c < '0' || c > '9' : c != form[i]) {
            return false;
        }
    }
    return true;
}

bool cab_sign_collect_headers(const cab_sign_input *in, cab_buf *scratch, cab_sign_output *out,
                              cab_error *err) {
    if (!valid_date(in->date)) {
        return cab_fail(err, CAB_KIND_USAGE, CAB_REASON_NONE, "date",
                        "date must have the form YYYYMMDDTHHMMSSZ");
    }
    if (!make_room(in, scratch, err)) {
        return false;
    }
    out->header_count = 0;
    bool unsigned_payload = false;
    for (size_t i = 0; i < in->header_count; i++) {
        cab_text name = in->headers[i].name;
        cab_sign_header header = {name, trim(in->headers[i].value), lower(scratch, name), false,
                                  memchr(name.data, '_', name.len) == NULL};
        if (equals(header.lower, LITERAL("authorization"))) {
            return cab_fail(err, CAB_KIND_USAGE, CAB_REASON_NONE, "headers",
                            "header Authorization is one that signing adds");
        }
        /* This spelling alone, as the official SDK has it: API reference 3.2, step 4. */
        if (equals(name, LITERAL("Content-Type"))) {
            unsigned_payload = !starts_with(header.value, LITERAL("application/json")) &&
                               !starts_with(header.value, LITERAL("application/bson"));
        }
        if (!insert(out, header, err)) {
            return false;
        }
    }
    const scheme *how = scheme_of(in);
    if (unsigned_payload && find(out, how->content_lower) == NULL &&
        !insert_own(out, how->content, how->content_lower, UNSIGNED, err)) {
        return false;
    }
    if (find(out, LITERAL("host")) == NULL &&
        !insert_own(out, LITERAL("Host"), LITERAL("host"), in->host, err)) {
        return false;
    }
    return insert_own(out, LITERAL("X-Sdk-Date"), LITERAL("x-sdk-date"), in->date, err) &&
           (in->project_id.len == 0 || insert_own(out, LITERAL("X-Project-Id"),
                                                  LITERAL("x-project-id"), in->project_id, err)) &&
           (in->security_token.len == 0 ||
            insert_own(out, LITERAL("X-Security-Token"), LITERAL("x-security-token"),
                       in->security_token, err));
}

static bool fail_hash(cab_hash hash, cab_error *err) {
    return cab_fail(err, CAB_KIND_CONFIG, CAB_REASON_INTERNAL, NULL,
                    "libcrypto could not compute %s", hash == CAB_SM3 ? "SM3" : "SHA-256");
}

static bool put_hash(cab_hash hash, cab_buf *scratch, cab_text text, cab_error *err) {
    unsigned char digest[CAB_HASH_LEN];
    char hex[CAB_HASH_HEX_LEN];
    if (!cab_digest(hash, text.data, text.len, digest)) {
        return fail_hash(hash, err);
    }
    cab_hex(digest, sizeof digest, hex);
    put(scratch, (cab_text){hex, sizeof hex});
    return true;
}

bool cab_sign_canonical_request(const cab_sign_input *in, cab_buf *scratch, cab_sign_output *out,
                                cab_error *err) {
    size_t start = scratch->len;
    put(scratch, in->method);
    put_char(scratch, '\n');
    (void)cab_url_canonical_path(scratch, in->path.data, in->path.len);
    put_char(scratch, '\n');
    put(scratch, in->query);
    put_char(scratch, '\n');
    for (size_t i = 0; i < out->header_count; i++) {
        if (out->headers[i].is_signed) {
            put(scratch, out->headers[i].lower);
            put_char(scratch, ':');
            put(scratch, out->headers[i].value);
            put_char(scratch, '\n');
        }
    }
    put_char(scratch, '\n');
    size_t names = scratch->len;
    for (size_t i = 0; i < out->header_count; i++) {
        if (out->headers[i].is_signed) {
            if (scratch->len > names) {
                put_char(scratch, ';');
            }
            put(scratch, out->headers[i].lower);
        }
    }
    out->signed_headers = written_since(scratch, names);
    put_char(scratch, '\n');
    /* An empty body is always hashed, whatever the header says (API reference 3.3, part 6). */
    const cab_sign_header *declared = find(out, scheme_of(in)->content_lower);
    if (declared != NULL && in->body.len > 0) {
        put(scratch, declared->value);
    } else if (!put_hash(scheme_of(in)->hash, scratch, in->body, err)) {
        return false;
    }
    out->canonical_request = written_since(scratch, start);
    return true;
}

bool cab_sign_string_to_sign(const cab_sign_input *in, cab_buf *scratch, cab_sign_output *out,
                             cab_error *err) {
    const scheme *how = scheme_of(in);
    size_t start = scratch->len;
    put(scratch, how->name);
    put_char(scratch, '\n');
    put(scratch, in->date);
    put_char(scratch, '\n');
    if (how->derived) {
        size_t scope = scratch->len;
        put(scratch, (cab_text){in->date.data, 8});
        put_char(scratch, '/');
        put(scratch, in->region);
        put_char(scratch, '/');
        put(scratch, in->service);
        out->scope = written_since(scratch, scope);
        put_char(scratch, '\n');
    }
    if (!put_hash(how->hash, scratch, out->canonical_request, err)) {
        return false;
    }
    out->string_to_sign = written_since(scratch, start);
    return true;
}

/* The key of V11 is the hex text of what HKDF (RFC 5869) makes of AK and SK for the scope. What is
 * hashed for it is written behind the scratch's texts and taken off again. */
static bool derive_key(cab_hash hash, const cab_sign_input *in, cab_buf *scratch, cab_text scope,
                       char key[CAB_HASH_HEX_LEN]) {
    unsigned char extracted[CAB_HASH_LEN];
    unsigned char expanded[CAB_HASH_LEN];
    size_t start = scratch->len;
    put(scratch, scope);
    put_char(scratch, '\1');
    bool ok = cab_hmac(hash, in->ak.data, in->ak.len, in->sk.data, in->sk.len, extracted) &&
              cab_hmac(hash, extracted, sizeof extracted, scratch->data + start,
                       scratch->len - start, expanded);
    scratch->len = start;
    cab_hex(expanded, sizeof expanded, key);
    cab_wipe(extracted, sizeof extracted);
    cab_wipe(expanded, sizeof expanded);
    return ok;
}

bool cab_sign_signature(const cab_sign_input *in, cab_buf *scratch, cab_sign_output *out,
                        cab_error *err) {
    const scheme *how = scheme_of(in);
    unsigned char mac[CAB_HASH_LEN];
    char hex[CAB_HASH_HEX_LEN];
    char derived[CAB_HASH_HEX_LEN];
    cab_text key = in->sk;
    size_t start = scratch->len;
    bool ok = true;
    if (how->derived) {
        ok = derive_key(how->hash, in, scratch, out->scope, derived);
        key = (cab_text){derived, sizeof derived};
    }
    ok = ok && cab_hmac(how->hash, key.data, key.len, out->string_to_sign.data,
                        out->string_to_sign.len, mac);
    if (how->derived) {
        cab_wipe(derived, sizeof derived);
    }
    if (!ok) {
        return fail_hash(how->hash, err);
    }
    cab_hex(mac, sizeof mac, hex);
    put(scratch, (cab_text){hex, sizeof hex});
    out->signature = written_since(scratch, start);
    return true;
}

bool cab_sign_authorization(const cab_sign_input *in, cab_buf *scratch, cab_sign_output *out,
                            cab_error *err) {
    size_t start = scratch->len;
    put(scratch, scheme_of(in)->credential);
    put(scratch, in->ak);
    if (scheme_of(in)->derived) {
        put_char(scratch, '/');
        put(scratch, out->scope);
    }
    put(scratch, LITERAL(", SignedHeaders="));
    put(scratch, out->signed_headers);
    put(scratch, LITERAL(", Signature="));
    put(scratch, out->signature);
    out->authorization = written_since(scratch, start);
    return insert_own(out, LITERAL("Authorization"), LITERAL("authorization"), out->authorization,
                      err);
}

bool cab_sign_request(const cab_sign_input *in, cab_buf *scratch, cab_sign_output *out,
                      cab_error *err) {
    return cab_sign_collect_headers(in, scratch, out, err) &&
           cab_sign_canonical_request(in, scratch, out, err) &&
           cab_sign_string_to_sign(in, scratch, out, err) &&
           cab_sign_signature(in, scratch, out, err) &&
           cab_sign_authorization(in, scratch, out, err);
}

/* From here on: reading the service's mind. */

static cab_text line_at(cab_text text, size_t at, char end) {
    size_t start = at;
    while (start > 0 && text.data[start - 1] != end) {
        start--;
    }
    const char *stop = memchr(text.data + start, end, text.len - start);
    size_t len = stop != NULL ? (size_t)(stop - (text.data + start)) : text.len - start;
    return (cab_text){text.data + start, len};
}

/* Whether a line of a canonical request may be shown: anything but a header, or a header that
 * never holds a secret. */
static bool harmless(cab_text line, cab_text name) {
    static const cab_text known[] = {
        {"accept", 6},      {"content-type", 12},         {"host", 4},
        {"user-agent", 10}, {"x-sdk-content-sha256", 20}, {"x-sdk-content-sm3", 17},
        {"x-sdk-date", 10}};
    if (name.len == line.len || (line.len > 0 && line.data[0] == '/')) {
        return true;
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (equals(name, known[i])) {
            return true;
        }
    }
    return false;
}

static cab_text name_of(cab_text line) {
    const char *colon = line.len > 0 ? memchr(line.data, ':', line.len) : NULL;
    return (cab_text){line.data, colon != NULL ? (size_t)(colon - line.data) : line.len};
}

/* Room for a line as it is shown, with its quotes and what stands for the rest. */
#define SHOWN_LINE 136

/* Writes a line in quotes, at most 120 bytes of it, with a question mark for what is not text.
 * Where it is cut stands an ellipsis, by which the beginning of a secret is known. */
static void show_line(cab_text line, char *out, size_t size) {
    char shown[121];
    cab_text name = name_of(line);
    bool whole = harmless(line, name);
    size_t all = whole ? line.len : name.len;
    size_t len = all;
    if (len > sizeof shown - 1) {
        len = sizeof shown - 1;
        while (len > 0 && ((unsigned char)line.data[len] & 0xc0) == 0x80) {
            len--;
        }
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line.data[i];
        shown[i] = c < ' ' || c == 0x7f ? '?' : line.data[i];
    }
    shown[len] = '\0';
    (void)snprintf(out, size, "\"%s%s%s\"", shown, len < all ? "\xe2\x80\xa6" : "",
                   whole ? "" : ":***");
}

bool cab_sign_explain(cab_text message, cab_text ours, char *out, size_t size) {
    static const char mark[] = "canonicalRequest:";
    size_t at = 0;
    while (at + sizeof mark - 1 <= message.len &&
           memcmp(message.data + at, mark, sizeof mark - 1) != 0) {
        at++;
    }
    if (at + sizeof mark - 1 > message.len) {
        return false;
    }
    at += sizeof mark - 1;
    cab_text theirs = trim((cab_text){message.data + at, message.len - at});
    size_t same = 0;
    size_t line = 1;
    while (same < ours.len && same < theirs.len &&
           (ours.data[same] == theirs.data[same] ||
            (ours.data[same] == '\n' && theirs.data[same] == '|'))) {
        line += ours.data[same] == '\n';
        same++;
    }
    if (same == ours.len) {
        (void)snprintf(out, size,
                       "the service computed the same canonical request: the secret key does not "
                       "belong to this access key, or has stray blanks");
        return true;
    }
    char mine[SHOWN_LINE];
    char other[SHOWN_LINE];
    cab_text our_line = line_at(ours, same, '\n');
    cab_text their_line = line_at(theirs, same, '|');
    show_line(our_line, mine, sizeof mine);
    /* Where theirs begins later, it is no line, but what stands behind a "|" in a value. */
    if (their_line.data - theirs.data != our_line.data - ours.data &&
        !harmless(our_line, name_of(our_line))) {
        (void)snprintf(other, sizeof other, "\"***\"");
    } else {
        show_line(their_line, other, sizeof other);
    }
    (void)snprintf(out, size,
                   "the service computed another canonical request; line %zu was signed as %s, "
                   "the service has %s",
                   line, mine, other);
    return true;
}
