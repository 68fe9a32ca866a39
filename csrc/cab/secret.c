#include "cab/secret.h"

#include <stdint.h>
#include <string.h>

#include "cab/endpoint.h"
#include "cab/escape.h"
#include "cab/locale.h"
#include "cab/texts.h"
#include "cab/url.h"

/* A piece of a longer one tells something from this length on. */
#define LONGEST_PIECE 8
/* White space within a beginning that is this short: what is longer shows more of the secret. */
#define MOST_SKIPPED 16

void cab_secrets_add(cab_secrets *s, const char *text) {
    if (text == NULL || text[0] == '\0') {
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->text[i], text) == 0) {
            return;
        }
    }
    if (s->count == CAB_MAX_SECRETS) {
        s->too_many = true;
        return;
    }
    unsigned char *last = &s->last_of[(unsigned char)text[0]];
    s->before[s->count] = *last;
    s->text[s->count++] = text;
    *last = (unsigned char)s->count;
}

/* How a text is read that looks like an escape, which is tried first. */
typedef enum { AS_IT_IS, ESCAPED, ESCAPED_TWICE, READINGS } reading;

static bool stands_for(const cab_unit *u, const char *s) {
    return u->used > 0 && strncmp(s, u->bytes, u->len) == 0;
}

/* Whether the text at `at` stands for the beginning of `s` by an escape. */
static bool match_escape(const char *at, const char *end, const char *s, reading first,
                         cab_unit *u) {
    *u = cab_read_escape(at, end);
    if (u->used == 0) {
        return false;
    }
    cab_unit again = cab_read_again(at, end, *u);
    bool twice = stands_for(&again, s);
    if (twice && (first == ESCAPED_TWICE || !stands_for(u, s))) {
        *u = again;
        return true;
    }
    if (stands_for(u, s)) {
        return true;
    }
    u->len = 1;
    /* A letter that needed no backslash, or a backslash and a letter. */
    return u->used > 1 && at[u->used - 2] == '\\' && at[u->used - 1] == *s;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* How much of the text from p on shows the secret's beginning; `*shown` bytes of the secret. White
 * space within it, where lines were wrapped and indented, is skipped. */
static size_t match(const char *p, const char *end, const char *secret, reading first,
                    size_t *shown) {
    const char *at = p;
    const char *stop = p;
    const char *s = secret;
    size_t skipped = 0;
    cab_unit u;
    while (at < end && *s != '\0' && skipped <= MOST_SKIPPED + (size_t)(s - secret)) {
        if (first == AS_IT_IS && *at == *s) {
            stop = ++at;
            s++;
        } else if (match_escape(at, end, s, first, &u)) {
            stop = at += u.used;
            s += u.len;
        } else if (*at == *s) {
            stop = ++at;
            s++;
        } else if (s > secret && is_space(*at)) {
            at++;
            skipped++;
        } else if (s > secret && u.used > 0 && is_space(u.bytes[0])) {
            at += u.used;
            skipped++;
        } else {
            break;
        }
    }
    *shown = (size_t)(s - secret);
    return (size_t)(stop - p);
}

/* Whether `shown` bytes of a secret are worth hiding. */
static bool tells(const char *secret, size_t shown) {
    if (shown == 0 || secret[shown] == '\0') {
        return shown > 0;
    }
    size_t half = strlen(secret) / 2;
    return shown >= (half < CAB_SHORTEST_SECRET ? CAB_SHORTEST_SECRET
                     : half < LONGEST_PIECE     ? half
                                                : LONGEST_PIECE);
}

/* The longest of what shows `secret` or its beginning at p; `*rest` is what it does not show. */
static size_t hide(const char *p, const char *end, const char *secret, const char **rest,
                   bool *all) {
    size_t longest = 0;
    for (reading first = AS_IT_IS; first < READINGS; first++) {
        size_t shown;
        size_t used = match(p, end, secret, first, &shown);
        if (tells(secret, shown)) {
            *all = *all || shown < CAB_SHORTEST_SECRET;
            if (used > longest) {
                longest = used;
                *rest = strlen(secret + shown) >= CAB_SHORTEST_SECRET ? secret + shown : NULL;
            }
        }
    }
    return longest;
}

/* The same for secret number i and what is left of it. */
static size_t hide_one(const cab_secrets *s, cab_secret_rests *rests, size_t i, const char *p,
                       const char *end, bool *all) {
    const char *rest = rests->text[i];
    size_t used = hide(p, end, s->text[i], &rests->text[i], all);
    if (rest != NULL && used == 0) { /* something else stands between the pieces */
        used = hide(p, end, rest, &rests->text[i], all);
    }
    if (used > 0 && rests->text[i] != NULL) {
        rests->begins[(unsigned char)*rests->text[i]] = true;
    }
    return used;
}

/* Whether what an escape stands for may begin a secret, or the rest of one. */
static bool may_begin(const cab_secrets *s, const cab_secret_rests *rests, const char *p,
                      const char *end) {
    cab_unit u = cab_read_escape(p, end);
    if (u.used == 0) {
        return false;
    }
    const unsigned char plain = (unsigned char)u.bytes[0], last = (unsigned char)p[u.used - 1];
    return s->last_of[plain] > 0 || rests->begins[plain] || s->last_of[last] > 0 ||
           rests->begins[last] || plain == '%' || plain == '&' || plain == '\\'; /* once more */
}

/* Nearly everywhere in a long text no secret begins, which is to be seen at once. */
size_t cab_secret_at(const cab_secrets *s, cab_secret_rests *rests, const char *p, const char *end,
                     bool *all) {
    const unsigned char c = (unsigned char)*p;
    size_t longest = 0;
    *all = s->too_many;
    if (rests->begins[c] || may_begin(s, rests, p, end)) {
        for (size_t i = 0; i < s->count; i++) {
            size_t used = hide_one(s, rests, i, p, end, all);
            longest = used > longest ? used : longest;
        }
        return longest;
    }
    for (size_t number = s->last_of[c]; number > 0; number = s->before[number - 1]) {
        size_t used = hide_one(s, rests, number - 1, p, end, all);
        longest = used > longest ? used : longest;
    }
    return longest;
}

static bool append_base64(cab_buf *out, const char *text, size_t len) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bool ok = true;
    for (size_t i = 0; i < len; i += 3) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++) {
            bits = bits << 8 | (i + k < len ? (unsigned char)text[i + k] : 0);
        }
        char four[4];
        for (size_t k = 0; k < 4; k++) {
            four[k] = i + k <= len ? digits[bits >> (18 - 6 * k) & 63] : '=';
        }
        ok = ok && cab_buf_append(out, four, 4);
    }
    return ok;
}

