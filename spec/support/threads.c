/* Runs a Lua script in several threads at once, each with a Lua state of its own, several times:
 * threads SCRIPT THREADS ROUNDS ARGUMENT. The script gets the argument and the thread's number. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    pthread_t thread;
    const char *script, *argument;
    int number, rounds;
    int failed;
} worker;

static void *work(void *ud) {
    worker *w = ud;
    for (int i = 0; i < w->rounds && !w->failed; i++) {
        lua_State *L = luaL_newstate();
        luaL_openlibs(L);
        if (luaL_loadfile(L, w->script) == 0) {
            lua_pushstring(L, w->argument);
            lua_pushinteger(L, w->number);
            w->failed = lua_pcall(L, 2, 0, 0) != 0;
        } else {
            w->failed = 1;
        }
        if (w->failed) {
            lua_getglobal(L, "tostring");
            lua_insert(L, -2);
            (void)lua_pcall(L, 1, 1, 0);
            const char *why = lua_tostring(L, -1);
            fprintf(stderr, "thread %d: %s\n", w->number, why != NULL ? why : "?");
        }
        lua_close(L);
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 5) {
        return 2;
    }
    int n = atoi(argv[2]), failed = 0;
    worker *workers = calloc((size_t)n, sizeof *workers);
    if (workers == NULL) {
        return 2;
    }
    for (int i = 0; i < n; i++) {
        workers[i].script = argv[1];
        workers[i].argument = argv[4];
        workers[i].number = i + 1;
        workers[i].rounds = atoi(argv[3]);
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            return 2;
        }
    }
    for (int i = 0; i < n; i++) {
        pthread_join(workers[i].thread, NULL);
        failed += workers[i].failed;
    }
    free(workers);
    printf("%d threads, %d failed\n", n, failed);
    return failed > 0;
}
