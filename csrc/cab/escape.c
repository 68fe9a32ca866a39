#include "cab/escape.h"

#include <stdbool.h>
#include <string.h>

/* Nobody escapes an escape more often than that; also bounds the work on hostile texts. */
#define MAX_BACKSLASHES 8

static int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t cab_read_digits(const char *p, const char *end, size_t most, uint32_t base,
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

static cab_unit from_code(size_t used, uint32_t code) {
    cab_unit u = {used, 0, {0}};
    u.len = write_utf8(code <= 0x10ffff ? code : 0xfffd, u.bytes);
    return u;
}

static const cab_unit NONE = {0, 0, {0}};

/* \n, \/, \x2f, \u002f, \ud83d\ude00, each also behind more backslashes. */
static cab_unit read_backslash(const char *p, const char *end) {
    static const char letters[] = "a\ab\be\33E\33f\fn\nr\rt\tv\v";
    size_t n = 0;
    while (n < MAX_BACKSLASHES && p + n < end && p[n] == '\\') {
        n++;
    }
    if (p + n == end) {
        return NONE;
    }
    uint32_t code, low;
    if (p[n] == 'u' && cab_read_digits(p + n + 1, end, 4, 16, &code) == 4) {
        const char *next = p + n + 5;
        size_t more = 0;
        while (next + more < end && more < MAX_BACKSLASHES && next[more] == '\\') {
            more++;
        }
        if (code >= 0xd800 && code < 0xdc00 && more > 0 && next + more < end && next[more] == 'u' &&
            cab_read_digits(next + more + 1, end, 4, 16, &low) == 4) {
            return from_code(n + 5 + more + 5, 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff));
        }
        return from_code(n + 5, code);
    }
    if (p[n] == 'x' && cab_read_digits(p + n + 1, end, 2, 16, &code) == 2) {
        cab_unit byte = {n + 3, 1, {(char)code}};
        return byte;
    }
    const char *letter = strchr(letters, p[n]);
    bool named = p[n] != '\0' && letter != NULL && (letter - letters) % 2 == 0;
    cab_unit u = {n + 1, 1, {named ? letter[1] : p[n]}};
    /* \''it is', where apostrophes begin behind the first. */
    u.used += n == 1 && p[n] == '\'' && p + u.used < end && p[u.used] == '\'';
    return u;
}

/* References of HTML5 to what stands in passwords: all of ASCII that has a name of that length. */
#define LONGEST_NAME 8
static const struct {
    char name[LONGEST_NAME + 1];
    char c;
} NAMES[] = {
    {"amp", '&'},    {"lt", '<'},       {"gt", '>'},     {"quot", '"'},   {"apos", '\''},
    {"excl", '!'},   {"num", '#'},      {"dollar", '$'}, {"percnt", '%'}, {"lpar", '('},
    {"rpar", ')'},   {"ast", '*'},      {"midast", '*'}, {"plus", '+'},   {"comma", ','},
    {"period", '.'}, {"sol", '/'},      {"colon", ':'},  {"semi", ';'},   {"equals", '='},
    {"quest", '?'},  {"commat", '@'},   {"lsqb", '['},   {"lbrack", '['}, {"bsol", '\\'},
    {"rsqb", ']'},   {"rbrack", ']'},   {"Hat", '^'},    {"lowbar", '_'}, {"UnderBar", '_'},
    {"grave", '`'},  {"lcub", '{'},     {"lbrace", '{'}, {"verbar", '|'}, {"vert", '|'},
    {"rcub", '}'},   {"rbrace", '}'},   {"AMP", '&'},    {"LT", '<'},     {"GT", '>'},
    {"QUOT", '"'},   {"NewLine", '\n'}, {"Tab", '\t'},
};

