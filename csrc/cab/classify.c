#include "cab/classify.h"

#include <limits.h>
#include <string.h>

#include "cab/locale.h"

static bool reason_is_transient(cab_reason reason) {
    switch (reason) {
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

/* ---- who says it ---------------------------------------------------------------------------- */

/* Numbers of the gateway's codes that it answers with before it forwards a request (API reference
 * 6.4). Not among them: 0201, which with a 5xx tells of a backend that was asked already (with a
 * 4xx the status is enough); 0601 and 0705, of which nobody knows. */
typedef struct {
    int from, to;
    int status; /* of a server's error that it comes with; 0: it comes with another */
} gateway_codes;

static const gateway_codes BEFORE_FORWARDING[] = {
    {101, 101, 0},   {103, 106, 0},   {300, 599, 0},   {602, 602, 0},
    {605, 606, 500}, {607, 607, 0},   {608, 609, 500}, {610, 610, 502},
    {611, 612, 500}, {613, 613, 503}, {800, 899, 0},
};

/* What nginx answers itself when it has lost an answer. */
enum { LOST = 502 };

/* NULL: it may have been forwarded. */
static const gateway_codes *before_forwarding(int n) {
    for (size_t i = 0; i < sizeof BEFORE_FORWARDING / sizeof *BEFORE_FORWARDING; i++) {
        const gateway_codes *codes = &BEFORE_FORWARDING[i];
        if (n >= codes->from && n <= codes->to) {
            return codes;
        }
    }
    return NULL;
}

/* The number of a code such as APIGW.0308 or APIG.0308, or -1. */
static int gateway_number(const char *code) {
    static const char *const prefixes[] = {"APIGW.", "APIG."};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t len = strlen(prefixes[i]);
        if (strncmp(code, prefixes[i], len) == 0) {
            const char *digits = code + len;
            if (strlen(digits) != 4 || strspn(digits, "0123456789") != 4) {
                return -1;
            }
            return (digits[0] - '0') * 1000 + (digits[1] - '0') * 100 + (digits[2] - '0') * 10 +
                   (digits[3] - '0');
        }
    }
    return -1;
}

cab_says cab_code_says(const char *code, bool gateway_form) {
    if (strcmp(code, "CB.00060211") == 0) {
        return CAB_SAYS_BUSY; /* the editions disagree about its status (API reference 6.3) */
    }
    if (strcmp(code, "CB.00060100") == 0 || strcmp(code, "CB.00060101") == 0) {
        return CAB_SAYS_TROUBLE; /* "try again later", "internal error" (API reference 6.3) */
    }
    int number = gateway_form ? gateway_number(code) : -1;
    if (number == 101) {
        return CAB_SAYS_NO_SUCH_API;
    }
    return before_forwarding(number) != NULL ? CAB_SAYS_NOT_FORWARDED : CAB_SAYS_NOTHING;
}

bool cab_code_is_of_page(const char *code, int status, const char *server, size_t len) {
    static const char *const kin[] = {"nginx", "openresty", "tengine", "angie", "freenginx"};
    int number = gateway_number(code);
    const gateway_codes *codes = before_forwarding(number);
    if (status < 500 || number < 0 || server == NULL) {
        return false;
    }
    if (status != LOST && codes != NULL && codes->status == status) {
        return false;
    }
    for (size_t i = 0; i < sizeof kin / sizeof *kin; i++) {
        size_t n = strlen(kin[i]);
        if (len >= n && cab_same_n(server, kin[i], n)) {
            return true;
        }
    }
    return false;
}

/* ---- the table ------------------------------------------------------------------------------ */

/* What an answer that is no 2xx means; the first row that fits counts. A status alone proves a
 * refusal only where nobody between here and the service gives it to a request that was passed on:
 * gateways and load balancers do so with every 5xx, with 408, 460 and 499, and a service may act
 * and then lead elsewhere with 301, 302 or 303. */
typedef struct {
    cab_says says; /* CAB_SAYS_NOTHING: whatever it says */
    int from, to;  /* statuses */
    cab_outcome outcome;
    cab_again again;         /* of what may start or change something */
    cab_again again_reading; /* of what only reads */
} answer_row;

static const answer_row ANSWERS[] = {
    {CAB_SAYS_BOTH, 0, INT_MAX, CAB_OUTCOME_UNKNOWN, CAB_AGAIN_NEVER, CAB_AGAIN_NEVER},
    {CAB_SAYS_BUSY, 0, INT_MAX, CAB_OUTCOME_NOT_STARTED, CAB_AGAIN_LATER, CAB_AGAIN_LATER},
    {CAB_SAYS_NOT_FORWARDED, 500, 599, CAB_OUTCOME_NOT_STARTED, CAB_AGAIN_LATER, CAB_AGAIN_LATER},
    {CAB_SAYS_TROUBLE, 200, 299, CAB_OUTCOME_UNKNOWN, CAB_AGAIN_NEVER, CAB_AGAIN_LATER},
    {CAB_SAYS_NOTHING, 401, 401, CAB_OUTCOME_NOT_STARTED, CAB_AGAIN_RENEWED, CAB_AGAIN_RENEWED},
    {CAB_SAYS_NOTHING, 408, 408, CAB_OUTCOME_UNKNOWN, CAB_AGAIN_NEVER, CAB_AGAIN_LATER},
    {CAB_SAYS_NOTHING, 429, 429, CAB_OUTCOME_NOT_STARTED, CAB_AGAIN_LATER, CAB_AGAIN_LATER},
    {CAB_SAYS_NOTHING, 460, 460, CAB_OUTCOME_UNKNOWN, CAB_AGAIN_NEVER, CAB_AGAIN_LATER},
    {CAB_SAYS_NOTHING, 499, 499, CAB_OUTCOME_UNKNOWN, CAB_AGAIN_NEVER, CAB_AGAIN_LATER},
    {CAB_SAYS_NOTHING, 400, 499, CAB_OUTCOME_NOT_STARTED, CAB_AGAIN_NEVER, CAB_AGAIN_NEVER},
    {CAB_SAYS_NOTHING, 307, 308, CAB_OUTCOME_NOT_STARTED, CAB_AGAIN_NEVER, CAB_AGAIN_NEVER},
    {CAB_SAYS_NOTHING, 500, 599, CAB_OUTCOME_UNKNOWN, CAB_AGAIN_NEVER, CAB_AGAIN_LATER},
    {CAB_SAYS_NOTHING, 0, INT_MAX, CAB_OUTCOME_UNKNOWN, CAB_AGAIN_NEVER, CAB_AGAIN_NEVER},
};

static void look_up(cab_verdict *v, cab_op_class op, cab_says says, int status) {
    const answer_row *r = ANSWERS;
    says = says == CAB_SAYS_NO_SUCH_API ? CAB_SAYS_NOT_FORWARDED : says;
    while ((r->says != CAB_SAYS_NOTHING && r->says != says) || status < r->from || status > r->to) {
        r++;
    }
    v->outcome = r->outcome;
    v->again = op == CAB_OP_READ ? r->again_reading : r->again;
}

/* ---- verdicts ------------------------------------------------------------------------------- */

/* No complete answer. */
static cab_verdict classify_broken(const cab_ending *ending) {
    cab_verdict v = {ending->broken, ending->reason, CAB_OUTCOME_NOT_STARTED, CAB_AGAIN_NEVER};
    bool refused_by_us =
        ending->reason == CAB_REASON_ENCODED || ending->reason == CAB_REASON_TOO_LARGE;
    if (ending->sent && refused_by_us && ending->status != 0) {
        /* After its head was read: the status still counts, and there is no body to say more. */
        look_up(&v, ending->op, CAB_SAYS_NOTHING, ending->status);
        return v;
    }
    if (ending->sent) {
        v.outcome = CAB_OUTCOME_UNKNOWN;
    }
    if (ending->broken != CAB_KIND_CONFIG && reason_is_transient(ending->reason) &&
        (ending->op == CAB_OP_READ || !ending->sent)) {
        v.again = CAB_AGAIN_LATER;
    }
    return v;
}

cab_verdict cab_classify(const cab_ending *ending) {
    if (ending->broken != CAB_KIND_NONE) {
        return classify_broken(ending);
    }
    cab_verdict v = {CAB_KIND_API, CAB_REASON_NONE, CAB_OUTCOME_STARTED, CAB_AGAIN_NEVER};
    bool good = ending->status >= 200 && ending->status < 300 && !ending->failed;
    if (good && ending->body_problem == CAB_REASON_NONE && !ending->kept) {
        v.kind = CAB_KIND_NONE;
        return v;
    }
    look_up(&v, ending->op, ending->says, ending->status);
    if (ending->says == CAB_SAYS_BUSY) {
        return v;
    }
    if (good) {
        v.kind = CAB_KIND_PROTOCOL;
        v.reason = ending->kept ? CAB_REASON_BAD_ANSWER : ending->body_problem;
    } else if (ending->status >= 300 && ending->status < 400) {
        v.kind = CAB_KIND_PROTOCOL;
        v.reason = CAB_REASON_REDIRECT;
    } else if (ending->status == 401 || ending->status == 403) {
        v.kind = CAB_KIND_AUTH;
    } else if (ending->status < 200 || ending->status >= 600) {
        v.kind = CAB_KIND_PROTOCOL;
        v.reason = CAB_REASON_BAD_HTTP;
    }
    return v;
}
