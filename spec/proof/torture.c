/* Runs the cases of torture.lua again and again, each time with another allocation that fails: the
 * first, the second, … until a run needs fewer. Each run is a forked child, so a crash or a stuck
 * call ends only itself.
 *
 *   torture torture.lua [CASE [MODE [N]]]     JOBS=2 in the environment: children at once
 *
 * The modes:
 *   collect  Lua's n-th allocation fails once: Lua 5.2 and later collect everything and try again
 *   lua      Lua's n-th allocation fails, that second try included
 *   lua-all  it and every later one, until the case has returned
 *   c        the n-th of our own C code and of libcurl
 *   c-all    it and every later one
 *
 * After each run memory is back: the case's calls must then end, its client work, and everything be
 * free at the end. Our code's malloc is caught by the linker (--wrap), libcurl's by
 * curl_global_init_mem. OpenSSL and lua-cjson keep theirs: lua-cjson ends the process without it.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <curl/curl.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lua/compat.h"
#include "torture_server.h"

int luaopen_codearts_build_core(lua_State *L);

/* ---- allocations ---------------------------------------------------------------------------- */

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);
CURLcode __real_curl_global_init(long flags);

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);
CURLcode __wrap_curl_global_init(long flags);

typedef enum { COLLECT, LUA, LUA_ALL, C, C_ALL, MODES } mode;
static const char *const MODE_NAMES[MODES] = {"collect", "lua", "lua-all", "c", "c-all"};

/* Of the sanitizers, if this is built with them. */
#pragma weak __sanitizer_print_stack_trace
void __sanitizer_print_stack_trace(void);
#ifdef COVERAGE /* make coverage */
void __gcov_dump(void);
#else
#define __gcov_dump() ((void)0)
#endif

static mode current;
static bool told_where; /* with N: the failing allocation is shown */
static bool armed;
static long count, fail_at;
static size_t again;                     /* the size of the one that Lua will try a second time */
static long lua_live, c_live, curl_live; /* blocks; libcurl has a thread for look-ups */

static bool fails(bool from_lua, size_t size) {
    if (!armed || from_lua != (current <= LUA_ALL)) {
        return false;
    }
    if (from_lua && again == size) {
        again = 0;
        return current == LUA;
    }
    long n = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
    if (n == fail_at) {
        again = size;
        if (told_where && __sanitizer_print_stack_trace != NULL) {
            __sanitizer_print_stack_trace();
        }
    }
    return n == fail_at || (n > fail_at && (current == LUA_ALL || current == C_ALL));
}

/* One family of functions over one count. */
static void *take(long *live, void *p) {
    if (p != NULL) {
        __atomic_add_fetch(live, 1, __ATOMIC_RELAXED);
    }
    return p;
}

static void *grow(long *live, void *p, size_t n) {
    if (fails(false, n)) {
        return NULL;
    }
    return p == NULL ? take(live, __real_malloc(n)) : __real_realloc(p, n);
}

static void give(long *live, void *p) {
    if (p != NULL) {
        __atomic_sub_fetch(live, 1, __ATOMIC_RELAXED);
        __real_free(p);
    }
}

void *__wrap_malloc(size_t n) { return fails(false, n) ? NULL : take(&c_live, __real_malloc(n)); }
void *__wrap_calloc(size_t c, size_t n) {
    return fails(false, n) ? NULL : take(&c_live, __real_calloc(c, n));
}
void *__wrap_realloc(void *p, size_t n) { return grow(&c_live, p, n); }
void __wrap_free(void *p) { give(&c_live, p); }

static void *curl_malloc(size_t n) {
    return fails(false, n) ? NULL : take(&curl_live, __real_malloc(n));
}
static void *curl_calloc(size_t c, size_t n) {
    return fails(false, n) ? NULL : take(&curl_live, __real_calloc(c, n));
}
static void *curl_realloc(void *p, size_t n) { return grow(&curl_live, p, n); }
static void curl_give(void *p) { give(&curl_live, p); }
static char *curl_copy(const char *s) {
    size_t n = strlen(s) + 1;
    char *copy = curl_malloc(n);
    if (copy != NULL) {
        memcpy(copy, s, n);
    }
    return copy;
}

