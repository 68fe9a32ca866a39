/* Descriptors of files that we write are none of the three that whatever prints takes for its own,
 * though a program may have closed these: its next line would go into the file. */
#ifndef CAB_DESCRIPTOR_H
#define CAB_DESCRIPTOR_H

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#pragma GCC visibility push(hidden)

/* The same file by a descriptor above the three, closed on exec; -1 with errno when there is none,
 * or when there was none. */
static inline int cab_above_standard(int fd) {
    if (fd < 0 || fd > STDERR_FILENO) {
        return fd;
    }
    int above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int code = errno;
    (void)close(fd);
    errno = code;
    return above;
}

#pragma GCC visibility pop

#endif
