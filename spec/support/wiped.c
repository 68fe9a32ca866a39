/* Runs requests full of secrets on the core, without Lua, and then looks for them in all of its own
 * memory. Arguments: the URL of a server that answers 401 and repeats the token; libcurl's own
 * memory lies in an arena that is not looked at. Prints for each moment how many secrets were
 * found. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <curl/curl.h>

#include "cab/client.h"

/* ---- libcurl's memory ----------------------------------------------------------------------- */

#define ARENA (256u << 20)
#define GUARD 65536u
#define PIECE 1048576u
static char *arena;
static size_t used;

static void *take(size_t size) {
    size_t at = used;
    used += (size + 31) & ~(size_t)15;
    if (used > ARENA) {
        abort();
    }
    memcpy(arena + at, &size, sizeof size);
    return arena + at + 16;
}

static void give(void *p) { (void)p; }

static void *take_zeroed(size_t n, size_t size) { return take(n * size); /* fresh pages are */ }

static void *take_again(void *p, size_t size) {
    void *copy = take(size);
    if (p != NULL) {
        size_t old;
        memcpy(&old, (char *)p - 16, sizeof old);
        memcpy(copy, p, old < size ? old : size);
    }
    return copy;
}

static char *take_text(const char *text) {
    size_t len = strlen(text) + 1;
    return memcpy(take(len), text, len);
}

/* ---- secrets -------------------------------------------------------------------------------- */

/* Kept with one bit turned, so that the list itself is not found. */
static const char *const NAMES[] = {"token", "sk", "security", "body", "header", "masked", "key"};
enum { COUNT = sizeof NAMES / sizeof *NAMES, LENGTH = 40 };

static char turned(int which, int i) {
    unsigned n = (unsigned)(which * LENGTH + i + 1) * 2654435761u;
    return (char)(('a' + (n >> 16) % 26) ^ 1);
}

/* Into memory that is wiped by `forget`. */
static char text[LENGTH + 1];
static const char *secret(int which) {
    for (int i = 0; i < LENGTH; i++) {
        ((volatile char *)text)[i] = (char)(turned(which, i) ^ 1);
    }
    return text;
}
static void forget(void) { cab_wipe(text, sizeof text); }

/* The later part will do: what is freed loses its first bytes to the allocator. */
static int hits(const char *from, const char *to, int which) {
    int n = 0;
    char last = (char)(turned(which, LENGTH - 1) ^ 1);
    for (const char *p = from; (p = memchr(p, last, (size_t)(to - p))) != NULL; p++) {
        int i = LENGTH - 2;
        while (i >= 16 && p - from > LENGTH && (char)(p[i - LENGTH + 1] ^ 1) == turned(which, i)) {
            i--;
        }
        n += i < 16;
    }
    return n;
}

/* By way of a copy in the arena: a sanitizer minds looking at what is freed. */
static void look_at(unsigned long from, unsigned long to, int found[COUNT]) {
    static char *copy;
    int memory = open("/proc/self/mem", O_RDONLY);
    copy = copy != NULL ? copy : take(PIECE + LENGTH);
    for (; from < to; from += PIECE) {
        size_t len = to - from < PIECE + LENGTH ? to - from : PIECE + LENGTH;
        ssize_t got = pread(memory, copy, len, (off_t)from);
        for (int i = 0; got > 0 && i < COUNT; i++) {
            found[i] += hits(copy, copy + got, i);
        }
    }
    close(memory);
}

static void look(const char *moment) {
    char line[512];
    int found[COUNT] = {0};
    forget();
    FILE *maps = fopen("/proc/self/maps", "r");
    if (maps == NULL) {
        abort();
    }
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        char mode[5];
        if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) != 3 || strncmp(mode, "rw", 2) != 0 ||
            (from <= (unsigned long)arena && (unsigned long)arena < to) || to - from > ARENA ||
            strstr(line, "[stack]") != NULL) {
            continue; /* libcurl wipes no stack; the largest maps are the shadow of a sanitizer */
        }
        look_at(from, to, found);
    }
    fclose(maps);
    printf("%s:", moment);
    for (int i = 0; i < COUNT; i++) {
        if (found[i] > 0) {
            printf(" %s", NAMES[i]);
        }
    }
    printf("\n");
}