CURLcode __wrap_curl_global_init(long flags) {
    return curl_global_init_mem(flags, curl_malloc, curl_give, curl_realloc, curl_copy,
                                curl_calloc);
}

static void *lua_memory(void *ud, void *p, size_t old, size_t n) {
    (void)ud;
    if (n == 0) {
        if (p != NULL) {
            lua_live--;
            __real_free(p);
        }
        return NULL;
    }
    if ((p == NULL || n > old) && fails(true, n)) { /* Lua takes it that shrinking never fails */
        return NULL;
    }
    lua_live += p == NULL;
    return __real_realloc(p, n);
}

/* ---- one run -------------------------------------------------------------------------------- */

static int l_serve(lua_State *L) {
    torture_server_serve(luaL_checkstring(L, 1));
    return 0;
}

static int l_builds(lua_State *L) {
    lua_pushinteger(L, torture_server_builds());
    return 1;
}

static int with_traceback(lua_State *L) {
#if LUA_VERSION_NUM >= 502
    if (lua_type(L, 1) == LUA_TSTRING) {
        luaL_traceback(L, L, lua_tostring(L, 1), 1);
        return 1;
    }
#endif
    lua_getglobal(L, "tostring");
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

/* Pushes the module `torture.lua`; ends the process when that fails. */
static lua_State *new_state(const char *path) {
    static const luaL_Reg functions[] = {{"serve", l_serve}, {"builds", l_builds}, {NULL, NULL}};
    lua_State *L = lua_newstate(lua_memory, NULL);
    luaL_openlibs(L);
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "preload");
    lua_pushcfunction(L, luaopen_codearts_build_core);
    lua_setfield(L, -2, "codearts.build.core");
    lua_settop(L, 0);
    lua_newtable(L);
    for (const luaL_Reg *f = functions; f->name != NULL; f++) {
        lua_pushcfunction(L, f->func);
        lua_setfield(L, -2, f->name);
    }
    lua_setglobal(L, "server");
    if (luaL_loadfile(L, path) != 0 || lua_pcall(L, 0, 1, 0) != 0) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        exit(2);
    }
    return L;
}

/* Calls the case's function `name` with the table at 3 and what lies above `args`. */
static bool call_checked(lua_State *L, const char *name, int args) {
    int at = lua_gettop(L) - args + 1;
    lua_pushcfunction(L, with_traceback);
    lua_insert(L, at);
    lua_getfield(L, 1, name);
    lua_insert(L, at + 1);
    lua_pushvalue(L, 2);
    lua_insert(L, at + 2);
    lua_pushvalue(L, 3);
    lua_insert(L, at + 3);
    if (lua_pcall(L, args + 2, 0, at) != 0) {
        fprintf(stderr, "%s: %s\n", name, lua_tostring(L, -1));
        return false;
    }
    lua_settop(L, at - 1);
    return true;
}

enum { PASSED = 0, FAILED = 2, NOT_REACHED = 3 }; /* 1 is a sanitizer's */

