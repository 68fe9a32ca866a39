#include "lua/lua_headers.h"

#include <string.h>

#include "cab/locale.h"
#include "cab/pem.h"
#include "cab/secret.h"
#include "cab/texts.h"
#include "lua/compat.h"
#include "lua/lua_opts.h"
#include "lua/utf8.h"

/* In the place of a user; his name is shorter, or hidden for nothing. */
#define SHORTEST_KEY 12

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
    /* A part of "signed", "shipping", "machine", "task". */
    static const char *const words[] = {"otp", "sig", "pin", "sign", "mac", "digest", "sk"};
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

/* The password, and what may be a key in the place of the user: a long one, and any beside which
 * there is no password. */
static bool add_userinfo(cab_buf *out, const char *text, size_t len) {
    const char *colon = memchr(text, ':', len);
    const char *password = colon != NULL ? colon + 1 : text;
    size_t user_len = colon != NULL ? (size_t)(colon - text) : 0;
    size_t password_len = len - (size_t)(password - text);
    bool has_password = password_len >= CAB_SHORTEST_SECRET;
    size_t key_len = has_password ? SHORTEST_KEY : CAB_SHORTEST_SECRET;
    return (!has_password || cab_texts_add(out, password, password_len)) &&
           (user_len < key_len || cab_texts_add(out, text, user_len));
}

/* "user:password" in base64, which servers take without the fill at its end, too. */
static bool add_basic(cab_buf *out, cab_text base64) {
    cab_buf both = {NULL, 0, 0};
    while (base64.len > 0 && base64.data[base64.len - 1] == '=') {
        base64.len--;
    }
    bool ok = cab_buf_append(&both, base64.data, base64.len) &&
              cab_buf_append(&both, "===", -base64.len % 4) && cab_buf_append(&both, "", 1);
    cab_pem block = {.data = both.data, .len = both.len - 1};
    if (ok && cab_pem_decode(&block)) {
        ok = add_userinfo(out, block.data, block.len);
    }
    cab_buf_free(&both);
    return ok;
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* A value without the blanks around it, which HTTP leaves out. */
static cab_text trimmed(cab_text value) {
    while (value.len > 0 && is_blank(*value.data)) {
        value.data++;
        value.len--;
    }
    while (value.len > 0 && is_blank(value.data[value.len - 1])) {
        value.len--;
    }
    return value;
}

/* What a trimmed value of this scheme holds behind its name; no text: it is of another. */
static cab_text behind_scheme(cab_text value, const char *scheme) {
    size_t len = strlen(scheme);
    if (value.len <= len || !cab_same_n(value.data, scheme, len) || !is_blank(value.data[len])) {
        return (cab_text){NULL, 0};
    }
    return trimmed((cab_text){value.data + len, value.len - len});
}

/* The value of a telling header, and what is secret of it where it stands alone. */
static bool add_secrets(cab_buf *out, cab_text value) {
    value = trimmed(value);
    cab_text basic = behind_scheme(value, "Basic"), bearer = behind_scheme(value, "Bearer");
    return cab_texts_add(out, value.data, value.len) && (basic.len == 0 || add_basic(out, basic)) &&
           (bearer.len == 0 || cab_texts_add(out, bearer.data, bearer.len));
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
