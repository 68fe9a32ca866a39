/* The module's entry point, for hosts that link the core statically and preload it. The other
 * headers hide what they declare, so that this alone is seen from outside however it is built. */
#ifndef CODEARTS_BUILD_CORE_H
#define CODEARTS_BUILD_CORE_H

#include <lua.h>

/* A lua_CFunction for package.preload["codearts.build.core"]. Needs `require` and lua-cjson in the
 * state. Loading opens no handle and reads nothing. */
__attribute__((visibility("default"))) int luaopen_codearts_build_core(lua_State *L);

#endif
