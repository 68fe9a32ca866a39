#include "cab/pieces.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cab/buf.h"
#include "cab/escape.h"
#include "cab/grams.h"

/* Letters and digits in a row that are a piece, of a secret of at least so many: half of a short
 * secret is too much, while words must stay readable that stand in a long one by chance. */
#define SHORT_PIECE 8
#define LONG_PIECE 12
#define LONG_SECRET (2 * LONG_PIECE)
/* Pieces that are looked for, of all secrets together. */
#define MOST_PIECES 65536

/* ---- reading -------------------------------------------------------------------------------- */

/* A text, letter by letter; of the last ones each has five bits in `last`, none of which is 0. */
typedef struct {
    const char *start, *at, *end;
    const char *back; /* the next \b, if escapes are read, or the end */
    bool escapes;     /* are read as what they stand for */
    uint64_t last;
    size_t count;
    size_t starts[16]; /* where the last ones begin */
} reader;

static reader read_text(const char *text, size_t len, bool escapes) {
    reader r = {text, text, text + len, text, escapes, 0, 0, {0}};
    return r;
}

/* Five bits for each letter or digit, whatever its case. */
static const unsigned char LETTERS[256] = {
    ['0'] = 16, ['1'] = 17, ['2'] = 18, ['3'] = 19, ['4'] = 20, ['5'] = 21, ['6'] = 22, ['7'] = 23,
    ['8'] = 24, ['9'] = 25, ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,
    ['G'] = 7,  ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
    ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22,
    ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 1,  ['b'] = 2,  ['c'] = 3,  ['d'] = 4,
    ['e'] = 5,  ['f'] = 6,  ['g'] = 7,  ['h'] = 8,  ['i'] = 9,  ['j'] = 10, ['k'] = 11, ['l'] = 12,
    ['m'] = 13, ['n'] = 14, ['o'] = 15, ['p'] = 16, ['q'] = 17, ['r'] = 18, ['s'] = 19, ['t'] = 20,
    ['u'] = 21, ['v'] = 22, ['w'] = 23, ['x'] = 24, ['y'] = 25, ['z'] = 26};

/* The byte at `at`, and how many bytes of the text it takes. */
static char read_byte(reader *r, size_t *used) {
    if (r->escapes && r->back <= r->at) {
        const char *back = memchr(r->at, '\b', (size_t)(r->end - r->at));
        r->back = back != NULL ? back : r->end;
    }
    if (r->escapes && (*r->at == '\33' || r->back - r->at < CAB_LONGEST_STRUCK) &&
        (*used = cab_read_unseen(r->at, r->end, NULL)) > 0) {
        return '\0';
    }
    *used = 1;
    if (!r->escapes || (*r->at != '\\' && *r->at != '%' && *r->at != '&')) {
        return *r->at;
    }
    cab_unit u = cab_read_escape(r->at, r->end);
    if (u.used == 0) {
        return *r->at;
    }
    for (cab_unit again = u; again.used > 0;) {
        u = again;
        again = cab_read_again(r->at, r->end, u);
    }
    *used = u.used;
    return u.bytes[0];
}

/* Goes behind the next letter. */
static bool next_letter(reader *r) {
    while (r->at < r->end) {
        size_t used;
        char c = read_byte(r, &used);
        size_t start = (size_t)(r->at - r->start);
        r->at += used;
        const unsigned char letter = LETTERS[(unsigned char)c];
        if (letter != 0) {
            r->starts[r->count++ % 16] = start;
            r->last = r->last << 5 | letter;
            return true;
        }
    }
    return false;
}

/* The last letters as one number, of which a longer piece has a larger one; 0: they are too few. */
static uint64_t piece_of(const reader *r, size_t length) {
    return r->count < length ? 0 : r->last & ((UINT64_C(1) << (5 * length)) - 1);
}

/* How long a piece of this secret is; 0: it is too short to have any, and only found as a whole. */
static size_t piece_length(const char *secret) {
    size_t letters = 0;
    for (; *secret != '\0' && letters < LONG_SECRET; secret++) {
        letters += LETTERS[(unsigned char)*secret] != 0;
    }
    return letters < SHORT_PIECE ? 0 : letters < LONG_SECRET ? SHORT_PIECE : LONG_PIECE;
}

/* ---- leaving out ---------------------------------------------------------------------------- */

/* A piece holds a whole block of half its length, wherever in the secret it begins, if blocks begin
 * there at each multiple of that. Where a text has none of a secret's blocks, which is nearly
 * always, nothing more is done about this one: of long secrets that are many, for each text. */
#define SHORT_BLOCK (SHORT_PIECE / 2)
#define LONG_BLOCK (LONG_PIECE / 2)
#define IS_SHORT (UINT32_C(1) << 31) /* a short block is another one than a long one */
#define SMALL_ROOM 512
#define ROOM_OF_A_LETTER 8 /* for two blocks, each as it is and with the escapes read */

/* The blocks of a text, wherever they begin. */
typedef struct {
    uint32_t small[SMALL_ROOM];
    uint32_t *there; /* 0: free */
    unsigned bits;   /* there is room for 1 << bits */
} blocks;