/* ---- requests ------------------------------------------------------------------------------- */

static void line(cab_buf *b, const char *name, int which) {
    (void)cab_buf_puts(b, name);
    (void)cab_buf_append(b, secret(which), LENGTH + 1);
}

/* Both on its way and at its end is everything there that a call can have. */
static void run(cab_client *c, cab_identity *identity, int size, const char *moment) {
    cab_call *call = cab_client_acquire(c);
    snprintf(call->operation, sizeof call->operation, "RunJob");
    snprintf(call->method, sizeof call->method, "POST");
    call->op = CAB_OP_START;
    cab_identity_unref(call->identity);
    call->identity = identity;
    (void)cab_buf_puts(&call->path, "/v3/jobs/build");
    while (call->body.len < (size_t)size) {
        line(&call->body, "", 3);
    }
    call->has_body = true;
    line(&call->headers, "X-Secret: ", 4);
    line(&call->secrets, "", 5);
    cab_client_submit(c, call);
    cab_budget budget;
    cab_budget_begin(&budget, false);
    while (call->state != CAB_CALL_DONE) {
        const cab_reading body = {0};
        cab_client_step(c, 1000, &budget);
        while (cab_client_next_answered(c) != NULL) {
            if (cab_client_judge(c, call, &body)) {
                const cab_answer *a = cab_call_answer(call);
                printf("status %d, %s\n", a->status, a->body.len > 0 ? "with a body" : "empty");
                cab_client_finish(c, call);
            }
        }
    }
    cab_client_release(c, call);
    look(moment);
    /* The call lies among the spare ones; what it keeps is small. */
    if (call->body.cap > 65536) {
        printf("its body is kept\n");
    }
}

static cab_identity *by_token(void) { return cab_identity_fixed(cab_credentials_token(secret(0))); }

static cab_identity *by_key(void) {
    char sk[LENGTH + 1], security[LENGTH + 1];
    memcpy(sk, secret(1), sizeof sk);
    memcpy(security, secret(2), sizeof security);
    cab_identity *i = cab_identity_fixed(cab_credentials_keys("FAKEAK", sk, security, NULL));
    cab_wipe(sk, sizeof sk);
    cab_wipe(security, sizeof security);
    return i;
}

int main(int argc, char **argv) {
    cab_error err;
    /* With something around it that keeps the kernel from making it one with other memory. */
    arena = mmap(NULL, ARENA + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                 -1, 0);
    if (arena == MAP_FAILED || mprotect(arena += GUARD, ARENA, PROT_READ | PROT_WRITE) != 0) {
        return 1;
    }
    if (argc != 2 ||
        curl_global_init_mem(CURL_GLOBAL_DEFAULT, take, give, take_again, take_text, take_zeroed)) {
        return 1;
    }
    cab_client_options o;
    memset(&o, 0, sizeof o);
    o.endpoint_count = 1;
    o.timeout = o.connect_timeout = 10;
    o.retry.max_attempts = 1;
    o.max_response_bytes = 1 << 20;
    o.max_connections = 4;
    o.proxy_loopback = true;
    cab_engine_options e;
    memset(&e, 0, sizeof e);
    e.trust.tls_minor = 2;
    e.max_connections = 4;
    e.idle_timeout_s = 30;
    e.trust.key_password = secret(6);
    if (!cab_endpoint_parse(&o.endpoints[0], argv[1], strlen(argv[1]), &err)) {
        return 1;
    }
    cab_client *c = cab_client_new(&o, &e, &err);
    if (c == NULL) {
        return 1;
    }
    look("a client");
    run(c, by_token(), 1, "a call with a token");
    run(c, by_key(), 1000, "a call with a key");
    run(c, by_token(), 100000, "a large call");
    cab_client_free(c);
    look("nothing");
    return 0;
}
