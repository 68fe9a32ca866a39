--- Counts what Lua's patterns do inside of string.find, match and gsub: how often a piece of a pattern is held against a
-- character. Only that tells a pattern that goes back again and again from one that does not; work.lua, which is quicker, counts
-- what the calls are given.

local M = {}

--- Where the class that begins at `p` ends: a character, %x, or a set.
local function class_end(pattern, p)
  local char = pattern:sub(p, p)
  if char == "%" then
    return p + 2
  elseif char ~= "[" then
    return p + 1
  end
  p = pattern:sub(p + 1, p + 1) == "^" and p + 2 or p + 1
  repeat
    p = p + (pattern:sub(p, p) == "%" and 2 or 1)
  until pattern:sub(p, p) == "]"
  return p + 1
end

--- A pattern over a text, tried at one place as lstrlib.c does it. Its functions answer where the match ends.
local Trial = {}
Trial.__index = Trial

function Trial:single(s, p, ep)
  self.count = self.count + 1
  local byte = self.str:byte(s)
  if not byte then
    return false
  end
  local class = self.pattern:sub(p, ep - 1)
  local answers = self.known[class] or {}
  self.known[class] = answers
  if answers[byte] == nil then
    answers[byte] = self.find(string.char(byte), class) ~= nil
  end
  return answers[byte]
end

function Trial:greedy(s, p, ep)
  local most = 0
  while self:single(s + most, p, ep) do
    most = most + 1
  end
  for taken = most, 0, -1 do
    local stop = self:match(s + taken, ep + 1)
    if stop then
      return stop
    end
  end
  return nil
end

function Trial:lazy(s, p, ep)
  while true do
    local stop = self:match(s, ep + 1)
    if stop then
      return stop
    elseif not self:single(s, p, ep) then
      return nil
    end
    s = s + 1
  end
end

function Trial:item(s, p)
  local ep = class_end(self.pattern, p)
  local suffix = self.pattern:sub(ep, ep)
  if suffix == "*" then
    return self:greedy(s, p, ep)
  elseif suffix == "-" then
    return self:lazy(s, p, ep)
  elseif suffix == "+" then
    return self:single(s, p, ep) and self:greedy(s + 1, p, ep) or nil
  elseif suffix == "?" then
    return self:single(s, p, ep) and self:match(s + 1, ep + 1) or self:match(s, ep + 1)
  end
  return self:single(s, p, ep) and self:match(s + 1, ep) or nil
end

function Trial:match(s, p)
  local pattern = self.pattern
  if p > #pattern then
    return s
  end
  local char = pattern:sub(p, p)
  if char == "(" or char == ")" then
    return self:match(s, pattern:sub(p, p + 1) == "()" and p + 2 or p + 1)
  elseif char == "$" and p == #pattern then
    self.count = self.count + 1
    return s == #self.str + 1 and s or nil
  end
  assert(not self.find(pattern, "^%%[bf%d]", p), "not known here: " .. pattern)
  return self:item(s, p)
end

--- Tries a pattern from `init` on: up to its first match, or, for gsub, to the text's end.
local function work_of(find, str, pattern, init, all)
  local trial =
    setmetatable({ find = find, str = str, pattern = pattern, known = {}, count = 0 }, Trial)
  local anchored, at = pattern:sub(1, 1) == "^", init or 1
  while at <= #str + 1 do
    local stop = trial:match(at, anchored and 2 or 1)
    if anchored or stop and not all then
      break
    end
    at = stop and stop > at and stop or at + 1
  end
  return trial.count
end

---@param f function
---@param ... any its arguments
---@return integer
function M.of(f, ...)
  local total, real = 0, { find = string.find, match = string.match, gsub = string.gsub }
  local function count(...)
    total = total + work_of(real.find, ...)
  end
  rawset(string, "find", function(str, pattern, init, plain)
    if not plain then
      count(str, pattern, init)
    end
    return real.find(str, pattern, init, plain)
  end)
  rawset(string, "match", function(str, pattern, init)
    count(str, pattern, init)
    return real.match(str, pattern, init)
  end)
  rawset(string, "gsub", function(str, pattern, ...)
    count(str, pattern, 1, true)
    return real.gsub(str, pattern, ...)
  end)
  local ok, err = pcall(f, ...)
  for name, func in pairs(real) do
    rawset(string, name, func)
  end
  assert(ok, err)
  return total
end

return M
