#include "cab/error.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const KINDS[] = {NULL,    "usage",     "config",    "auth",
                                    "api",   "transport", "timeout",   "protocol",
                                    "build", "key",       "cancelled", "memory"};

static const char *const REASONS[] = {
    NULL,         "resolve",    "connect",  "proxy",   "tls_verify", "tls_handshake",
    "tls_config", "reset",      "closed",   "http2",   "too_large",  "bad_json",
    "bad_http",   "bad_answer", "redirect", "encoded", "deadline",   "connect_timeout",
    "timeout",    "wait",       "store",    "internal"};

static const char *const OUTCOMES[] = {"not_started", "unknown", "started"};

const char *cab_kind_name(cab_kind kind) { return KINDS[kind]; }
const char *cab_reason_name(cab_reason reason) { return REASONS[reason]; }
const char *cab_outcome_name(cab_outcome outcome) { return OUTCOMES[outcome]; }

bool cab_fail(cab_error *err, cab_kind kind, cab_reason reason, const char *field, const char *fmt,
              ...) {
    err->kind = kind;
    err->reason = reason;
    (void)snprintf(err->field, sizeof err->field, "%s", field != NULL ? field : "");
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(err->message, sizeof err->message, fmt, args);
    va_end(args);
    return false;
}

bool cab_fail_memory(cab_error *err) {
    return cab_fail(err, CAB_KIND_MEMORY, CAB_REASON_NONE, NULL, "not enough memory");
}
