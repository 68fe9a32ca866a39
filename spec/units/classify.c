/* The whole promise as a table: how an attempt ended, and what that means (contract: "At most one
 * build"; API reference 6.3, 6.4). */
#include "cab/classify.h"

#include "unit.h"

enum { NEVER = CAB_AGAIN_NEVER, RENEWED = CAB_AGAIN_RENEWED, LATER = CAB_AGAIN_LATER };
enum { NOT_STARTED = CAB_OUTCOME_NOT_STARTED, UNKNOWN = CAB_OUTCOME_UNKNOWN };

/* Answers that came whole. */
static const struct {
    const char *what;
    int status;
    const char *code;
    cab_kind kind;
    int outcome, again, again_reading;
} ANSWERS[] = {
    {"100", 100, "", CAB_KIND_PROTOCOL, UNKNOWN, NEVER, NEVER},
    {"301", 301, "", CAB_KIND_PROTOCOL, UNKNOWN, NEVER, NEVER},
    {"302", 302, "", CAB_KIND_PROTOCOL, UNKNOWN, NEVER, NEVER},
    {"303", 303, "", CAB_KIND_PROTOCOL, UNKNOWN, NEVER, NEVER},
    {"304", 304, "", CAB_KIND_PROTOCOL, UNKNOWN, NEVER, NEVER},
    {"307", 307, "", CAB_KIND_PROTOCOL, NOT_STARTED, NEVER, NEVER},
    {"308", 308, "", CAB_KIND_PROTOCOL, NOT_STARTED, NEVER, NEVER},
    {"400", 400, "", CAB_KIND_API, NOT_STARTED, NEVER, NEVER},
    {"401", 401, "", CAB_KIND_AUTH, NOT_STARTED, RENEWED, RENEWED},
    {"403", 403, "", CAB_KIND_AUTH, NOT_STARTED, NEVER, NEVER},
    {"404", 404, "", CAB_KIND_API, NOT_STARTED, NEVER, NEVER},
    {"408", 408, "", CAB_KIND_API, UNKNOWN, NEVER, LATER},
    {"413", 413, "APIGW.0201", CAB_KIND_API, NOT_STARTED, NEVER, NEVER},
    {"429", 429, "", CAB_KIND_API, NOT_STARTED, LATER, LATER},
    {"429 of the gateway", 429, "APIGW.0308", CAB_KIND_API, NOT_STARTED, LATER, LATER},
    {"460", 460, "", CAB_KIND_API, UNKNOWN, NEVER, LATER},
    {"499", 499, "", CAB_KIND_API, UNKNOWN, NEVER, LATER},
    {"500", 500, "", CAB_KIND_API, UNKNOWN, NEVER, LATER},
    {"502", 502, "", CAB_KIND_API, UNKNOWN, NEVER, LATER},
    {"a bare 503", 503, "", CAB_KIND_API, UNKNOWN, NEVER, LATER},
    {"504", 504, "", CAB_KIND_API, UNKNOWN, NEVER, LATER},
    {"503 before forwarding", 503, "APIGW.0613", CAB_KIND_API, NOT_STARTED, LATER, LATER},
    {"500 before forwarding", 500, "APIG.0106", CAB_KIND_API, NOT_STARTED, LATER, LATER},
    {"504 of a backend", 504, "APIGW.0201", CAB_KIND_API, UNKNOWN, NEVER, LATER},
    {"500 that nobody knows", 500, "APIGW.0601", CAB_KIND_API, UNKNOWN, NEVER, LATER},
    {"500 that nobody knows either", 500, "APIGW.0705", CAB_KIND_API, UNKNOWN, NEVER, LATER},
    {"a code that is none", 503, "APIGW.06130", CAB_KIND_API, UNKNOWN, NEVER, LATER},
    {"another's code", 503, "CB.APIGW.0613", CAB_KIND_API, UNKNOWN, NEVER, LATER},
    {"busy with 200", 200, "CB.00060211", CAB_KIND_API, NOT_STARTED, LATER, LATER},
    {"busy with 400", 400, "CB.00060211", CAB_KIND_API, NOT_STARTED, LATER, LATER},
    {"busy with 500", 500, "CB.00060211", CAB_KIND_API, NOT_STARTED, LATER, LATER},
    {"trouble with 200", 200, "CB.00060100", CAB_KIND_API, UNKNOWN, NEVER, LATER},
    {"trouble with 400", 400, "CB.00060100", CAB_KIND_API, NOT_STARTED, NEVER, NEVER},
    {"trouble with 500", 500, "CB.00060101", CAB_KIND_API, UNKNOWN, NEVER, LATER},
    {"600", 600, "", CAB_KIND_PROTOCOL, UNKNOWN, NEVER, NEVER},
    {"999", 999, "", CAB_KIND_PROTOCOL, UNKNOWN, NEVER, NEVER},
};

static void check_answers(void) {
    static const cab_op_class classes[] = {CAB_OP_READ, CAB_OP_CHANGE, CAB_OP_START};
    for (size_t i = 0; i < COUNT(ANSWERS); i++) {
        for (size_t k = 0; k < COUNT(classes); k++) {
            cab_says says = cab_code_says(ANSWERS[i].code, true);
            cab_ending ending = {.op = classes[k],
                                 .sent = true,
                                 .status = ANSWERS[i].status,
                                 .says = says,
                                 .failed = says == CAB_SAYS_BUSY || says == CAB_SAYS_TROUBLE};
            cab_verdict v = cab_classify(&ending);
            bool reads = classes[k] == CAB_OP_READ;
            CHECK(ANSWERS[i].what, v.kind == ANSWERS[i].kind);
            CHECK(ANSWERS[i].what, (int)v.outcome == ANSWERS[i].outcome);
            CHECK(ANSWERS[i].what,
                  (int)v.again == (reads ? ANSWERS[i].again_reading : ANSWERS[i].again));
        }
    }
}

