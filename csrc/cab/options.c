#include "cab/options.h"

bool cab_client_options_want_tls(const cab_client_options *o) {
    bool https = false;
    for (size_t i = 0; i < o->endpoint_count; i++) {
        https = https || o->endpoints[i].https;
    }
    return https;
}

void cab_client_options_free(cab_client_options *o) {
    for (size_t i = 0; i < o->endpoint_count; i++) {
        cab_endpoint_free(&o->endpoints[i]);
    }
    o->endpoint_count = 0;
    cab_identity_unref(o->identity);
    o->identity = NULL;
    cab_buf_free(&o->headers);
    cab_buf_free(&o->secrets);
}
