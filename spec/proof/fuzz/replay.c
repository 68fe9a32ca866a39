/* Runs a target over the files that are named, without libFuzzer: for coverage. */
#include "fuzz.h"

int main(int argc, char **argv) {
    static uint8_t data[65536];
    for (int i = 1; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");
        MUST(f != NULL);
        size_t n = fread(data, 1, sizeof data, f);
        (void)fclose(f);
        (void)LLVMFuzzerTestOneInput(data, n);
    }
    return 0;
}
