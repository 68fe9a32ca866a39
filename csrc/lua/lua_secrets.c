#include "lua/lua_secrets.h"

#include <string.h>

#include "cab/texts.h"
#include "lua/compat.h"
#include "lua/lua_error.h"
#include "lua/lua_meta.h"

/* Access keys of the service have 20 bytes and ids of projects 32; secret keys have 40. */
#define LONGEST_TOLD 32

/* Its address is that of a weak table: answer, or what is made of one -> list of texts. */
static const char KEPT = 0;

static void add_all(cab_secrets *s, const cab_buf *texts) {
    for (const char *text = NULL; (text = cab_texts_next(texts, text)) != NULL;) {
        cab_secrets_add(s, text);
    }
}

/* An access key and the id of a project are told. What is too long for one may be the secret key in
 * its place. */
static void add_too_long(cab_secrets *s, const cab_credentials *k) {
    const char *const told[] = {k->ak, k->project_id};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        if (told[i] != NULL && strlen(told[i]) > LONGEST_TOLD) {
            cab_secrets_add(s, told[i]);
        }
    }
}

static void add_credentials(cab_secrets *s, const cab_credentials *k) {
    if (k != NULL) {
        cab_secrets_add_known(s, cab_credentials_get_token(k), k->grams);
        add_too_long(s, k);
        cab_secrets_add_known(s, k->sk, k->grams);
        cab_secrets_add_known(s, k->security_token, k->grams);
    }
}

/* Not one for which all of a text would be hidden that has nothing to do with it. */
static void add_earlier(cab_secrets *s, const char *text, const struct cab_grams *grams) {
    if (text != NULL && strnlen(text, CAB_SHORTEST_SECRET) == CAB_SHORTEST_SECRET) {
        cab_secrets_add_known(s, text, grams);
    }
}

static void add_recent(cab_secrets *s, const cab_recent *recent) {
    for (size_t i = 0; i < CAB_RECENT_CREDENTIALS && recent->list[i] != NULL; i++) {
        const cab_credentials *k = recent->list[i];
        add_earlier(s, cab_credentials_get_token(k), k->grams);
        add_too_long(s, k);
        add_earlier(s, k->sk, k->grams);
        add_earlier(s, k->security_token, k->grams);
    }
}

static void add_identity(cab_secrets *s, const cab_identity *i) {
    if (i != NULL) {
        add_credentials(s, i->current);
        add_recent(s, &i->past);
    }
}

static void add_client(cab_secrets *s, const cab_client *c) {
    add_identity(s, c->options.identity);
    add_all(s, &c->options.secrets);
    add_recent(s, &c->of_calls);
    add_identity(s, c->store);
}

void lcab_collect_secrets(const cab_call *c, cab_secrets *s) {
    cab_secrets_clear(s);
    add_credentials(s, c->credentials);
    if (c->identity != c->client->options.identity) {
        add_identity(s, c->identity);
    }
    /* Before what the call names itself: of that, a sign-in's requests name what has grams here. */
    add_client(s, c->client);
    add_all(s, &c->secrets);
    cab_secrets_add(s, cab_call_signature(c));
}

void lcab_collect_client_secrets(const cab_client *c, cab_secrets *s) {
    cab_secrets_clear(s);
    add_client(s, c);
}

/* Keeps them beside the table on top of the stack. */
static void keep(lua_State *L, const cab_secrets *secrets) {
    lcab_kept(L, &KEPT);
    lua_pushvalue(L, -2);
    lua_createtable(L, (int)secrets->count, 0);
    for (size_t i = 0; i < secrets->count; i++) {
        lua_pushstring(L, secrets->text[i]);
        lcab_rawseti(L, -2, i + 1);
    }
    if (secrets->too_many) { /* still one more than there is room for */
        lua_pushliteral(L, "\001 one more");
        lcab_rawseti(L, -2, secrets->count + 1);
    }
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

void lcab_remember_secrets(lua_State *L, const cab_call *c) {
    cab_secrets secrets;
    lcab_collect_secrets(c, &secrets);
    keep(L, &secrets);
}

void lcab_add_kept_secrets(lua_State *L, int index, cab_secrets *s) {
    lcab_kept(L, &KEPT);
    lua_pushvalue(L, index);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    if (lua_istable(L, -1)) {
        lcab_read_secrets(L, lua_gettop(L), s);
    }
    if (lcab_push_signature(L, index)) {
        cab_secrets_add(s, lua_tostring(L, -1));
    }
}

/* core.came_with(table, answer) -> the table, made of what that answer says, or after it: what the
 * call of the answer knew is known of the table, too. */
static int came_with(lua_State *L) {
    cab_secrets secrets = {0};
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    lcab_add_kept_secrets(L, 1, &secrets);
    lcab_add_kept_secrets(L, 2, &secrets);
    lua_pushvalue(L, 1);
    if (secrets.count > 0) {
        keep(L, &secrets);
    }
    return 1;
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
    static const char ellipsis[] = "\xe2\x80\xa6"; /* cab_secrets knows it, too */
    size_t looked_at = most + LCAB_LOOKED_BEYOND, whole = len;
    len = lcab_cut_length(text, len, looked_at < LCAB_LOOKED_AT ? looked_at : LCAB_LOOKED_AT);
    bool cut = len < whole;
    lcab_push_masked(L, text, len, secrets);
    const char *masked = lua_tolstring(L, -1, &len);
    if (cut || len > most) {
        lua_pushlstring(L, masked, lcab_cut_length(masked, len, most - strlen(ellipsis)));
        lua_pushstring(L, ellipsis);
        lua_concat(L, 2);
        lua_remove(L, -2);
    }
}

void lcab_secrets_open(lua_State *L) {
    lcab_newweak(L, "k");
    lcab_keep(L, &KEPT);
    lua_pushcfunction(L, came_with);
    lua_setfield(L, -2, "came_with");
}
