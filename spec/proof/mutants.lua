-- Breaks one guard of the library after the other, in a copy of the tree, and wants a spec to go red
-- for each: `make mutants`, `make mutants MUTANT=token` for those with the word in their names. The
-- last line is `N passed, N failed`.
--
-- A mutant is one text of a file that another one replaces. One that is not there exactly once fails:
-- whoever changes a guard changes its row. The name is what could happen then. That the specs are green
-- with every guard in its place is what `make test` says.

local read_file = require "spec.support.read_file"

local MUTANTS = {}
for _, rows in ipairs { "core", "library" } do
  for _, mutant in ipairs(require("spec.proof.mutants." .. rows)) do
    MUTANTS[#MUTANTS + 1] = mutant
  end
end

local COPY = "build/mutants"
-- WERROR=0: what a guard used may be left unused.
local MAKE = "cd %s && timeout 300 make -s LUA=%s BUILD=build CFLAGS=-O1 WERROR=0 DEPS=skip %s"

--- What a command prints, and whether it succeeded.
local function output_of(command)
  local pipe = assert(io.popen(("{ %s\n} 2>&1; echo $?"):format(command)))
  local text, status = pipe:read("*a"):match "^(.-)(%d+)\n$"
  pipe:close()
  return text, status == "0"
end

local function must(command)
  local text, ok = output_of(command)
  return ok or error(command .. ":\n" .. text, 0)
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  file:close()
end

local function make(goals)
  return output_of(MAKE:format(COPY, os.getenv "LUA" or "lua5.4", goals))
end

local function build()
  local text, ok = make "-j2"
  return ok or error("it does not compile:\n" .. text, 0)
end

--- Runs specs until an example fails. Answers that one; nil when all is green.
local function red_example(specs)
  local files = specs:gsub("%S+", "spec/%0_spec.lua")
  local text, green = make(("test BUSTED_FLAGS='-o TAP --no-keep-going' SPEC='%s'"):format(files))
  if green then
    return nil
  end
  local example = ("\n" .. text):match "\nnot ok %d+ %- ([^\n]*)"
  return example or error("the specs did not come to an end:\n" .. text, 0)
end

--- The text with the guard broken.
local function broken(mutant, text)
  local first, last = text:find(mutant.find, 1, true)
  if not first or text:find(mutant.find, last + 1, true) then
    error(("%s must hold exactly once: %s"):format(mutant.file, mutant.find), 0)
  end
  return text:sub(1, first - 1) .. mutant.replace .. text:sub(last + 1)
end

--- Answers the example that notices; raises when none does.
local function try(mutant)
  local path = COPY .. "/" .. mutant.file
  local text = read_file(path)
  write(path, broken(mutant, text))
  local ok, example = pcall(function()
    build()
    return red_example(mutant.specs) or error("no example of these notices: " .. mutant.specs, 0)
  end)
  write(path, text)
  return ok and example or error(example, 0)
end

local function chosen(word)
  local list = {}
  for _, mutant in ipairs(MUTANTS) do
    if mutant.name:find(word, 1, true) then
      list[#list + 1] = mutant
    end
  end
  return list
end

must(("rm -rf %s && mkdir -p %s"):format(COPY, COPY))
must("tar --exclude=./build --exclude=./.git -cf - . | tar -xf - -C " .. COPY)
local list = chosen(arg[1] or "")
assert(#list > 0, "no mutant has this in its name")
build()
local passed, failed = 0, 0
for _, mutant in ipairs(list) do
  local ok, what = pcall(try, mutant)
  passed, failed = passed + (ok and 1 or 0), failed + (ok and 0 or 1)
  print(("%s: %s\n    %s"):format(ok and "noticed" or "NOT NOTICED", mutant.name, what))
  io.stdout:flush()
end
must("rm -r " .. COPY)
print(("%d passed, %d failed"):format(passed, failed))
os.exit(passed > 0 and failed == 0 and 0 or 1)
