#include "cab/pem.h"

#include <string.h>

static const char BEGIN[] = "-----BEGIN ", END[] = "-----END ", DASHES[] = "-----";

bool cab_pem_is(const cab_pem *block, const char *label) {
    return block->label_len == strlen(label) && memcmp(block->label, label, block->label_len) == 0;
}

/* Where the first line from here on begins that begins so; NULL: none does. */
static char *find_line(char *text, char *end, const char *prefix) {
    size_t len = strlen(prefix);
    while ((size_t)(end - text) >= len) {
        if (memcmp(text, prefix, len) == 0) {
            return text;
        }
        char *line_end = memchr(text, '\n', (size_t)(end - text));
        if (line_end == NULL) {
            break;
        }
        text = line_end + 1;
    }
    return NULL;
}

/* What is between the prefix of a line and the dashes at its end; false when there are none. */
static bool read_label(char *line, char *end, const char *prefix, cab_pem *block) {
    char *label = line + strlen(prefix);
    char *line_end = memchr(label, '\n', (size_t)(end - label));
    line_end = line_end != NULL ? line_end : end;
    block->data = line_end;
    while (line_end > label && (line_end[-1] == '\r' || line_end[-1] == ' ')) {
        line_end--;
    }
    block->label = label;
    block->label_len = (size_t)(line_end - label);
    size_t dashes = sizeof DASHES - 1;
    if (block->label_len < dashes || memcmp(line_end - dashes, DASHES, dashes) != 0) {
        return false;
    }
    block->label_len -= dashes;
    return true;
}

bool cab_pem_next(char **text, char *end, cab_pem *block) {
    char *line = *text;
    cab_pem last;
    while ((line = find_line(line, end, BEGIN)) != NULL && !read_label(line, end, BEGIN, block)) {
        line += sizeof BEGIN - 1; /* a line like any other */
    }
    if (line == NULL) {
        *text = end;
        return false;
    }
    *text = line;
    char *close = find_line(block->data, end, DASHES);
    if (close == NULL || (size_t)(end - close) < sizeof END - 1 ||
        memcmp(close, END, sizeof END - 1) != 0 || !read_label(close, end, END, &last) ||
        last.label_len != block->label_len ||
        memcmp(last.label, block->label, last.label_len) != 0) {
        return false;
    }
    block->len = (size_t)(close - block->data);
    *text = last.data;
    return true;
}

enum { NO_DIGIT = 64 };

static void list_values(unsigned char values[256]) {
    static const char ALPHABET[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    memset(values, NO_DIGIT, 256);
    for (int i = 0; i < 64; i++) {
        values[(unsigned char)ALPHABET[i]] = (unsigned char)i;
    }
}

bool cab_pem_decode(cab_pem *block) {
    unsigned char values[256];
    unsigned char *out = (unsigned char *)block->data;
    const unsigned char *p = out, *end = p + block->len;
    unsigned bits = 0;
    size_t digits = 0, fill = 0;
    list_values(values);
    for (; p < end; p++) {
        unsigned value = values[*p];
        if (value < NO_DIGIT && fill == 0) {
            bits = bits << 6 | value;
            if (++digits % 4 == 0) {
                *out++ = (unsigned char)(bits >> 16);
                *out++ = (unsigned char)(bits >> 8);
                *out++ = (unsigned char)bits;
            }
        } else if (*p == '=') {
            fill++;
        } else if (*p != '\n' && *p != '\r' && *p != ' ' && *p != '\t') {
            return false;
        }
    }
    size_t rest = digits % 4; /* 0 with no fill, 2 with two, 3 with one */
    if (rest == 1 || fill != (4 - rest) % 4) {
        return false;
    }
    for (size_t i = 1; i < rest; i++) {
        *out++ = (unsigned char)(bits << (4 - rest) * 6 >> (24 - 8 * i));
    }
    block->len = (size_t)(out - (unsigned char *)block->data);
    return true;
}
