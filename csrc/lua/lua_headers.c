#include "lua/lua_headers.h"

#include <string.h>

#include "cab/locale.h"
#include "cab/pem.h"
#include "cab/texts.h"
#include "lua/compat.h"
#include "lua/lua_opts.h"
#include "lua/utf8.h"

static bool is_ours(const char *name) {
    static const char *const names[] = {"Host",
                                        "Content-Length",
                                        "Transfer-Encoding",
                                        "Connection",
                                        "Expect",
                                        "Accept-Encoding",
                                        "Authorization",
                                        "X-Auth-Token",
                                        "X-Sdk-Date",
                                        "X-Sdk-Content-Sha256",
                                        "X-Security-Token",
                                        "X-Project-Id",
                                        "Proxy-Authorization",
                                        "Proxy-Connection",
                                        "Keep-Alive",
                                        "Upgrade",
                                        "TE",
                                        "Trailer",
                                        "Content-Encoding"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (cab_same(name, names[i])) {
            return true;
        }
    }
    return false;
}

static bool holds_name(const cab_buf *lines, const char *name, size_t len) {
    for (const char *line = NULL; (line = cab_texts_next(lines, line)) != NULL;) {
        if (cab_same_n(line, name, len) && line[len] == ':') {
            return true;
        }
    }
    return false;
}

/* Quickly, since hardly any part of a name does. */
static bool begins_with(const char *text, const char *part) {
    return (text[0] | 32) == part[0] && cab_same_n(text, part, strlen(part));
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool lcab_is_telling(cab_text name) {
    static const char *const parts[] = {
        "token",     "secret",     "key",      "pass",       "auth", "cookie",
        "session",   "credential", "jwt",      "bearer",     "dpop", "pwd",
        "ticket",    "hmac",       "csrf",     "xsrf",       "saml", "signature",
        "assertion", "appcode",    "app-code", "access-code"};
    static const char *const words[] = {"otp", "sig", "pin"}; /* a part of "signed", "shipping" */
    for (size_t at = 0; at < name.len; at++) {
        const char *p = name.data + at;
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            if (begins_with(p, parts[i])) {
                return true;
            }
        }
        for (size_t i = 0; i < sizeof words / sizeof *words && (at == 0 || !is_letter(p[-1]));
             i++) {
            if (begins_with(p, words[i]) && !is_letter(p[strlen(words[i])])) {
                return true;
            }
        }
    }
    return false;
}

bool lcab_holds_telling(const cab_buf *lines) {
    for (const char *line = NULL; (line = cab_texts_next(lines, line)) != NULL;) {
        if (lcab_is_telling((cab_text){line, strcspn(line, ":")})) {
            return true;
        }
    }
    return false;
}

/* The password in "user:password", which is sent in base64. */
static bool add_password(cab_buf *out, const char *base64) {
    cab_buf both = {NULL, 0, 0};
    bool ok = cab_buf_puts(&both, base64);
    cab_pem block = {.data = both.data, .len = both.len};
    if (ok && cab_pem_decode(&block)) {
        const char *colon = memchr(block.data, ':', block.len);
        block.data[block.len] = '\0';
        ok = colon == NULL || cab_texts_add(out, colon + 1, strlen(colon + 1));
    }
    cab_buf_free(&both);
    return ok;
}

/* The value of a telling header, and what is secret of it where it stands alone. */
static bool add_secrets(cab_buf *out, cab_text value) {
    if (!cab_texts_add(out, value.data, value.len)) {
        return false;
    }
    if (cab_same_n(value.data, "Basic ", 6)) {
        return add_password(out, value.data + 6);
    }
    return !cab_same_n(value.data, "Bearer ", 7) ||
           cab_texts_add(out, value.data + 7, value.len - 7);
}

void lcab_read_headers(lua_State *L, int index, const lcab_where *where, bool trusted,
                       cab_buf *lines, cab_buf *secrets) {
    lcab_where inner = {"headers.", where->starts_build};
    int type = lcab_getfield(L, index, "headers");
    if (type != LUA_TNIL && type != LUA_TTABLE) {
        lcab_bad(L, where, "headers", "must be a map of names to values");
    }
    int count = 0;
    if (type == LUA_TTABLE) {
        lua_pushnil(L);
    }
    for (; type == LUA_TTABLE && lua_next(L, -2); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) {
            lcab_bad(L, where, "headers", "must be a map of names to values");
        }
        cab_text name, value;
        name.data = lua_tolstring(L, -2, &name.len);
        if (!cab_text_is_token(name) || name.len > 64) {
            lcab_bad(L, where, "headers", "a name is not that of a header");
        }
        if (lua_type(L, -1) != LUA_TSTRING) {
            lcab_bad(L, &inner, name.data, "must be a string, not %s", luaL_typename(L, -1));
        }
        value.data = lua_tolstring(L, -1, &value.len);
        lcab_check_line(L, &inner, name.data, value, true);
        if (!lcab_utf8_valid(value.data, value.len)) {
            lcab_bad(L, &inner, name.data, "must be valid UTF-8");
        }
        if (value.len > 32768 || strspn(value.data, " \t") == value.len) {
            /* libcurl takes a blank one for the wish to leave the header out. */
            lcab_bad(L, &inner, name.data,
                     "must have from 1 to 32768 bytes, not all of them blank");
        }
        if (!trusted && is_ours(name.data)) {
            lcab_bad(L, &inner, name.data, "is set by the library");
        }
        if (holds_name(lines, name.data, name.len)) {
            lcab_bad(L, &inner, name.data, "is given twice");
        }
        if (++count > 32) {
            lcab_bad(L, where, "headers", "more than 32");
        }
        if (!cab_buf_append(lines, name.data, name.len) || !cab_buf_append(lines, ": ", 2) ||
            !cab_buf_append(lines, value.data, value.len + 1) ||
            (lcab_is_telling(name) && !add_secrets(secrets, value))) {
            lcab_raise_memory(L);
        }
    }
    lua_pop(L, 1);
}