/* The stack: 1 the module, 2 the case, 3 what it keeps between its parts. */
static int run_once(lua_State *L, int index, int n) {
    alarm(20); /* a stuck call ends here */
    fail_at = n;
    int port = torture_server_start();
    lua_rawgeti(L, 2, index);
    lua_replace(L, 2);
    lua_newtable(L);
    lua_pushinteger(L, port);
    lua_setfield(L, -2, "port");
    if (!call_checked(L, "before", 0)) {
        return FAILED;
    }
    lua_getfield(L, 2, "body");
    lua_pushvalue(L, 3);
    armed = true;
    int rc = lua_pcall(L, 1, 0, 0);
    armed = false;
    bool reached = count >= fail_at;
    lua_pushboolean(L, rc == 0);
    lua_insert(L, 4);
    if (rc == 0) {
        lua_pushnil(L);
    }
    lua_pushboolean(L, reached);
    if (!call_checked(L, "after", 3)) {
        return FAILED;
    }
    lua_close(L);
    if (lua_live != 0) {
        fprintf(stderr, "%ld blocks of Lua left\n", lua_live);
        return FAILED;
    }
    curl_global_cleanup();
    if (c_live != 0) {
        fprintf(stderr, "%ld blocks of C left\n", c_live);
        return FAILED;
    }
    /* libcurl 7.88 itself loses a few when it has no memory for the key of a connection. */
    if (curl_live != 0 && (current < C || !reached || curl_live > 4)) {
        fprintf(stderr, "%ld blocks of libcurl left\n", curl_live);
        return FAILED;
    }
    return reached ? PASSED : NOT_REACHED;
}

/* ---- all runs ------------------------------------------------------------------------------- */

enum { MANY = 5 }; /* failures of one case that tell enough */

static int jobs = 2;
static long runs, failures;

typedef struct {
    pid_t pid;
    int n;
} child;

static bool judge(const char *name, int n, int status) {
    if (WIFEXITED(status) &&
        (WEXITSTATUS(status) == PASSED || WEXITSTATUS(status) == NOT_REACHED)) {
        runs++;
        return WEXITSTATUS(status) == PASSED;
    }
    failures++;
    fprintf(stderr, "FAILED: %s %s %d (%s %d)\n", name, MODE_NAMES[current], n,
            WIFSIGNALED(status) ? "signal" : "exit status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return true;
}

static void run_case(lua_State *L, int index, const char *name, int only) {
    child children[16] = {{0, 0}};
    int open = 0;
    bool more = true;
    long before = failures;
    for (int n = only > 0 ? only : 1; more || open > 0;) {
        for (int i = 0; i < jobs && more; i++) {
            if (children[i].pid == 0) {
                (void)fflush(NULL);
                children[i].n = n;
                children[i].pid = fork();
                if (children[i].pid == 0) {
                    int end = run_once(L, index, n);
                    __gcov_dump();
                    _exit(end);
                }
                n++;
                open++;
                more = only == 0 && failures - before < MANY;
            }
        }
        int status;
        pid_t pid = wait(&status);
        for (int i = 0; i < jobs; i++) {
            if (children[i].pid == pid) {
                children[i].pid = 0;
                open--;
                more = judge(name, children[i].n, status) && more;
            }
        }
    }
}

int main(int argc, char **argv) {
    const char *told = getenv("JOBS");
    if (told != NULL && atoi(told) > 0 && atoi(told) <= 16) {
        jobs = atoi(told);
    }
    if (argc < 2) {
        fprintf(stderr, "usage: %s torture.lua [CASE [MODE [N]]]\n", argv[0]);
        return FAILED;
    }
    told_where = argc > 4;
    lua_State *L = new_state(argv[1]);
    lua_getfield(L, 1, "cases");
    int total = (int)lcab_rawlen(L, 2);
    for (int i = 1; i <= total; i++) {
        char name[64];
        lua_rawgeti(L, 2, i);
        lua_getfield(L, 3, "name");
        (void)snprintf(name, sizeof name, "%s", lua_tostring(L, 4));
        lua_settop(L, 2);
        if (argc > 2 && strcmp(argv[2], name) != 0) {
            continue;
        }
        long before = runs;
        for (int m = 0; m < MODES; m++) {
            current = (mode)m;
            if (argc < 4 || strcmp(argv[3], MODE_NAMES[m]) == 0) {
                run_case(L, i, name, argc > 4 ? atoi(argv[4]) : 0);
            }
        }
        printf("%-12s %5ld runs\n", name, runs - before);
        (void)fflush(stdout);
    }
    lua_close(L);
    printf("%ld passed, %ld failed\n", runs, failures);
    return failures == 0 && runs > 0 ? 0 : 1;
}
