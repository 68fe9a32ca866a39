/* What the fuzz targets share. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* What must hold for every input; NDEBUG has no say here. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);          \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads the input from its beginning; behind its end come zeros. */
typedef struct {
    const uint8_t *at, *end;
} fuzz_input;

static inline uint8_t fuzz_byte(fuzz_input *in) { return in->at < in->end ? *in->at++ : 0; }

/* Up to `most` bytes, as many as the next byte says. */
static inline const char *fuzz_text(fuzz_input *in, size_t most, size_t *len) {
    size_t n = fuzz_byte(in);
    size_t left = (size_t)(in->end - in->at);
    n = n < most ? n : most;
    *len = n < left ? n : left;
    const char *text = (const char *)in->at;
    in->at += *len;
    return text;
}

#endif
