/* What specs need of libcrypto that luaossl does not offer. */
#include <lauxlib.h>
#include <lua.h>

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

int luaopen_pem(lua_State *L);

/* hash(certificate) -> the name, without ".0", by which a folder of trusted certificates has it */
static int hash(lua_State *L) {
    FILE *file = fopen(luaL_checkstring(L, 1), "r");
    X509 *certificate = file != NULL ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    if (file != NULL) {
        (void)fclose(file);
    }
    if (certificate == NULL) {
        return luaL_error(L, "no certificate");
    }
    char text[17];
    (void)snprintf(text, sizeof text, "%08lx", X509_subject_name_hash(certificate));
    X509_free(certificate);
    lua_pushstring(L, text);
    return 1;
}

/* lock(key, to, password) writes the private key once more, encrypted. */
static int lock(lua_State *L) {
    FILE *file = fopen(luaL_checkstring(L, 1), "r");
    EVP_PKEY *key = file != NULL ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
    if (file != NULL) {
        (void)fclose(file);
    }
    size_t len;
    const char *password = luaL_checklstring(L, 3, &len);
    FILE *to = key != NULL ? fopen(luaL_checkstring(L, 2), "w") : NULL;
    int ok = to != NULL && PEM_write_PKCS8PrivateKey(to, key, EVP_aes_256_cbc(), password, (int)len,
                                                     NULL, NULL) == 1;
    EVP_PKEY_free(key);
    if (to != NULL) {
        (void)fclose(to);
    }
    return ok ? 0 : luaL_error(L, "no key");
}

int luaopen_pem(lua_State *L) {
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, hash);
    lua_setfield(L, -2, "hash");
    lua_pushcfunction(L, lock);
    lua_setfield(L, -2, "lock");
    return 1;
}
