#include "lua/lua_term.h"

#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cab/clock.h"
#include "cab/held_signal.h"
#include "cab/locale.h"

#define TICK_MS 250
#define NAP_MS 10
#define PATIENCE_MS 2000 /* who sends a signal often sends SIGKILL after it */

/* Signals belong to the process, so these may be shared by all Lua states in it. */
static volatile sig_atomic_t ending_seen;
static volatile sig_atomic_t suspend_seen;
static volatile sig_atomic_t continue_seen;

static void on_ending(int signal_number) {
    if (ending_seen == 0) {
        ending_seen = signal_number;
    }
}

static void on_suspend(int signal_number) {
    (void)signal_number;
    suspend_seen = 1;
}

static void on_continue(int signal_number) {
    (void)signal_number;
    continue_seen = 1;
}

static int is_terminal(lua_State *L) {
    lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
    return 1;
}

static int terminal_size(lua_State *L) {
    struct winsize size;
    if (ioctl((int)luaL_checkinteger(L, 1), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, size.ws_col);
    lua_pushinteger(L, size.ws_row);
    return 2;
}

/* A terminal that is not ours to control, such as one of another session, has no group to tell. */
static int in_foreground(lua_State *L) {
    pid_t group = tcgetpgrp((int)luaL_checkinteger(L, 1));
    lua_pushboolean(L, group < 0 || group == getpgrp());
    return 1;
}

/* Beyond what time_t holds the offset of the last moment serves. */
static int zone_offset(lua_State *L) {
    double limit =
        sizeof(time_t) > 4 ? 253402300799.0 : 2147483647.0; /* the end of the year 9999 */
    double seconds = luaL_checknumber(L, 1);
    time_t at = (time_t)(seconds > -limit && seconds < limit ? seconds : limit);
    struct tm local;
    tzset();
    lua_pushinteger(L, localtime_r(&at, &local) != NULL ? (lua_Integer)local.tm_gmtoff : 0);
    return 1;
}

/* Without SA_RESTART a blocking wait returns at once. */
static void handle(lua_State *L, int signal_number, void (*handler)(int), int flags) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigemptyset(&action.sa_mask);
    if (sigaction(signal_number, &action, NULL) != 0) {
        luaL_error(L, "cannot install the handler of signal %d", signal_number);
    }
}

static bool is_ignored(int signal_number) {
    struct sigaction now;
    return sigaction(signal_number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

static const struct {
    int number;
    const char *name;
} endings[] = {{SIGINT, "INT"}, {SIGTERM, "TERM"}, {SIGHUP, "HUP"}};

static int catch_endings(lua_State *L) {
    if (lua_toboolean(L, 1)) {
        handle(L, SIGINT, SIG_IGN, 0);
    }
    ending_seen = 0;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (!is_ignored(endings[i].number)) {
            /* A second one ends at once; but for a terminal that goes away both the shell and the
             * kernel send a SIGHUP, and what was started has to be told yet. */
            handle(L, endings[i].number, on_ending,
                   endings[i].number == SIGHUP ? 0 : (int)SA_RESETHAND);
        }
    }
    handle(L, SIGPIPE, SIG_IGN, 0);
    return 0;
}

static int ending(lua_State *L) {
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (endings[i].number == ending_seen) {
            lua_pushstring(L, endings[i].name);
            return 1;
        }
    }
    lua_pushnil(L);
    return 1;
}

static int catch_suspend(lua_State *L) {
    if (!is_ignored(SIGTSTP)) {
        handle(L, SIGTSTP, on_suspend, 0);
    }
    handle(L, SIGCONT, on_continue, 0);
    return 0;
}

static int suspend_wanted(lua_State *L) {
    lua_pushboolean(L, suspend_seen != 0);
    return 1;
}

static int suspend(lua_State *L) {
    handle(L, SIGTSTP, SIG_DFL, 0);
    (void)raise(SIGTSTP); /* returns when the process goes on */
    suspend_seen = 0;
    handle(L, SIGTSTP, on_suspend, 0);
    return 0;
}

/* Like write(2), but that it comes back soon, with EAGAIN, where nobody reads: a pipe that is ready
 * takes so much without waiting. */
static ssize_t put(int fd, const char *text, size_t len) {
    struct pollfd out = {fd, POLLOUT, 0};
    int ready = poll(&out, 1, TICK_MS);
    if (ready <= 0) {
        errno = ready == 0 ? EAGAIN : errno;
        return -1;
    }
    cab_held_signal limit;
    cab_hold_signal(&limit, SIGXFSZ);
    ssize_t n = write(fd, text, len < PIPE_BUF ? len : PIPE_BUF);
    cab_release_signal(&limit);
    if (n < 0 && errno == EAGAIN) {
        (void)poll(NULL, 0, NAP_MS); /* ready, but not for this: a terminal's last byte */
        errno = EAGAIN;
    }
    return n;
}

static int write_text(lua_State *L) {
    int fd = (int)luaL_checkinteger(L, 1);
    size_t len;
    const char *text = luaL_checklstring(L, 2, &len);
    int64_t since = cab_clock_ms(); /* somebody read, or no signal was to end us */
    int code = 0;
    while (len > 0 && code == 0) {
        ssize_t n = put(fd, text, len);
        code = n < 0 && errno != EINTR && errno != EAGAIN ? errno : 0;
        int64_t now = cab_clock_ms();
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        } else if (suspend_seen != 0) {
            (void)suspend(L);
        } else if (code == 0 && ending_seen != 0 && now - since > PATIENCE_MS) {
            code = EPIPE;
        }
        if (n > 0 || ending_seen == 0) {
            since = now;
        }
    }
    if (code == 0) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, cab_errno_text(code));
    lua_pushinteger(L, code);
    return 3;
}

static int continued(lua_State *L) {
    lua_pushboolean(L, continue_seen != 0);
    continue_seen = 0;
    return 1;
}

void lcab_term_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"isatty", is_terminal},
                                         {"terminal_size", terminal_size},
                                         {"in_foreground", in_foreground},
                                         {"zone_offset", zone_offset},
                                         {"catch_endings", catch_endings},
                                         {"ending", ending},
                                         {"catch_suspend", catch_suspend},
                                         {"suspend_wanted", suspend_wanted},
                                         {"suspend", suspend},
                                         {"continued", continued},
                                         {"write", write_text},
                                         {NULL, NULL}};
    for (const luaL_Reg *f = functions; f->name != NULL; f++) {
        lua_pushcfunction(L, f->func);
        lua_setfield(L, -2, f->name);
    }
}