static uint32_t *block_at(const blocks *b, uint32_t block) {
    size_t last = ((size_t)1 << b->bits) - 1;
    size_t at = block * UINT32_C(0x9e3779b1) >> (32 - b->bits);
    while (b->there[at] != 0 && b->there[at] != block) {
        at = (at + 1) & last;
    }
    return &b->there[at];
}

static void put_block(const blocks *b, uint64_t block, uint32_t kind) {
    if (block != 0) {
        *block_at(b, (uint32_t)block | kind) = (uint32_t)block | kind;
    }
}

static void put_blocks(const blocks *b, reader r) {
    while (next_letter(&r)) {
        put_block(b, piece_of(&r, SHORT_BLOCK), IS_SHORT);
        put_block(b, piece_of(&r, LONG_BLOCK), 0);
    }
}

/* Room for the blocks of a text of that length. False: no memory. */
static bool make_room(blocks *b, size_t len) {
    for (b->bits = 5; (size_t)1 << b->bits < ROOM_OF_A_LETTER * len; b->bits++) {
    }
    size_t size = (size_t)1 << b->bits;
    b->there = size <= SMALL_ROOM ? b->small : calloc(size, sizeof *b->there);
    if (b->there == b->small) {
        memset(b->small, 0, size * sizeof *b->small);
    }
    return b->there != NULL;
}

static void free_room(const blocks *b) {
    if (b->there != b->small) {
        free(b->there);
    }
}

/* Whether the text may show a piece of that length: it has one of the secret's blocks. */
static bool may_show(const blocks *b, const char *secret, size_t length) {
    const size_t block = length / 2;
    const uint32_t all = (UINT32_C(1) << (5 * block)) - 1;
    const uint32_t kind = block == SHORT_BLOCK ? IS_SHORT : 0;
    uint32_t last = 0;
    size_t count = 0;
    for (; *secret != '\0'; secret++) {
        const unsigned char letter = LETTERS[(unsigned char)*secret];
        if (letter == 0) {
            continue;
        }
        last = last << 5 | letter;
        if (++count == block) {
            count = 0;
            if (*block_at(b, (last & all) | kind) != 0) {
                return true;
            }
        }
    }
    return false;
}

/* ---- looking up ----------------------------------------------------------------------------- */

#define LEAST_SIEVE_BITS 9
#define MOST_SIEVE_BITS 16
#define SIEVE_BITS_OF_A_BYTE 32
/* Of a longer text nearly everything would pass. */
#define LONGEST_SIEVED 8192

/* A bit for each of the values of a hash: what is not in it is seen at once. As many as the text
 * needs, since most are short, and to clear all takes longer than to look through one. */
typedef struct {
    unsigned char bits[1 << (MOST_SIEVE_BITS - 3)];
} sieve;

typedef struct {
    bool has_short, has_long;              /* pieces are looked for */
    unsigned char length[CAB_MAX_SECRETS]; /* of the pieces of each; 0: none are looked for */
    sieve of_text; /* few secrets have a piece that passes: only these are put down */
    sieve of_secrets;
    unsigned sieve_bits;
    uint64_t *pieces; /* of the secrets; 0: free */
    unsigned bits;    /* there is room for 1 << bits */
} finder;

static size_t hash(uint64_t piece, unsigned bits) {
    return (size_t)(piece * UINT64_C(0x9e3779b97f4a7c15) >> (64 - bits));
}

static void put_in_sieve(sieve *s, unsigned bits, uint64_t piece) {
    size_t at = hash(piece, bits);
    s->bits[at / 8] |= (unsigned char)(1 << at % 8);
}

static bool passes(const sieve *s, unsigned bits, uint64_t piece) {
    size_t at = hash(piece, bits);
    return (s->bits[at / 8] >> at % 8 & 1) != 0;
}

/* Everything passes the text's, or nothing yet; nothing the secrets'. */
static void clear_sieves(finder *f, size_t len) {
    bool all = len > LONGEST_SIEVED;
    f->sieve_bits = LEAST_SIEVE_BITS;
    while (f->sieve_bits < MOST_SIEVE_BITS &&
           (size_t)1 << f->sieve_bits < SIEVE_BITS_OF_A_BYTE * len) {
        f->sieve_bits++;
    }
    size_t size = (size_t)1 << (f->sieve_bits - 3);
    memset(f->of_text.bits, all ? 0xff : 0, size);
    memset(f->of_secrets.bits, 0, size);
}

/* Where that piece is, or would be. */
static uint64_t *place_of(const finder *f, uint64_t piece) {
    size_t mask = ((size_t)1 << f->bits) - 1;
    size_t at = hash(piece, f->bits);
    while (f->pieces[at] != 0 && f->pieces[at] != piece) {
        at = (at + 1) & mask;
    }
    return &f->pieces[at];
}

static void sieve_text(finder *f, reader r) {
    while (next_letter(&r)) {
        if (f->has_short) {
            put_in_sieve(&f->of_text, f->sieve_bits, piece_of(&r, SHORT_PIECE));
        }
        if (f->has_long) {
            put_in_sieve(&f->of_text, f->sieve_bits, piece_of(&r, LONG_PIECE));
        }
    }
}

