#include "cab/trace.h"

#include <stdio.h>
#include <unistd.h>

#include "cab/clock.h"

/* What became of the attempt that ends with this state. */
static void write_answer(const cab_answer *answer, char *out, size_t size) {
    if (answer->error.kind == CAB_KIND_NONE) {
        (void)snprintf(out, size, ": status %d", answer->status);
    } else {
        const char *reason = cab_reason_name(answer->error.reason);
        (void)snprintf(out, size, ": %s%s%s, %s", cab_kind_name(answer->error.kind),
                       reason != NULL ? " " : "", reason != NULL ? reason : "",
                       answer->sent ? "sent" : "not sent");
    }
}

static void write_detail(const cab_call *call, cab_call_state next, char *out, size_t size) {
    out[0] = '\0';
    if (next == CAB_CALL_IN_FLIGHT) {
        (void)snprintf(out, size, ": attempt %d", call->attempts);
    } else if (next == CAB_CALL_WAITING) {
        (void)snprintf(out, size, ": %lld ms", (long long)call->delay_ms);
    } else if (next == CAB_CALL_ANSWERED && call->transfer != NULL) {
        write_answer(cab_transfer_answer(call->transfer), out, size);
    } else if (next == CAB_CALL_DONE) {
        const char *kind = cab_kind_name(call->verdict.kind);
        (void)snprintf(out, size, ": %s, %s", kind != NULL ? kind : "good",
                       cab_outcome_name(call->verdict.outcome));
    }
}

void cab_trace(const cab_call *call, cab_call_state next) {
    char detail[96];
    write_detail(call, next, detail, sizeof detail);
    int64_t now = cab_clock_ms();
    /* One write, so that lines of several processes do not mix; whole numbers know no locale. */
    (void)dprintf(STDERR_FILENO, "codearts-build[%ld] %lld.%03d call %zu %s %s -> %s%s\n",
                  (long)getpid(), (long long)(now / 1000), (int)(now % 1000), call->slot,
                  call->operation[0] != '\0' ? call->operation : "-",
                  cab_call_state_name(call->state), cab_call_state_name(next), detail);
}
