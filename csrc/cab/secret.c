#include "cab/secret.h"

#include <limits.h>
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
/* Of what a terminal draws nothing of, for each byte of a secret before it. */
#define MOST_UNSEEN 8
/* Bytes that may be gone over for each of the text, or are hidden, and how many more in advance: a
 * text takes no longer in which secrets begin again and again that also begin within themselves, or
 * that are found through much of what a terminal draws nothing of. */
#define WORK_OF_A_BYTE 8
#define MOST_WORK 1048576
/* Bytes of an escape that is cut off: twice those of the longest, a pair of \uXXXX, since it may be
 * escaped itself. As many of escaped backslashes are read at once, eight of %5C. */
#define LONGEST_TORN 24
/* The same of what a terminal obeys: a link holds an address. */
#define LONGEST_LINK 4096

/* How many bytes at a secret's beginning are worth hiding, unless they are all of it. */
static size_t enough_of(const cab_secrets *s, const char *secret) {
    if (s->whole) {
        return LONGEST_PIECE;
    }
    size_t half = strnlen(secret, 2 * LONGEST_PIECE) / 2;
    return half < CAB_SHORTEST_SECRET ? CAB_SHORTEST_SECRET : half;
}

static size_t shared_beginning(const char *a, const char *b) {
    size_t n = 0;
    while (n < UCHAR_MAX && a[n] != '\0' && a[n] == b[n]) {
        n++;
    }
    return n;
}

void cab_secrets_add(cab_secrets *s, const char *text) { cab_secrets_add_known(s, text, NULL); }

void cab_secrets_add_known(cab_secrets *s, const char *text, const struct cab_grams *grams) {
    if (text == NULL || text[0] == '\0') {
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        if (s->text[i] == text || strcmp(s->text[i], text) == 0) {
            return;
        }
    }
    if (s->count == CAB_MAX_SECRETS) {
        s->too_many = true;
        return;
    }
    unsigned char *last = &s->last_of[(unsigned char)text[0]];
    s->before[s->count] = *last;
    s->shared[s->count] =
        (unsigned char)(*last > 0 ? shared_beginning(text, s->text[*last - 1]) : 0);
    s->enough[s->count] = (unsigned char)enough_of(s, text);
    s->grams[s->count] = grams;
    s->text[s->count++] = text;
    *last = (unsigned char)s->count;
}

/* Whether bytes show the secret of that number, or as much of its beginning as tells something. */
static bool begins(const cab_secrets *s, size_t number, const char *p, const char *end) {
    const char *secret = s->text[number - 1];
    size_t enough = s->enough[number - 1], n = 0;
    while (n < enough && secret[n] != '\0' && p + n < end && p[n] == secret[n]) {
        n++;
    }
    return n == enough || secret[n] == '\0';
}

/* What escapes nothing, and ends no line. */
static bool is_simple(unsigned char c) {
    const unsigned char folded = c | 32;
    return (folded >= 'a' && folded <= 'z') || (c >= '-' && c <= ':') || c == '_';
}

bool cab_secrets_may_begin(const cab_secrets *s, const char *text, size_t len) {
    const char *end = text + len;
    for (const char *p = text; p < end; p++) {
        if (!is_simple((unsigned char)*p)) {
            return true;
        }
        for (size_t number = s->last_of[(unsigned char)*p]; number > 0;
             number = s->before[number - 1]) {
            if (begins(s, number, p, end)) {
                return true;
            }
        }
    }
    return s->too_many;
}

/* How a text is read that looks like an escape, which is tried first. Each also so that nothing is
 * left out, but each control character a blank, whatever follows it. */
typedef enum { AS_IT_IS, ESCAPED, ESCAPED_TWICE, READINGS, WAYS = 2 * READINGS } reading;

static bool stands_for(const cab_unit *u, const char *s) {
    return u->used > 0 && strncmp(s, u->bytes, u->len) == 0;
}

/* Bytes of the backslashes that the escape at `at`, which is `u`, begins with, or that are escaped
 * themselves. */
