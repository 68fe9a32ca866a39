/* Tells whether a file or a folder is still what it was, by what the system keeps of it. */
#ifndef CAB_FILE_ID_H
#define CAB_FILE_ID_H

#include <stdbool.h>

#include <sys/stat.h>

#pragma GCC visibility push(hidden)

typedef struct {
    dev_t device;
    ino_t number;
    off_t size;
    struct timespec changed;
} cab_file_id;

/* False when there is no such file. */
static inline bool cab_file_id_of(const char *path, cab_file_id *id) {
    struct stat s;
    if (stat(path, &s) != 0) {
        return false;
    }
#ifdef __APPLE__
    *id = (cab_file_id){s.st_dev, s.st_ino, s.st_size, s.st_ctimespec};
#else
    *id = (cab_file_id){s.st_dev, s.st_ino, s.st_size, s.st_ctim};
#endif
    return true;
}

/* Whether nothing has changed between the two. */
static inline bool cab_file_id_same(const cab_file_id *one, const cab_file_id *other) {
    return one->device == other->device && one->number == other->number &&
           one->size == other->size && one->changed.tv_sec == other->changed.tv_sec &&
           one->changed.tv_nsec == other->changed.tv_nsec;
}

#pragma GCC visibility pop

#endif
