/* What libcurl's codes mean: with what was sent, and what our own callbacks found. */
#include "cab/curl_error.h"

#include <string.h>

#include <curl/curl.h>

#include "unit.h"

static const struct {
    const char *what;
    cab_curl_failure failure;
    cab_kind kind;
    cab_reason reason;
    const char *field;
} ROWS[] = {
    {"refused", {CURLE_COULDNT_CONNECT, .why = ""}, CAB_KIND_TRANSPORT, CAB_REASON_CONNECT, ""},
    {"a name", {CURLE_COULDNT_RESOLVE_HOST, .why = ""}, CAB_KIND_TRANSPORT, CAB_REASON_RESOLVE, ""},
    {"a limit", {CURLE_OPERATION_TIMEDOUT, .why = ""}, CAB_KIND_TIMEOUT, CAB_REASON_TIMEOUT, ""},
    {"refused after it was sent",
     {CURLE_COULDNT_CONNECT, .why = "", .let_out = true, .sent = true, .once = true},
     CAB_KIND_TRANSPORT,
     CAB_REASON_CLOSED,
     ""},
    {"the same over HTTP/2",
     {CURLE_ABORTED_BY_CALLBACK, "", true, true, true, .multiplexes = true},
     CAB_KIND_TRANSPORT,
     CAB_REASON_HTTP2,
     ""},
    {"refused after it was let out",
     {CURLE_COULDNT_CONNECT, .why = "", .let_out = true, .once = true},
     CAB_KIND_TRANSPORT,
     CAB_REASON_CONNECT,
     ""},
    {"a reading that may come again",
     {CURLE_COULDNT_CONNECT, .why = "", .let_out = true, .sent = true},
     CAB_KIND_TRANSPORT,
     CAB_REASON_CONNECT,
     ""},
    {"RST", {CURLE_RECV_ERROR, .why = "Recv failure"}, CAB_KIND_TRANSPORT, CAB_REASON_RESET, ""},
    {"a bad chunk",
     {CURLE_RECV_ERROR, .why = "bad chunk"},
     CAB_KIND_PROTOCOL,
     CAB_REASON_BAD_HTTP,
     ""},
    {"a key",
     {CURLE_SSL_CERTPROBLEM, .why = "unable to set private key file: 'x'"},
     CAB_KIND_CONFIG,
     CAB_REASON_TLS_CONFIG,
     "tls.key_file"},
    {"a certificate",
     {CURLE_SSL_CERTPROBLEM, .why = "could not load PEM"},
     CAB_KIND_CONFIG,
     CAB_REASON_TLS_CONFIG,
     "tls.cert_file"},
    {"a proxy that wants a password",
     {CURLE_RECV_ERROR, .why = "", .connect_status = 407},
     CAB_KIND_CONFIG,
     CAB_REASON_PROXY,
     "proxy"},
    {"a proxy that cannot",
     {CURLE_RECV_ERROR, .why = "", .connect_status = 502},
     CAB_KIND_TRANSPORT,
     CAB_REASON_PROXY,
     ""},
    {"memory", {CURLE_OUT_OF_MEMORY, .why = ""}, CAB_KIND_MEMORY, CAB_REASON_NONE, ""},
    {"our own memory",
     {CURLE_WRITE_ERROR, "", true, true, true, .no_memory = true},
     CAB_KIND_MEMORY,
     CAB_REASON_NONE,
     ""},
    {"a URL that could not be copied",
     {CURLE_URL_MALFORMAT, .why = "No URL set"},
     CAB_KIND_MEMORY,
     CAB_REASON_NONE,
     ""},
    {"a long line, before 8.6",
     {CURLE_OUT_OF_MEMORY, "", true, .sent = true},
     CAB_KIND_PROTOCOL,
     CAB_REASON_TOO_LARGE,
     ""},
    {"encoded",
     {CURLE_WRITE_ERROR, "", true, true, true, .encoded = true},
     CAB_KIND_PROTOCOL,
     CAB_REASON_ENCODED,
     ""},
    {"too large",
     {CURLE_WRITE_ERROR, "", true, true, true, .too_large = 9},
     CAB_KIND_PROTOCOL,
     CAB_REASON_TOO_LARGE,
     ""},
    {"a code of another time", {99, .why = ""}, CAB_KIND_TRANSPORT, CAB_REASON_INTERNAL, ""},
};

int main(void) {
    for (size_t i = 0; i < COUNT(ROWS); i++) {
        cab_error err;
        cab_curl_error(&ROWS[i].failure, &err);
        CHECK(ROWS[i].what, err.kind == ROWS[i].kind && err.reason == ROWS[i].reason);
        CHECK(ROWS[i].what, strcmp(err.field, ROWS[i].field) == 0);
        CHECK(ROWS[i].what, err.message[0] != '\0');
    }
    static const char *const alerts[] = {"unknown ca", NULL};
    for (size_t i = 0; i < COUNT(alerts); i++) {
        cab_error err;
        cab_curl_refusal(alerts[i], &err);
        CHECK("a refusal", err.kind == CAB_KIND_TRANSPORT &&
                               err.reason == CAB_REASON_TLS_HANDSHAKE &&
                               strstr(err.message, "client's certificate") != NULL);
        CHECK("its alert", (strstr(err.message, "unknown ca") != NULL) == (alerts[i] != NULL));
    }
    return failures > 0;
}
