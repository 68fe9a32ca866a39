#include "lua/lua_secrets.h"

#include <string.h>

#include "cab/texts.h"
#include "lua/lua_error.h"

static void add_all(cab_secrets *s, const cab_buf *texts) {
    for (const char *text = NULL; (text = cab_texts_next(texts, text)) != NULL;) {
        cab_secrets_add(s, text);
    }
}

static void add_credentials(cab_secrets *s, const cab_credentials *k) {
    if (k != NULL) {
        cab_secrets_add(s, cab_credentials_get_token(k));
        cab_secrets_add(s, k->sk);
        cab_secrets_add(s, k->security_token);
    }
}

/* Not one for which all of a text would be hidden that has nothing to do with it. */
static void add_starter(cab_secrets *s, const char *text) {
    if (text != NULL && strlen(text) >= CAB_SHORTEST_SECRET) {
        cab_secrets_add(s, text);
    }
}

static void add_client(cab_secrets *s, const cab_client *c) {
    if (c->options.identity != NULL) {
        add_credentials(s, c->options.identity->current);
    }
    add_all(s, &c->options.secrets);
    for (size_t i = 0; i < CAB_RECENT_CREDENTIALS; i++) {
        const cab_credentials *k = c->started_by.list[i];
        if (k != NULL) {
            add_starter(s, cab_credentials_get_token(k));
            add_starter(s, k->sk);
            add_starter(s, k->security_token);
        }
    }
}

void lcab_collect_secrets(const cab_call *c, cab_secrets *s) {
    memset(s, 0, sizeof *s);
    add_credentials(s, c->credentials);
    if (c->identity != NULL) {
        add_credentials(s, c->identity->current);
    }
    add_all(s, &c->secrets);
    cab_secrets_add(s, cab_call_signature(c));
    add_client(s, c->client);
}

void lcab_collect_client_secrets(const cab_client *c, cab_secrets *s) {
    memset(s, 0, sizeof *s);
    add_client(s, c);
}

size_t lcab_cut_length(const char *text, size_t len, size_t most) {
    if (len <= most) {
        return len;
    }
    while (most > 0 && ((unsigned char)text[most] & 0xc0) == 0x80) {
        most--;
    }
    return most;
}

/* Masked before it is cut: half a secret is one, too. What is far behind the cut costs nothing. */
void lcab_push_short(lua_State *L, const char *text, size_t len, size_t most,
                     const cab_secrets *secrets) {
    size_t looked_at = most + LCAB_LOOKED_BEYOND;
    len = lcab_cut_length(text, len, looked_at < LCAB_LOOKED_AT ? looked_at : LCAB_LOOKED_AT);
    lcab_push_masked(L, text, len, secrets);
    const char *masked = lua_tolstring(L, -1, &len);
    if (len > most) {
        lua_pushlstring(L, masked, lcab_cut_length(masked, len, most));
        lua_remove(L, -2);
    }
}
