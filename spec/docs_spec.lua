-- Whatever others may call says what it does, where it is declared.

local function read_lines(path)
  local lines = {}
  for line in io.lines(path) do
    lines[#lines + 1] = line
  end
  return lines
end

local function files(command)
  local pipe = assert(io.popen(command))
  local list = {}
  for line in pipe:lines() do
    list[#list + 1] = line
  end
  pipe:close()
  assert(#list > 0, command)
  return list
end

describe("in C headers", function()
  -- The function that a line declares or defines at its beginning.
  local function declared(line)
    return line:match "^[%a][%w_ %*]-[ %*](l?cab_[%w_]+)%("
      or line:match "^[%a][%w_ %*]-[ %*](luaopen_[%w_]+)%("
  end

  -- A comment above the first line of the paragraph speaks for all of it.
  local function documented(lines, at)
    for i = at, 1, -1 do
      if lines[i] == "" then
        return false
      elseif lines[i]:find("*/", 1, true) then
        return true
      end
    end
    return false
  end

  it("each function is described", function()
    local missing, found = {}, 0
    for _, path in ipairs(files "ls csrc/*/*.h") do
      local lines = read_lines(path)
      for at, line in ipairs(lines) do
        local name = declared(line)
        if name then
          found = found + 1
          if not documented(lines, at) then
            missing[#missing + 1] = path .. ": " .. name
          end
        end
      end
    end
    assert.same({}, missing)
    assert.is_true(found > 100, found .. " functions found")
  end)

  it("each file says what it is for", function()
    for _, path in ipairs(files "ls csrc/*/*.h") do
      local first = read_lines(path)[1]
      assert(first:find "^/%*" or path:find "version%.h$", path)
    end
  end)
end)

describe("what the core gives to Lua", function()
  local core = require "codearts.build.core"

  it("is described beside the function that does it", function()
    local text = {}
    for _, path in ipairs(files "ls csrc/lua/*.[ch]") do
      text[#text + 1] = table.concat(read_lines(path), "\n")
    end
    text = table.concat(text, "\n")
    local missing = {}
    for name, value in pairs(core) do
      if
        type(value) == "function"
        and not text:find("core%." .. name .. "%f[^%w_]")
        and not text:find("\n ?%*? +" .. name .. "%(")
      then
        missing[#missing + 1] = name
      end
    end
    table.sort(missing)
    assert.same({}, missing)
  end)
end)

describe("in Lua files", function()
  -- name, parameters of the function that a line puts into a table which others see.
  local function public(line, returned)
    local owner, name, parameters = line:match "^function ([%a_][%w_]*)[.:]([%a_][%w_]*)%((.-)%)"
    if not owner then
      owner, name, parameters = line:match "^([%a_][%w_]*)%.([%a_][%w_]*) = function%((.-)%)"
    end
    if owner and returned[owner] and not name:find "^__" and not name:find "^_" then
      return name, parameters
    end
  end

  -- The local tables whose functions others may call: what is returned, classes and methods.
  local function tables_of(lines)
    local names = { methods = true }
    for _, line in ipairs(lines) do
      local returned = line:match "^return ([%a_][%w_]*)$"
      local class = line:match "^([%a_][%w_]*)%.__index ="
      names[returned or class or "methods"] = true
    end
    return names
  end

  -- The comment above a line.
  local function comment_above(lines, at)
    local words = {}
    for i = at - 1, 1, -1 do
      if not lines[i]:find "^%-%-" then
        break
      end
      table.insert(words, 1, lines[i])
    end
    return words
  end

  local function check(path, missing)
    local lines, found = read_lines(path), 0
    local tables = tables_of(lines)
    for at, line in ipairs(lines) do
      local name, parameters = public(line, tables)
      if name then
        found = found + 1
        local words = comment_above(lines, at)
        local text = table.concat(words, "\n")
        local where = ("%s: %s"):format(path, name)
        if not text:find '%-%-%- ?[%a`"{]' then
          missing[#missing + 1] = where .. " has no description"
        end
        for parameter in parameters:gmatch "[%w_.]+" do
          local plain = parameter == "..." and "%.%.%. " or parameter .. "%??%f[%W]"
          if
            parameter:sub(1, 1) ~= "_"
            and not text:find("%-%-%-@param " .. plain)
            and not text:find "@overload"
          then
            missing[#missing + 1] = ("%s says nothing of %s"):format(where, parameter)
          end
        end
      end
    end
    return found
  end

  -- The modules of the contract, and the files of what their functions answer.
  local PUBLIC = {
    "init",
    "client",
    "client/call",
    "client/task",
    "lifecycle",
    "hosts/host",
    "hosts/uv",
    "luv",
    "nvim",
    "resty",
    "sandbox",
    "token_store",
    "token_store/file",
    "token_store/shared_dict",
  }

  it("each public function says what it takes", function()
    local missing, found = {}, 0
    for _, name in ipairs(PUBLIC) do
      found = found + check("lua/codearts/build/" .. name .. ".lua", missing)
    end
    assert.same({}, missing)
    assert.is_true(found > 30, found .. " functions found")
  end)

  it("each module says what it is for", function()
    local silent = {}
    for _, path in ipairs(files "find lua -name '*.lua' | sort") do
      local first = read_lines(path)[1]
      if not first:find "^%-%-" and not path:find "version%.lua$" then
        silent[#silent + 1] = path
      end
    end
    assert.same({}, silent)
  end)
end)

describe("in documents", function()
  local DOCUMENTS = files "ls *.md doc/*.md bench/*.md"

  local function text_of(path)
    return table.concat(read_lines(path), "\n") .. "\n"
  end

  -- What GitHub makes of a heading.
  local function anchors_of(text)
    local anchors = {}
    for heading in ("\n" .. text):gmatch "\n#+ +([^\n]+)" do
      anchors[heading:lower():gsub("[^%w %-_\128-\255]", ""):gsub(" ", "-"):gsub("…", "")] = true
    end
    return anchors
  end

  it("each link leads somewhere", function()
    local broken = {}
    for _, path in ipairs(DOCUMENTS) do
      local text = text_of(path):gsub("```.-```", "")
      for target in text:gmatch "%]%(([^)%s]+)%)" do
        local file, anchor = target:match "^([^#]*)#?(.*)$"
        if not target:find "^%a+:" then
          local where = file == "" and path or (path:match "^(.*/)" or "") .. file
          local found = io.open(where)
          if not found or anchor ~= "" and not anchors_of(text_of(where))[anchor] then
            broken[#broken + 1] = path .. ": " .. target
          end
          if found then
            found:close()
          end
        end
      end
    end
    assert.same({}, broken)
  end)

  it("the ten lines of the README run", function()
    local lines = text_of("README.md"):match "```lua\n(.-)```"
    lines = lines:gsub('job_id = "%w+"', 'job_id = "samplejob00000000000000000000001"')
    local box = require("codearts.build.sandbox").start()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(lines)
    file:close()
    local pipe = assert(
      io.popen(
        ("CODEARTS_BUILD_ENDPOINT=%s CODEARTS_BUILD_TOKEN=%s %s %s 2>&1; echo status $?"):format(
          box.endpoint,
          box.token,
          os.getenv "LUA" or rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match "%d%.%d",
          path
        )
      )
    )
    local output = pipe:read "*a"
    pipe:close()
    os.remove(path)
    box.stop()
    assert.matches("^build 1 started\n", output)
    assert.matches("\nstatus 0\n$", output)
  end)
end)
