/* JSON by Neovim's own reader, which serves where lua-cjson is missing, with the same verdicts. */
#ifndef LCAB_LUA_VIM_H
#define LCAB_LUA_VIM_H

#include <stdbool.h>

#include <lua.h>

#pragma GCC visibility push(hidden)

/* Whether the value is Neovim's null. */
bool lcab_is_vim_nil(lua_State *L, int index);

/* In Neovim: pushes a function that decodes as one of lua-cjson does (text -> value, null as a
 * light userdata, no metatables) and answers true. Its texts must hold no NUL. Levels beyond
 * `max_depth` are refused. Elsewhere pushes nothing. */
bool lcab_push_vim_decoder(lua_State *L, int max_depth);

/* Whether the value is such a function. */
bool lcab_is_vim_decoder(lua_State *L, int index);

#pragma GCC visibility pop

#endif
