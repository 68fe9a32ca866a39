#include "cab/classify.h"

static bool reason_is_transient(cab_reason r) {
    switch (r) {
    case CAB_REASON_RESOLVE:
    case CAB_REASON_CONNECT:
    case CAB_REASON_PROXY:
    case CAB_REASON_TLS_HANDSHAKE:
    case CAB_REASON_RESET:
    case CAB_REASON_CLOSED:
    case CAB_REASON_HTTP2:
    case CAB_REASON_CONNECT_TIMEOUT:
    case CAB_REASON_TIMEOUT:
        return true;
    default:
        return false;
    }
}

static cab_outcome outcome_of_status(int status) {
    return (status >= 300 && status < 500) || status == 503 ? CAB_OUTCOME_NOT_STARTED
                                                            : CAB_OUTCOME_UNKNOWN;
}

/* No complete answer. */
static cab_verdict classify_broken(const cab_facts *f) {
    cab_verdict v = {f->broken, f->reason, CAB_OUTCOME_NOT_STARTED, false};
    if (f->sent) {
        /* We refused the answer ourselves, after its head was read: the status still counts. */
        bool refused_by_us = f->reason == CAB_REASON_ENCODED || f->reason == CAB_REASON_TOO_LARGE;
        v.outcome =
            refused_by_us && f->status != 0 ? outcome_of_status(f->status) : CAB_OUTCOME_UNKNOWN;
    }
    v.transient = f->broken != CAB_KIND_CONFIG && reason_is_transient(f->reason) &&
                  (f->op == CAB_OP_READ || !f->sent);
    return v;
}

cab_verdict cab_classify(const cab_facts *f) {
    if (f->broken != CAB_KIND_NONE) {
        return classify_broken(f);
    }
    cab_verdict v = {CAB_KIND_API, CAB_REASON_NONE, outcome_of_status(f->status), false};
    if (f->too_many_requests) {
        /* Goes before every status rule: the editions disagree about its status. */
        v.outcome = CAB_OUTCOME_NOT_STARTED;
        v.transient = true;
    } else if (f->status >= 200 && f->status < 300) {
        if (!f->failed) {
            v.kind = f->body_problem == CAB_REASON_NONE ? CAB_KIND_NONE : CAB_KIND_PROTOCOL;
            v.reason = f->body_problem;
        }
        v.outcome = v.kind == CAB_KIND_NONE ? CAB_OUTCOME_STARTED : CAB_OUTCOME_UNKNOWN;
    } else if (f->status >= 300 && f->status < 400) {
        v.kind = CAB_KIND_PROTOCOL;
        v.reason = CAB_REASON_REDIRECT;
    } else if (f->status == 401 || f->status == 403) {
        v.kind = CAB_KIND_AUTH;
    } else if (f->status == 429 || f->status == 503) {
        v.transient = true;
    } else if (f->status >= 500 && f->status < 600) {
        v.transient = f->op == CAB_OP_READ;
    } else if (f->status < 400 || f->status >= 600) {
        v.kind = CAB_KIND_PROTOCOL;
        v.reason = CAB_REASON_BAD_HTTP;
        v.outcome = CAB_OUTCOME_UNKNOWN;
    }
    return v;
}
