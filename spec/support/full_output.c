/* Runs a command whose standard output nobody reads until it is full:
 *   full_output pipe|shared|terminal read|leave [SIGNAL…] -- COMMAND…
 * pipe      a pipe
 * shared    a pipe that somebody else who writes to it has made non-blocking
 * terminal  a pseudo-terminal, made non-blocking likewise
 * Once it is full the command gets the signals (HUP …); then all is read and printed (`read`), or
 * only after the command has ended (`leave`). The exit status is the command's. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int number_of(const char *name) {
    static const struct {
        const char *name;
        int number;
    } signals[] = {
        {"HUP", SIGHUP}, {"INT", SIGINT}, {"TERM", SIGTERM}, {"TSTP", SIGTSTP}, {"CONT", SIGCONT}};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (strcmp(signals[i].name, name) == 0) {
            return signals[i].number;
        }
    }
    exit(2);
}

static void nap(void) { (void)poll(NULL, 0, 100); }

static int open_terminal(int ends[2]) {
    struct termios how;
    ends[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ends[0] < 0 || grantpt(ends[0]) != 0 || unlockpt(ends[0]) != 0) {
        return -1;
    }
    ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ends[1] < 0 || tcgetattr(ends[1], &how) != 0) {
        return -1;
    }
    how.c_oflag &= ~(tcflag_t)OPOST;
    return tcsetattr(ends[1], TCSANOW, &how);
}

static int is_full(int fd) {
    struct pollfd out = {fd, POLLOUT, 0};
    return poll(&out, 1, 0) == 0;
}

static void print_all(int fd) {
    char text[4096];
    ssize_t n;
    while ((n = read(fd, text, sizeof text)) > 0) {
        fwrite(text, 1, (size_t)n, stdout);
    }
    fflush(stdout);
}

int main(int argc, char **argv) {
    int ends[2], status = 0, command = 3;
    if (argc < 4 || (strcmp(argv[1], "terminal") == 0 ? open_terminal(ends) : pipe(ends)) != 0) {
        return 2;
    }
    while (command < argc && strcmp(argv[command], "--") != 0) {
        command++;
    }
    if (strcmp(argv[1], "pipe") != 0) {
        (void)fcntl(ends[1], F_SETFL, fcntl(ends[1], F_GETFL) | O_NONBLOCK);
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)execvp(argv[command + 1], argv + command + 1);
        _exit(127);
    }
    int ended = 0;
    while (!ended && !is_full(ends[1])) {
        nap();
        ended = waitpid(pid, &status, WNOHANG) == pid;
    }
    for (int i = 3; !ended && i < command; i++) {
        nap();
        (void)kill(pid, number_of(argv[i]));
    }
    nap();
    if (!ended && strcmp(argv[2], "leave") == 0) {
        ended = waitpid(pid, &status, 0) == pid;
    }
    (void)close(ends[1]);
    print_all(ends[0]);
    if (!ended) {
        (void)waitpid(pid, &status, 0);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
