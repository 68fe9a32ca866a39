/* What the sources need of <sys/mount.h> on the BSDs but NetBSD, and on macOS. */
#ifndef SPEC_BSD_SYS_MOUNT_H
#define SPEC_BSD_SYS_MOUNT_H

#ifndef __NetBSD__
struct statfs {
    char f_fstypename[16];
};

int fstatfs(int fd, struct statfs *about);
#endif

#endif