static size_t skip_backslashes(const char *at, const char *end, cab_unit u) {
    size_t n = 0;
    while (n < u.used && at[n] == '\\') {
        n++;
    }
    while (u.used > 0 && u.bytes[0] == '\\' && n < LONGEST_TORN) {
        n += u.used;
        u.used = 0;
        if (at + n < end) {
            u = cab_read_escape(at + n, end);
        }
    }
    return n;
}

/* Whether the text at `at` stands for the beginning of `s` by an escape. */
static bool match_escape(const char *at, const char *end, const char *s, reading first,
                         cab_unit *u) {
    *u = cab_read_escape(at, end);
    if (u->used == 0) {
        return false;
    }
    if (cab_read_octal(at, end) == *s) {
        *u = (cab_unit){4, 1, {*s}};
        return true;
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
    /* A letter that needed no backslash, or the last of several and a letter. */
    size_t n = skip_backslashes(at, end, *u);
    bool needless = n > 0 && at + n < end && at[n] == *s && *s != '\\';
    if (needless) {
        *u = (cab_unit){n + 1, 1, {*s}};
    }
    return needless;
}

/* Bytes of what stands within a secret and is none of it, nor a blank: a shell's quotes, and the
 * rest of an escaped backslash that has a colour of its own. */
static size_t skip_quotes(const char *at, const char *end, char before, cab_unit u) {
    size_t n = before == '\\' ? skip_backslashes(at, end, u) : 0;
    return n > 0 && at + n < end && at[n] == '\33' ? n : cab_read_quotes(at, end);
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* Bytes of what is drawn as a blank or, by an escape, which is `u`, stands for one. */
static size_t read_blank(const char *at, const char *end, cab_unit u) {
    if (u.used == 0) {
        bool is_plain = (unsigned char)(*at - ' ') < '\177' - ' '; /* nearly always */
        return is_plain ? 0 : cab_read_control(at, end);
    }
    if (is_space(u.bytes[0]) || cab_read_control(u.bytes, u.bytes + u.len) > 0) {
        return u.used;
    }
    size_t n = *at == '\\' ? cab_read_control(at + u.used - 1, end) : 0; /* `u` has a byte of it */
    return n > 0 ? u.used - 1 + n : 0;
}

/* Whether a text may show more of a secret, which goes on with `s`, where of the `n` bytes at `at`,
 * which were left out, only the control character is. */
static bool shows_more(const char *at, size_t n, const char *s) {
    return is_space(*s) || (n > 1 && (*at != '\33' || at[1] == *s || at[1] < '0' || at[1] == '\\'));
}

/* What of a text shows the beginning of a secret. */
typedef struct {
    size_t used;  /* bytes of the text */
    size_t shown; /* bytes of the secret */
    size_t work;  /* bytes of both that were gone over, be it in vain */
    bool torn;    /* there may be more in what was left out */
} likeness;

/* How much of the text from p on shows the secret's beginning, read in one of WAYS. White space
 * within it, where lines were wrapped and indented, and what is drawn as a blank, is skipped, be it
 * in the place of a blank, and so is what a terminal draws nothing of: who shows the text may leave
 * it out. */
static likeness match(const char *p, const char *end, const char *secret, reading way) {
    const reading first = way % READINGS;
    const bool leaves_out = way < READINGS;
    const char *at = p;
    const char *stop = p;
    const char *s = secret;
    const char *wrapped = NULL; /* where in the secret white space was skipped */
    size_t skipped = 0, unseen = 0, beyond = 0, n;
    bool torn = false;
    cab_unit u;
    while (at < end && *s != '\0' && skipped <= MOST_SKIPPED + (size_t)(s - secret)) {
        if (first == AS_IT_IS && *at == *s) {
            stop = ++at;
            s++;
        } else if (match_escape(at, end, s, first, &u)) {
            stop = at += u.used;
            s += u.len;
        } else if (leaves_out && *at != ' ' && unseen < MOST_UNSEEN * (size_t)(s - secret) &&
                   (n = cab_read_unseen(at, end, &beyond)) > 0) {
            torn = torn || shows_more(at, n, s);
            wrapped = n == 1 && *at != '\33' ? s : wrapped; /* it may be drawn as a blank */
            at += n;
            unseen++;
        } else if (*at == *s) {
            stop = ++at;
            s++;
        } else if (s > secret && is_space(*at)) {
            at++;
            skipped++;
            wrapped = s;
        } else if (s > secret && (n = skip_quotes(at, end, s[-1], u)) > 0) {
            at += n;
            skipped += n;
        } else if (s > secret && (n = read_blank(at, end, u)) > 0) {
            at += n;
            skipped++;
            wrapped = s;
        } else if (s > secret && is_space(*s) && (s == wrapped || is_space(s[-1]))) {
            stop = at;
            s++;
        } else {
            break;
        }
    }
    size_t work = beyond + (size_t)(at - p > s - secret ? at - p : s - secret);
    return (likeness){(size_t)(stop - p), (size_t)(s - secret), work, torn};
}

static bool begins_escape(char c) { return c == '&' || c == '%' || c == '\\' || c == '\''; }

static bool goes_on_in_escape(char c) {
    const char folded = (char)(c | 32);
    return (folded >= 'a' && folded <= 'z') || (c >= '0' && c <= '9') || c == '#' || c == ';' ||
           c == '"' || c == '$';
}

/* Whether that character of three bytes is there. */
static bool is_at(const char *p, const char *end, const char character[4]) {
    return end - p >= 3 && memcmp(p, character, 3) == 0;
}

/* Bytes of [p, end) up to where we cut the text off (lcab_push_short and its like in Lua): at
 * `stop`, up to which they show the beginning of a secret, behind blanks and what a terminal draws
 * nothing of, within a character or a sequence, or within an escape, which may have begun
 * before, as what looks like the secret. 0: we did not. Adds what it goes over to `*work`. */
static size_t up_to_cut(const char *p, const char *stop, const char *end, size_t *work) {
    static const char ellipsis[] = "\xe2\x80\xa6", replaced[] = "\xef\xbf\xbd";
    const char *at = stop;
    for (size_t i = 0, n = 1; i < MOST_SKIPPED && n > 0 && at < end; i++, at += n) {
        n = is_space(*at) ? 1 : is_at(at, end, replaced) ? 3 : cab_read_unseen(at, end, work);
        n = n > 0 || at[-1] == '\33' ? n : cab_read_control(at, end);
    }
    size_t left = at[-1] == '\33' ? LONGEST_LINK : 0; /* of a torn sequence */
    while (left-- > 0 && at < end && !is_at(at, end, ellipsis)) {
        at++;
    }
    *work += (size_t)(at - stop);
    if (at == end) {
        return 0;
    }
    const char *escape = at;
    while (escape > p && at - escape < LONGEST_TORN && goes_on_in_escape(*escape)) {
        escape--;
    }
    bool torn = begins_escape(*escape);
    while (torn && at < end && at - escape < LONGEST_TORN &&
           (begins_escape(*at) || goes_on_in_escape(*at))) {
        at++;
    }
    return is_at(at, end, ellipsis) ? (size_t)(at - p) : 0;
}

/* A look for secrets at p. */
typedef struct {
    const cab_secrets *s;
    const char *p, *end;
    size_t hidden;  /* bytes that are hidden whatever is found: only what reaches beyond counts */
    size_t longest; /* bytes that are to be hidden, as far as is known */
    size_t seen;    /* the most that any way to read them had in common with the last secret */
    size_t work;    /* what the ways that took longest went over, and the text has not paid for */
    bool all;       /* masking what was found would not hide enough */
} look;

static size_t unpaid(const look *l) {
    size_t paid = WORK_OF_A_BYTE * (l->longest - l->hidden + 1);
    return l->work > paid ? l->work - paid : 0;
}

/* Nothing more is looked for then, at one place of a long text either: all of it is hidden. */
static bool took_too_long(const look *l) { return unpaid(l) > MOST_WORK; }

/* Hides the longest of what shows `secret` or its beginning, of which `enough` bytes tell
 * something; `*rest` is what it does not show. */
static void hide(look *l, const char *secret, size_t enough, const char **rest) {
    size_t longest = l->hidden, most = 0;
    bool torn = false;
    l->seen = 0;
    for (reading way = AS_IT_IS; way < READINGS || (torn && way < WAYS && longest == l->hidden);
         way++) {
        likeness m = match(l->p, l->end, secret, way);
        const char *left = secret + m.shown;
        torn = torn || m.torn;
        l->seen = m.shown > l->seen ? m.shown : l->seen;
        bool tells = m.shown >= enough;
        if (tells && l->s->whole && *left != '\0') {
            m.used = up_to_cut(l->p, l->p + m.used, l->end, &m.work);
        }
        most = m.work > most ? m.work : most;
        if (m.shown > 0 && (*left == '\0' || tells) && m.used > longest) {
            l->all = l->all || m.shown < CAB_SHORTEST_SECRET;
            longest = m.used;
            *rest = strnlen(left, CAB_SHORTEST_SECRET) == CAB_SHORTEST_SECRET ? left : NULL;
        }
    }
    l->work += most;
    l->longest = longest > l->longest ? longest : l->longest;
}

/* What shows more of a secret that began before, behind something that stands between. */
static void hide_rests(look *l, cab_secret_rests *rests, char first) {
    for (size_t i = 0; i < l->s->count && !took_too_long(l); i++) {
        const char *rest = rests->text[i];
        if (rest != NULL && *rest == first) {
            hide(l, rest, enough_of(l->s, rest), &rests->text[i]);
        }
    }
}

/* What shows one of the secrets with that first byte. Where too little of one is there to tell
 * something, the next one that begins in the same way need not be looked at: tokens of one maker
 * all begin alike. (A character beyond ASCII is compared as a whole, and so are apostrophes.) */
static void hide_beginnings(look *l, cab_secret_rests *rests, char first) {
    const cab_secrets *s = l->s;
    size_t same = 0;
    l->seen = 0;
    for (size_t number = s->last_of[(unsigned char)first]; number > 0 && !took_too_long(l);
         number = s->before[number - 1]) {
        size_t i = number - 1;
        bool known = l->seen < same && l->seen < s->enough[i];
        known = known && (s->text[i][l->seen] & 0x80) == 0 && s->text[i][l->seen] != '\'';
        if (!known) {
            hide(l, s->text[i], s->enough[i], &rests->text[i]);
        }
        same = s->shared[i];
    }
}

static void note_rests(const cab_secrets *s, cab_secret_rests *rests) {
    for (size_t i = 0; i < s->count; i++) {
        if (rests->text[i] != NULL) {
            rests->begins[(unsigned char)*rests->text[i]] = true;
        }
    }
}

/* What a text may stand for at one place: all begins with one of these bytes. */
typedef struct {
    char bytes[5];
    size_t count;
} beginnings;

static void add_beginning(beginnings *b, char c) {
    if (memchr(b->bytes, c, b->count) == NULL) {
        b->bytes[b->count++] = c;
    }
}

static beginnings read_beginnings(const char *p, const char *end) {
    beginnings b = {{*p}, 1};
    cab_unit u = cab_read_escape(p, end);
    if (u.used > 0) {
        add_beginning(&b, u.bytes[0]);
        add_beginning(&b, p[u.used - 1]);
        add_beginning(&b, cab_read_octal(p, end)); /* no secret begins with a NUL */
        u = cab_read_again(p, end, u);
    }
    if (u.used > 0) {
        add_beginning(&b, u.bytes[0]);
    }
    return b;
}

/* Nearly everywhere in a long text no secret begins, which is to be seen at once. */
size_t cab_secret_at(const cab_secrets *s, cab_secret_rests *rests, const char *p, const char *end,
                     size_t hidden, bool *all) {
    look l = {s, p, end, hidden, hidden, 0, rests->work, s->too_many};
    beginnings b = read_beginnings(p, end);
    for (size_t i = 0; i < b.count; i++) {
        const char first = b.bytes[i];
        if (rests->begins[(unsigned char)first]) {
            hide_rests(&l, rests, first);
        }
        hide_beginnings(&l, rests, first);
    }
    if (l.longest > hidden) {
        note_rests(s, rests);
    }
    *all = l.all || took_too_long(&l);
    rests->work = unpaid(&l);
    return l.longest;
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