/* Who has the numbers of a build was not refused, whatever the status. */
static void check_contradictions(void) {
    for (int status = 200; status < 600; status++) {
        cab_ending both = {.op = CAB_OP_START,
                           .sent = true,
                           .status = status,
                           .says = CAB_SAYS_BOTH,
                           .failed = true};
        cab_verdict v = cab_classify(&both);
        CHECK("both", v.kind != CAB_KIND_NONE && v.again == CAB_AGAIN_NEVER);
        CHECK("both", v.outcome == CAB_OUTCOME_UNKNOWN);
    }
}

/* What a 2xx says. */
static void check_successes(void) {
    cab_ending good = {.op = CAB_OP_START, .sent = true, .status = 200};
    cab_verdict v = cab_classify(&good);
    CHECK("a good answer", v.kind == CAB_KIND_NONE && v.outcome == CAB_OUTCOME_STARTED);
    static const cab_reason problems[] = {CAB_REASON_BAD_JSON, CAB_REASON_BAD_ANSWER};
    for (size_t i = 0; i < COUNT(problems); i++) {
        cab_ending bad = {
            .op = CAB_OP_START, .sent = true, .status = 200, .body_problem = problems[i]};
        v = cab_classify(&bad);
        CHECK("a bad answer", v.kind == CAB_KIND_PROTOCOL && v.reason == problems[i]);
        CHECK("a bad answer", v.outcome == CAB_OUTCOME_UNKNOWN && v.again == CAB_AGAIN_NEVER);
    }
    cab_ending kept = {.op = CAB_OP_START, .sent = true, .status = 200, .kept = true};
    v = cab_classify(&kept);
    CHECK("a kept answer", v.kind == CAB_KIND_PROTOCOL && v.reason == CAB_REASON_BAD_ANSWER);
    CHECK("a kept answer", v.outcome == CAB_OUTCOME_UNKNOWN && v.again == CAB_AGAIN_NEVER);
    cab_ending failed = {.op = CAB_OP_START, .sent = true, .status = 200, .failed = true};
    v = cab_classify(&failed);
    CHECK("status: fail", v.kind == CAB_KIND_API && v.outcome == CAB_OUTCOME_UNKNOWN);
}

/* Attempts without a whole answer: what was sent decides, not what went wrong. */
static const struct {
    cab_kind kind;
    cab_reason reason;
    bool transient; /* another attempt may do better, where it cannot do harm */
} BROKEN[] = {
    {CAB_KIND_TRANSPORT, CAB_REASON_RESOLVE, true},
    {CAB_KIND_TRANSPORT, CAB_REASON_CONNECT, true},
    {CAB_KIND_TRANSPORT, CAB_REASON_PROXY, true},
    {CAB_KIND_CONFIG, CAB_REASON_PROXY, false},
    {CAB_KIND_TRANSPORT, CAB_REASON_TLS_VERIFY, false},
    {CAB_KIND_TRANSPORT, CAB_REASON_TLS_HANDSHAKE, true},
    {CAB_KIND_CONFIG, CAB_REASON_TLS_CONFIG, false},
    {CAB_KIND_TRANSPORT, CAB_REASON_RESET, true},
    {CAB_KIND_TRANSPORT, CAB_REASON_CLOSED, true},
    {CAB_KIND_TRANSPORT, CAB_REASON_HTTP2, true},
    {CAB_KIND_PROTOCOL, CAB_REASON_BAD_HTTP, false},
    {CAB_KIND_TIMEOUT, CAB_REASON_DEADLINE, false},
    {CAB_KIND_TIMEOUT, CAB_REASON_CONNECT_TIMEOUT, true},
    {CAB_KIND_TIMEOUT, CAB_REASON_TIMEOUT, true},
    {CAB_KIND_CANCELLED, CAB_REASON_NONE, false},
    {CAB_KIND_TRANSPORT, CAB_REASON_INTERNAL, false},
};

static void check_broken(void) {
    for (size_t i = 0; i < COUNT(BROKEN); i++) {
        for (int way = 0; way < 4; way++) {
            bool sent = (way & 1) != 0, reads = (way & 2) != 0;
            cab_ending ending = {.op = reads ? CAB_OP_READ : CAB_OP_START,
                                 .broken = BROKEN[i].kind,
                                 .reason = BROKEN[i].reason,
                                 .sent = sent};
            cab_verdict v = cab_classify(&ending);
            const char *what = cab_reason_name(BROKEN[i].reason);
            what = what != NULL ? what : "no reason";
            CHECK(what, v.kind == BROKEN[i].kind && v.reason == BROKEN[i].reason);
            CHECK(what, (int)v.outcome == (sent ? UNKNOWN : NOT_STARTED));
            bool again = BROKEN[i].transient && (reads || !sent);
            CHECK(what, (int)v.again == (again ? LATER : NEVER));
        }
    }
    /* An answer that we refused after its head: the status still counts. */
    cab_ending refused = {.op = CAB_OP_START,
                          .broken = CAB_KIND_PROTOCOL,
                          .reason = CAB_REASON_TOO_LARGE,
                          .sent = true,
                          .status = 404};
    CHECK("too large a 404", (int)cab_classify(&refused).outcome == NOT_STARTED);
    refused.status = 200;
    CHECK("too large a 200", (int)cab_classify(&refused).outcome == UNKNOWN);
}

int main(void) {
    check_answers();
    check_contradictions();
    check_successes();
    check_broken();
    return failures > 0;
}