/* The user and the password of a proxy. */
static bool append_userinfo(cab_buf *out, const char *user, size_t user_len, const char *password,
                            size_t password_len) {
    cab_buf both = {NULL, 0, 0}; /* "user:password", decoded */
    bool ok = cab_url_decode(&both, user, user_len) && cab_buf_puts(&both, ":");
    size_t colon = both.len - 1;
    ok = ok && cab_url_decode(&both, password, password_len);
    if (ok && password_len > 0) {
        ok = cab_texts_add(out, password, password_len) &&
             cab_texts_add(out, both.data + colon + 1, both.len - colon - 1);
    } else if (ok && user_len >= LONGEST_PIECE) { /* alone, it may be a key; a shorter is a name */
        ok = cab_texts_add(out, user, user_len) && cab_texts_add(out, both.data, colon);
    }
    ok = ok && append_base64(out, both.data, both.len) && cab_buf_append(out, "", 1);
    cab_buf_free(&both);
    return ok;
}

/* What stands behind the scheme of a proxy's URL; all of it when there is none. */
static const char *behind_scheme(const char *proxy) {
    const char *end = proxy + strcspn(proxy, ":/@");
    return strncmp(end, "://", 3) == 0 ? end + 3 : proxy;
}

/* Whether a proxy's URL begins with one of libcurl's schemes. */
static bool has_known_scheme(const char *proxy) {
    static const char *const names[] = {
        "http:", "https:", "socks:", "socks4:", "socks4a:", "socks5:", "socks5h:"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (cab_same_n(proxy, names[i], strlen(names[i]))) {
            return true;
        }
    }
    return false;
}

const char *cab_proxy_problem(const char *proxy) {
    const char *start = behind_scheme(proxy);
    const char *at = strchr(start, '@');
    if (at == NULL) {
        return NULL;
    }
    /* A scheme that there is not may be a user, and "//" the beginning of the password. */
    bool odd_scheme = has_known_scheme(proxy) != (start != proxy);
    if (odd_scheme || strchr(at + 1, '@') != NULL || start + strcspn(start, "/?#") < at) {
        return "its user and password cannot be told from the rest: write @ / ? # in them as %40 "
               "%2F %3F %23";
    }
    for (const char *p = start; p < at; p++) {
        uint32_t code;
        if (*p == '%' && cab_read_digits(p + 1, at, 2, 16, &code) == 2 && code < 0x20) {
            return "its user and password must not hold control characters";
        }
    }
    return NULL;
}

bool cab_secrets_of_proxy(cab_buf *out, const char *proxy) {
    const char *start = behind_scheme(proxy);
    const char *at = strrchr(start, '@');
    /* libcurl repeats what it cannot read, where a password may stand anywhere. */
    if (!cab_url_is_readable(proxy) && !cab_texts_add(out, start, strlen(start))) {
        return false;
    }
    if (at == NULL) {
        return true;
    }
    const char *colon = memchr(start, ':', (size_t)(at - start));
    const char *password = colon != NULL ? colon + 1 : at;
    size_t user_len = (size_t)((colon != NULL ? colon : at) - start);
    return append_userinfo(out, start, user_len, password, (size_t)(at - password));
}
