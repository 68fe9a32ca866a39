--- Part of `make lint`: no file longer than 700 lines, and no function longer than 60 but in specs and
--- benches. As the formatters lay code out, a function ends at the first line with its own indentation.

local LONGEST_FUNCTION, LONGEST_FILE = 60, 700

-- Written by programs, or one flat table from end to end.
local GENERATED = {
  ["lua/codearts/build/operations/rows.lua"] = true,
  ["lua/codearts/build/types.lua"] = true,
}

local found = 0

local function tell(path, line, what)
  found = found + 1
  print(("%s:%d: %s"):format(path, line, what))
end

-- What begins a function on a line, and what ends it: for C at the left edge only.
local function begins(path, line)
  if path:find "%.[ch]$" then
    return line:find "^%w.*%) {$" and not line:find "=" and "^}" or nil
  end
  local indent, rest = line:match "^(%s*)(.*)$"
  local opens = rest:find "^local function [%w_]+%("
    or rest:find "^function [%w_.:]+%("
    or rest:find "= function%(.*%)$"
    or rest:find "^return function%(.*%)$"
  return opens and not rest:find "%f[%w]end%f[%W]" and "^" .. indent .. "end" or nil
end

local function check(path)
  local lines = {}
  for line in io.lines(path) do
    lines[#lines + 1] = line
  end
  if #lines > LONGEST_FILE and not GENERATED[path] then
    tell(path, 1, ("%d lines; %d at most"):format(#lines, LONGEST_FILE))
  end
  local bounded = path:find "^csrc"
    or path:find "^lua/"
    or path:find "^bin"
    or path:find "^spec/support"
  for first, line in ipairs(lines) do
    local closing = bounded and begins(path, line)
    if closing then
      local last = first + 1
      while lines[last] and not lines[last]:find(closing) do
        last = last + 1
      end
      local length = last - first + 1
      if length > LONGEST_FUNCTION then
        tell(path, first, ("a function of %d lines; %d at most"):format(length, LONGEST_FUNCTION))
      end
    end
  end
end

for _, path in ipairs(arg) do
  check(path)
end
os.exit(found == 0 and 0 or 1)