/* Looks at the secrets' pieces that may be in the text: counts them, or puts them down. */
static size_t sieve_secrets(finder *f, const cab_secrets *s) {
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        size_t length = f->length[i];
        reader r = read_text(s->text[i], length > 0 ? strlen(s->text[i]) : 0, false);
        while (next_letter(&r)) {
            uint64_t piece = piece_of(&r, length);
            if (piece != 0 && passes(&f->of_text, f->sieve_bits, piece)) {
                count++;
                if (f->pieces != NULL) {
                    *place_of(f, piece) = piece;
                    put_in_sieve(&f->of_secrets, f->sieve_bits, piece);
                }
            }
        }
    }
    return count;
}

static bool is_found(const finder *f, uint64_t piece) {
    return piece != 0 && passes(&f->of_secrets, f->sieve_bits, piece) && *place_of(f, piece) != 0;
}

static void mark_text(const finder *f, reader r, unsigned char *marks) {
    size_t marked = 0; /* up to here there is nothing to do any more */
    while (next_letter(&r)) {
        size_t length = 0;
        if (f->has_long && is_found(f, piece_of(&r, LONG_PIECE))) {
            length = LONG_PIECE;
        } else if (f->has_short && is_found(f, piece_of(&r, SHORT_PIECE))) {
            length = SHORT_PIECE;
        }
        if (length > 0) {
            size_t start = r.starts[(r.count - length) % 16];
            size_t end = (size_t)(r.at - r.start);
            for (size_t i = start > marked ? start : marked; i < end; i++) {
                marks[i / 8] |= (unsigned char)(1 << i % 8);
            }
            marked = end;
        }
    }
}

/* Which secrets' pieces are looked for, and how long these are. False: no memory. */
static bool choose_secrets(finder *f, const cab_secrets *s, const char *text, size_t len,
                           bool escapes) {
    blocks b;
    bool all = len > LONGEST_SIEVED;
    if (!all && !make_room(&b, len)) {
        return false;
    }
    for (int with = 0; with <= (int)escapes && !all; with++) {
        put_blocks(&b, read_text(text, len, with));
    }
    for (size_t i = 0; i < s->count; i++) {
        size_t length = piece_length(s->text[i]);
        bool chosen = length > 0 && (all || may_show(&b, s->text[i], length));
        f->length[i] = (unsigned char)(chosen ? length : 0);
        f->has_short = f->has_short || f->length[i] == SHORT_PIECE;
        f->has_long = f->has_long || f->length[i] == LONG_PIECE;
    }
    if (!all) {
        free_room(&b);
    }
    return true;
}

bool cab_pieces_mark(const cab_secrets *s, const char *text, size_t len, unsigned char *marks) {
    if (s->count == 0 || len < SHORT_PIECE) {
        return true;
    }
    finder f;
    f.has_short = f.has_long = false;
    f.pieces = NULL;
    /* What looks like an escape may be one, or stand for itself. */
    bool escapes = memchr(text, '\\', len) != NULL || memchr(text, '%', len) != NULL ||
                   memchr(text, '&', len) != NULL || memchr(text, '\33', len) != NULL ||
                   memchr(text, '\b', len) != NULL;
    if (!choose_secrets(&f, s, text, len, escapes)) {
        return false;
    }
    if (!f.has_short && !f.has_long) {
        return true;
    }
    clear_sieves(&f, len);
    for (int with = 0; with <= (int)escapes && len <= LONGEST_SIEVED; with++) {
        sieve_text(&f, read_text(text, len, with));
    }
    size_t count = sieve_secrets(&f, s);
    if (count == 0 || count > MOST_PIECES) {
        return count == 0;
    }
    for (f.bits = 4; (size_t)1 << f.bits < 2 * count; f.bits++) {
    }
    size_t size = sizeof *f.pieces << f.bits;
    f.pieces = calloc(1, size);
    if (f.pieces == NULL) {
        return false;
    }
    (void)sieve_secrets(&f, s);
    for (int with = 0; with <= (int)escapes; with++) {
        mark_text(&f, read_text(text, len, with), marks);
    }
    cab_wipe(f.pieces, size);
    free(f.pieces);
    return true;
}

bool cab_pieces_may_show(const cab_secrets *s, const char *text, size_t len) {
    cab_grams others; /* of the secrets whose grams nobody keeps */
    bool some = false;
    for (size_t i = 0; i < s->count; i++) {
        const cab_grams *known = s->grams[i];
        if (known == NULL) {
            if (!some) {
                memset(&others, 0, sizeof others);
            }
            some = true;
            cab_grams_add(&others, s->text[i]);
        } else if ((i == 0 || s->grams[i - 1] != known) &&
                   cab_grams_follow(known, SHORT_PIECE, text, len)) {
            return true;
        }
    }
    bool shows = some && cab_grams_follow(&others, SHORT_PIECE, text, len);
    if (some) {
        cab_wipe(&others, sizeof others);
    }
    return shows;
}