static cab_unit read_name(const char *p, size_t left) {
    const char *semi = memchr(p, ';', left <= LONGEST_NAME ? left : LONGEST_NAME + 1);
    size_t len = semi != NULL ? (size_t)(semi - p) : 0;
    for (size_t i = 0; len > 0 && i < sizeof NAMES / sizeof *NAMES; i++) {
        if (NAMES[i].name[0] == p[0] && strlen(NAMES[i].name) == len &&
            memcmp(p, NAMES[i].name, len) == 0) {
            cab_unit u = {len + 1, 1, {NAMES[i].c}};
            return u;
        }
    }
    return NONE;
}

/* What stands behind the & of &amp; &commat; &#38; &#x26; */
static cab_unit read_entity(const char *p, const char *end) {
    size_t left = (size_t)(end - p);
    if (left > 0 && p[0] != '#') {
        return read_name(p, left);
    }
    if (left > 2) {
        bool hex = p[1] == 'x' || p[1] == 'X';
        size_t start = hex ? 2 : 1;
        uint32_t code;
        size_t n = cab_read_digits(p + start, end, 7, hex ? 16 : 10, &code);
        if (n > 0 && p + start + n < end && p[start + n] == ';') {
            return from_code(start + n + 1, code);
        }
    }
    return NONE;
}

/* Apostrophes in a text that a shell, or Python's shlex, put in apostrophes: it's and it''s are
 * 'it'\''s', 'it'\'\''s', 'it'"''"'s'. What follows need not be in apostrophes again. */
static cab_unit read_apostrophes(const char *p, const char *end) {
    cab_unit u = {3, 1, "'"};
    if (end - p < 3) {
        return NONE;
    }
    if (p[1] == '"') {
        size_t n = 0;
        while (n < sizeof u.bytes && p + 2 + n < end && p[2 + n] == '\'') {
            u.bytes[n++] = '\'';
        }
        if (n == 0 || p + 2 + n == end || p[2 + n] != '"') {
            return NONE;
        }
        u.used = n + 3;
        u.len = n;
    } else if (p[1] != '\\' || p[2] != '\'') {
        return NONE;
    }
    u.used += p + u.used < end && p[u.used] == '\'';
    return u;
}

cab_unit cab_read_escape(const char *p, const char *end) {
    uint32_t code;
    switch (*p) {
    case '\\':
        return read_backslash(p, end);
    case '&': {
        cab_unit u = read_entity(p + 1, end);
        u.used += u.used > 0;
        return u;
    }
    case '%':
        if (cab_read_digits(p + 1, end, 2, 16, &code) == 2) {
            cab_unit u = {3, 1, {(char)code}};
            return u;
        }
        return NONE;
    case '\'':
        return read_apostrophes(p, end);
    case '+': {
        cab_unit blank = {1, 1, {' '}};
        return blank;
    }
    default:
        return NONE;
    }
}

char cab_read_octal(const char *p, const char *end) {
    uint32_t code;
    bool all = *p == '\\' && cab_read_digits(p + 1, end, 3, 8, &code) == 3;
    bool digit = all && code >= '0' && code <= '9'; /* nobody escapes these */
    return (char)(all && !digit && code <= 0xff ? code : 0);
}

/* Bytes of the longest escape, a pair of \uXXXX. */
#define LONGEST_ESCAPE 12

/* Reads on where `u` stands for the beginning of an escape: what follows may be escaped as well. */
cab_unit cab_read_again(const char *p, const char *end, cab_unit u) {
    if (u.len == 1 && u.bytes[0] == '+') {
        u.bytes[0] = ' '; /* of a form */
        return u;
    }
    bool backslashes = p[0] == '\\' && p[u.used - 1] == '\\'; /* nothing but these */
    if (u.len != 1 || memchr("%&\\", u.bytes[0], 3) == NULL || backslashes) {
        return NONE;
    }
    char inner[LONGEST_ESCAPE];
    size_t ends[LONGEST_ESCAPE] = {0}, n = 0; /* where in the text each byte of `inner` ends */
    for (size_t at = u.used; n < LONGEST_ESCAPE; at += u.used) {
        inner[n] = u.bytes[0];
        ends[n++] = at;
        if (p + at >= end) {
            break;
        }
        u = cab_read_escape(p + at, end);
        if (u.len != 1 || p[at] == '+') { /* it stands for itself */
            u = (cab_unit){1, 1, {p[at]}};
        }
    }
    cab_unit again = cab_read_escape(inner, inner + n);
    again.used = again.used > 0 ? ends[again.used - 1] : 0;
    return again;
}

