#include "cab/secret.h"

#include <stdint.h>
#include <string.h>

#include "cab/endpoint.h"
#include "cab/locale.h"
#include "cab/texts.h"
#include "cab/url.h"

/* Masking every occurrence of a text this short would leave nothing readable: all goes. */
#define SHORTEST 4
/* A piece of a longer one tells something from this length on. */
#define LONGEST_PIECE 8
/* Nobody escapes an escape more often than that; also bounds the work on hostile texts. */
#define MAX_BACKSLASHES 8

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
    s->text[s->count++] = text;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads up to `most` digits; answers how many there were. */
static size_t read_digits(const char *p, const char *end, size_t most, uint32_t base,
                          uint32_t *value) {
    size_t n = 0;
    *value = 0;
    for (; n < most && p + n < end; n++) {
        int digit = hex_value(p[n]);
        if (digit < 0 || (uint32_t)digit >= base) {
            break;
        }
        *value = *value * base + (uint32_t)digit;
    }
    return n;
}

static size_t write_utf8(uint32_t code, char out[4]) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)((0xf00 >> n) | code);
    return n;
}

/* What an escape stands for. `used` bytes of the text give `len` bytes; used 0: it is none. */
typedef struct {
    size_t used, len;
    char bytes[4];
} unit;

static unit from_code(size_t used, uint32_t code) {
    unit u = {used, 0, {0}};
    u.len = write_utf8(code <= 0x10ffff ? code : 0xfffd, u.bytes);
    return u;
}

static const unit NONE = {0, 0, {0}};

/* \n, \/, \x2f, \u002f, \ud83d\ude00, each also behind more backslashes. */
static unit read_backslash(const char *p, const char *end) {
    static const char letters[] = "b\bf\fn\nr\rt\t";
    size_t n = 0;
    while (n < MAX_BACKSLASHES && p + n < end && p[n] == '\\') {
        n++;
    }
    if (p + n == end) {
        return NONE;
    }
    uint32_t code, low;
    if (p[n] == 'u' && read_digits(p + n + 1, end, 4, 16, &code) == 4) {
        const char *next = p + n + 5;
        size_t more = 0;
        while (next + more < end && more < MAX_BACKSLASHES && next[more] == '\\') {
            more++;
        }
        if (code >= 0xd800 && code < 0xdc00 && more > 0 && next + more < end && next[more] == 'u' &&
            read_digits(next + more + 1, end, 4, 16, &low) == 4) {
            return from_code(n + 5 + more + 5, 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff));
        }
        return from_code(n + 5, code);
    }
    if (p[n] == 'x' && read_digits(p + n + 1, end, 2, 16, &code) == 2) {
        unit byte = {n + 3, 1, {(char)code}};
        return byte;
    }
    const char *letter = strchr(letters, p[n]);
    bool named = p[n] != '\0' && letter != NULL && (letter - letters) % 2 == 0;
    unit u = {n + 1, 1, {named ? letter[1] : p[n]}};
    return u;
}

/* &amp; &#38; &#x26; */
static unit read_entity(const char *p, const char *end) {
    static const struct {
        const char *name;
        char c;
    } names[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    size_t left = (size_t)(end - p);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t len = strlen(names[i].name);
        if (left >= len && memcmp(p, names[i].name, len) == 0) {
            unit u = {len, 1, {names[i].c}};
            return u;
        }
    }
    if (left > 3 && p[1] == '#') {
        bool hex = p[2] == 'x' || p[2] == 'X';
        size_t start = hex ? 3 : 2;
        uint32_t code;
        size_t n = read_digits(p + start, end, 7, hex ? 16 : 10, &code);
        if (n > 0 && p + start + n < end && p[start + n] == ';') {
            return from_code(start + n + 1, code);
        }
    }
    return NONE;
}

static unit read_escape(const char *p, const char *end) {
    uint32_t code;
    switch (*p) {
    case '\\':
        return read_backslash(p, end);
    case '&':
        return read_entity(p, end);
    case '%':
        if (read_digits(p + 1, end, 2, 16, &code) == 2) {
            unit u = {3, 1, {(char)code}};
            return u;
        }
        return NONE;
    case '+': {
        unit blank = {1, 1, {' '}};
        return blank;
    }
    default:
        return NONE;
    }
}

/* Whether the text at `at` stands for the beginning of `s` by an escape. */
static bool match_escape(const char *at, const char *end, const char *s, unit *u) {
    *u = read_escape(at, end);
    if (u->used == 0) {
        return false;
    }
    if (strncmp(s, u->bytes, u->len) == 0) {
        return true;
    }
    u->len = 1;
    uint32_t code;
    if (u->bytes[0] == '%' && *at == '%' && read_digits(at + 3, end, 2, 16, &code) == 2 &&
        (char)code == *s) { /* escaped twice, as an address within an address is */
        u->used = 5;
        return true;
    }
    /* A letter that needed no backslash, or a backslash and a letter. */
    return u->used > 1 && at[u->used - 2] == '\\' && at[u->used - 1] == *s;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* How much of the text from p on shows the secret's beginning; `*shown` bytes of the secret. White
 * space within it, where lines were wrapped and indented, is skipped. "&amp;" may be an escape or
 * stand for itself: `escapes` is what to try first. */
static size_t match(const char *p, const char *end, const char *secret, bool escapes,
                    size_t *shown) {
    const char *at = p;
    const char *stop = p;
    const char *s = secret;
    unit u;
    while (at < end && *s != '\0') {
        if (!escapes && *at == *s) {
            stop = ++at;
            s++;
        } else if (match_escape(at, end, s, &u)) {
            stop = at += u.used;
            s += u.len;
        } else if (*at == *s) {
            stop = ++at;
            s++;
        } else if (s > secret && is_space(*at)) {
            at++;
        } else if (s > secret && u.used > 0 && is_space(u.bytes[0])) {
            at += u.used;
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
    return shown >= (half < SHORTEST ? SHORTEST : half < LONGEST_PIECE ? half : LONGEST_PIECE);
}

/* Whether what shows a secret may begin so: nearly every byte of a long text does not. */
static bool may_begin(char c, const char *secret) {
    return c == *secret || c == '\\' || c == '&' || c == '%' || c == '+';
}

/* The longest of what shows `secret` or its beginning at p; `*rest` is what it does not show. */
static size_t hide(const char *p, const char *end, const char *secret, const char **rest,
                   bool *all) {
    size_t longest = 0;
    if (!may_begin(*p, secret)) {
        return 0;
    }
    for (int escapes = 0; escapes < 2; escapes++) {
        size_t shown;
        size_t used = match(p, end, secret, escapes, &shown);
        if (tells(secret, shown)) {
            *all = *all || shown < SHORTEST;
            if (used > longest) {
                longest = used;
                *rest = strlen(secret + shown) >= SHORTEST ? secret + shown : NULL;
            }
        }
    }
    return longest;
}

size_t cab_secret_at(const cab_secrets *s, cab_secret_rests *rests, const char *p, const char *end,
                     bool *all) {
    size_t longest = 0;
    *all = s->too_many;
    for (size_t i = 0; i < s->count; i++) {
        const char *rest = rests->text[i];
        size_t used = hide(p, end, s->text[i], &rests->text[i], all);
        if (rest != NULL && used == 0) { /* something else stands between the pieces */
            used = hide(p, end, rest, &rests->text[i], all);
        }
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
        if (*p == '%' && read_digits(p + 1, at, 2, 16, &code) == 2 && code < 0x20) {
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
