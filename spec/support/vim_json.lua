--- What Neovim's global `vim` has for JSON, made of lua-cjson: a null of its own, a metatable on empty
--- objects, and all that the reader lets pass by default. So these specs run without Neovim, too; what the
--- real one does, nvim_json_spec asks.

local cjson = require "cjson"

local NIL = io.stderr -- a userdata that is nothing else's
local EMPTY_DICT = {}

local reader = cjson.new()
reader.decode_invalid_numbers(true)
reader.decode_max_depth(1000)

local function as_vim(value)
  if value == cjson.null then
    return NIL
  elseif type(value) == "table" then
    for name, member in pairs(value) do
      value[name] = as_vim(member)
    end
    return next(value) == nil and setmetatable(value, EMPTY_DICT) or value
  end
  return value
end

return {
  NIL = NIL,
  json = {
    decode = function(text)
      return as_vim(reader.decode(text))
    end,
  },
}
