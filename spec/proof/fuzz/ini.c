/* The INI reader: it raises nothing, answers sections of texts or a message that repeats no line.
 */
#include "fuzz.h"

#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

static const char CHECK[] =
    "local ini = dofile 'lua/codearts/build/ini.lua'\n"
    "return function(text)\n"
    "  local sections, problem = ini.parse(text)\n"
    "  if not sections then\n"
    "    assert(problem == 'not a text file' or problem:find '^line %d+: %a[%a ,=%[%]]+$', "
    "problem)\n"
    "    return\n"
    "  end\n"
    "  for name, section in pairs(sections) do\n"
    "    assert(type(name) == 'string' and name ~= '')\n"
    "    for key, value in pairs(section) do\n"
    "      assert(key == key:lower() and key ~= '' and type(value) == 'string')\n"
    "      assert(not value:find '[\\r\\n]$' and not value:find '^[ \\t]')\n"
    "    end\n"
    "  end\n"
    "end";

/* The reader is Lua, where libFuzzer sees nothing: which line follows which is what it counts. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t steps[1 << 14];

static void on_line(lua_State *L, lua_Debug *ar) {
    static unsigned last;
    (void)L;
    steps[(last << 7 ^ (unsigned)ar->currentline) % sizeof steps]++;
    last = (unsigned)ar->currentline;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static lua_State *L;
    if (L == NULL) {
        L = luaL_newstate();
        luaL_openlibs(L);
        MUST(luaL_dostring(L, CHECK) == LUA_OK);
        lua_sethook(L, on_line, LUA_MASKLINE, 0);
    }
    lua_pushvalue(L, 1);
    lua_pushlstring(L, (const char *)data, size);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        (void)fprintf(stderr, "%s\n", lua_tostring(L, -1));
        abort();
    }
    return 0;
}
