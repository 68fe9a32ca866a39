/* The least that the records of a keyed run cost in files: two lines of a new file, each on the
 * disk before it counts, and the file's name with the first. Nothing is checked, nothing waits for
 * another thread.
 *
 *   floor_keys FOLDER RUNS    prints microseconds of processor time for each */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

static double processor_us(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static bool add(int fd, const char *line, size_t len, off_t at) {
    return pwrite(fd, line, len, at) == (ssize_t)len && fdatasync(fd) == 0;
}

static bool run(int folder, int number) {
    char line[450], name[64];
    memset(line, 'x', sizeof line);
    (void)snprintf(name, sizeof name, "floor-%d-%d", (int)getpid(), number);
    int fd = openat(folder, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && add(fd, line, sizeof line, 0) &&
              fsync(folder) == 0 && add(fd, line, sizeof line, sizeof line);
    return fd >= 0 && close(fd) == 0 && ok;
}

int main(int argc, char **argv) {
    int folder = argc == 3 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int runs = argc == 3 ? atoi(argv[2]) : 0;
    bool ok = folder >= 0;
    double began = processor_us();
    for (int i = 0; ok && i < runs; i++) {
        ok = run(folder, i);
    }
    printf("%.1f\n", (processor_us() - began) / runs);
    return ok ? 0 : 1;
}
