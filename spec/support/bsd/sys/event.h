/* What poller.c needs of <sys/event.h>, so that its half for the BSDs and macOS can be compiled
 * elsewhere (`make bsd`): as NetBSD has it when __NetBSD__ is defined, else as the others do. */
#ifndef SPEC_BSD_SYS_EVENT_H
#define SPEC_BSD_SYS_EVENT_H

#include <stddef.h>
#include <stdint.h>

struct timespec;

#ifdef __NetBSD__

#define EVFILT_READ 0U
#define EVFILT_WRITE 1U
#define EV_ADD 0x0001U
#define EV_DELETE 0x0002U
#define EV_ERROR 0x4000U
#define EV_EOF 0x8000U

struct kevent {
    uintptr_t ident;
    uint32_t filter;
    uint32_t flags;
    uint32_t fflags;
    int64_t data;
    void *udata;
};

int kevent(int kq, const struct kevent *changes, size_t change_count, struct kevent *events,
           size_t event_count, const struct timespec *timeout);

#else

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned int fflags;
    int64_t data;
    void *udata;
};

int kevent(int kq, const struct kevent *changes, int change_count, struct kevent *events,
           int event_count, const struct timespec *timeout);

#endif

int kqueue(void);

#endif