size_t cab_read_quotes(const char *p, const char *end) {
    size_t n = *p == '\'';
    n += p + n < end && p[n] == '$';
    return n > 0 && p + n < end && p[n] == '\'' ? n + 1 : 0;
}

static const char *skip_between(const char *p, const char *end, char first, char last) {
    while (p < end && *p >= first && *p <= last) {
        p++;
    }
    return p;
}

/* The sequence that begins with ESC, as text.log_line has it; `*seen` bytes tell. */
static size_t read_sequence(const char *p, const char *end, size_t *seen) {
    const char *at = p + 1;
    if (at < end && *at != '\0' && strchr("]PX^_", *at) != NULL) { /* up to its end: OSC */
        while (at < end && *at != '\a' && *at != '\33') {
            at++;
        }
        *seen = (size_t)(at - p);
        return at == end ? 1 : *seen + (*at == '\a');
    }
    bool csi = at < end && *at == '[';
    at = csi ? skip_between(at + 1, end, '0', '?') : at;
    at = skip_between(at, end, ' ', '/');
    *seen = (size_t)(at - p);
    if (at < end && *at >= (csi ? '@' : '0') && *at <= '~') {
        return *seen + 1;
    }
    return csi ? 1 : *seen;
}

/* Characters that are struck over: the cursor is back where the first one stands. 0: it is not.
 * `*seen` bytes tell, none where nothing goes back. */
static size_t read_struck(const char *p, const char *end, size_t *seen) {
    end = end - p < CAB_LONGEST_STRUCK ? end : p + CAB_LONGEST_STRUCK;
    if (memchr(p, '\b', (size_t)(end - p)) == NULL) {
        *seen = 0;
        return 0;
    }
    const char *at = p + 1;
    int columns = 1;
    while (at < end && columns > 0 && columns <= CAB_MOST_STRUCK) {
        if (*at == '\33') {
            at += read_sequence(at, end, seen);
        } else {
            columns += ((*at & 0xc0) != 0x80) - 2 * (*at == '\b');
            at++;
        }
    }
    *seen = (size_t)(at - p);
    return columns == 0 ? *seen : 0;
}

size_t cab_read_unseen(const char *p, const char *end, size_t *beyond) {
    size_t seen = 0, used;
    switch (*p) {
    case '\33':
        used = read_sequence(p, end, &seen);
        break;
    case '\16':
    case '\17': /* end what tput calls sgr0 */
    case '\b':
        used = 1;
        break;
    default:
        used = read_struck(p, end, &seen);
    }
    if (beyond != NULL && seen > used) {
        *beyond += seen - used;
    }
    return used;
}

/* C0 and DEL, C1, and of Unicode the marks that turn the direction of the text around them, and the
 * separators of lines and paragraphs. */
size_t cab_read_control(const char *p, const char *end) {
    const unsigned char *s = (const unsigned char *)p;
    if (s[0] < 0x80) {
        return s[0] < 0x20 || s[0] == 0x7f;
    }
    if (end - p > 1 && (s[0] == 0xc2 || s[0] == 0xd8)) {
        return (s[0] == 0xc2 ? s[1] >= 0x80 && s[1] <= 0x9f : s[1] == 0x9c) ? 2 : 0;
    }
    if (end - p > 2 && s[0] == 0xe2 && (s[1] == 0x80 || s[1] == 0x81)) {
        const unsigned char c = s[2];
        bool obeyed = s[1] == 0x80 ? c == 0x8e || c == 0x8f || (c >= 0xa8 && c <= 0xae)
                                   : c >= 0xa6 && c <= 0xa9;
        return obeyed ? 3 : 0;
    }
    return 0;
}
