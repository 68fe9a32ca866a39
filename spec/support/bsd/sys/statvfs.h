/* What the sources need of NetBSD's <sys/statvfs.h>. */
#ifndef SPEC_BSD_SYS_STATVFS_H
#define SPEC_BSD_SYS_STATVFS_H

struct statvfs {
    char f_fstypename[32];
};

int fstatvfs(int fd, struct statvfs *about);

#endif
