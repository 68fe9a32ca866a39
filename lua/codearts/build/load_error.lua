--- What to do about a C core that does not load.
local running = rawget(_G, "jit") and "LuaJIT (Lua 5.1)" or _VERSION
local vim = rawget(_G, "vim")
local uv = type(vim) == "table" and (vim.uv or vim.loop) -- only in Neovim

--- The folder of the source tree that this file is in, as a word of the shell; nil when it was installed.
---@return string?
local function tree()
  local root = debug.getinfo(1, "S").source:match "^@(.*)lua/codearts/build/load_error%.lua$"
  local makefile = root and io.open(root .. "Makefile")
  if not makefile then
    return nil
  end
  makefile:close()
  local path = uv.fs_realpath(root == "" and "." or root)
  return path:find "[^A-Za-z0-9/._+-]" and "'" .. path:gsub("'", "'\\''") .. "'" or path
end

local ANY = {
  other = "Build it for this one (make LUA=lua5.1, lua5.2, lua5.3, lua5.4, lua5.5 or luajit) "
    .. "or install it with this version's luarocks.",
  none = "Build it (make) and set the paths (make -s env), or install it with this version's luarocks.",
}

--- One command, which also says what the system lacks for it.
local function for_neovim()
  local root = tree()
  return root and "Run: make -C " .. root .. " nvim"
    or "Install it for Lua 5.1, or make its source tree a plugin and run there: make nvim"
end

---@param problem string what `require` raised
---@return string message
return function(problem)
  local found, advice
  if problem:find("undefined symbol: luaL?_", 1) or problem:find("version mismatch", 1, true) then
    found = ("the C core found is built for another Lua than the %s that runs."):format(running)
    advice = ANY.other
  elseif problem:find("module 'codearts.build.core' not found", 1, true) then
    found = ("there is no C core for %s in package.cpath."):format(running)
    advice = ANY.none
    if uv then
      return "codearts.build: its C core is not built for this Neovim. " .. for_neovim()
    end
  else
    found = "the C core of codearts.build does not load."
  end
  advice = uv and for_neovim() or advice
  return ("codearts.build: %s%s\n%s"):format(found, advice and " " .. advice or "", problem)
end
