-- `:help codearts`: up to date, each tag leads somewhere, and its tour shows what it says.

local editor = require "spec.support.editor"
local host = require "spec.support.host"
local read_file = require "spec.support.read_file"
local vim_help = require "spec.support.vim_help"

local FILE = "doc/codearts.txt"

describe("the help", function()
  local text = read_file(FILE)

  it("says what stands elsewhere: lua spec/support/vim_help.lua writes it", function()
    assert.equal(vim_help.text(), text)
  end)

  it("fits into 78 columns", function()
    for line in text:gmatch "[^\n]+" do
      assert(select(2, line:gsub("[^\128-\191]", "")) <= 78, line)
    end
  end)

  it("names each word of :CodeArts and each map of its buffers", function()
    for _, name in ipairs(require("codearts.build.nvim.command").NAMES) do
      assert.truthy(text:find("*:CodeArts-" .. name .. "*", 1, true), name)
    end
    local buffer = read_file "lua/codearts/build/nvim/buffer.lua"
    local maps = assert(buffer:match "local MAPS = (%b{})")
    for key, what in maps:gmatch '{ "([^"]+)".-"CodeArts: ([^"]+)" }' do
      assert.truthy(text:find("\n" .. key .. " +" .. what:sub(1, 12):gsub("%p", "%%%0")), key)
    end
  end)
end)

local missing = editor.missing()
if missing then
  pending("the help in Neovim: " .. missing)
  return
end

describe("the help in Neovim", function()
  it("opens by each of its tags, and each that it refers to is one", function()
    local folder = host.folder()
    os.execute(("mkdir %s/doc && cp %s %s/doc"):format(folder, FILE, folder))
    local code = ([[
      vim.cmd "helptags %s/doc"
      vim.opt.rtp:append "%s"
      vim.cmd "help codearts"
      local count, lines = 0, vim.api.nvim_buf_get_lines(0, 0, -1, false)
      for _, line in ipairs(lines) do
        for tag in line:gmatch "[*|]([^ *|]+)[*|]" do
          local ok = pcall(vim.cmd, "help " .. tag)
          count = count + 1
          io.stdout:write(ok and "" or "no " .. tag .. "\n")
        end
      end
      io.stdout:write(count > 40 and "all" or count)]]):format(folder, folder)
    local path = folder .. "/code.lua"
    local file = assert(io.open(path, "w"))
    file:write(code)
    file:close()
    local output = host.run(("nvim --clean --headless -c 'luafile %s' -c 'qall!'"):format(path))
    host.remove(folder)
    assert.equal("all", (output:gsub("\r", "")))
  end)
end)

-- What the tour has one type, each with what is seen then; "…" is anything.
local function steps_of(text)
  local tour = assert(text:match '\nIn what follows "…".-\n====')
  local steps = {}
  for line in tour:gmatch "\n([^\n]*)" do
    local seen, typed = line:match "^        (%S.*)$", line:match "^    (%S.*)$"
    if typed then
      steps[#steps + 1] = { typed = typed, seen = {} }
    elseif seen then
      table.insert(steps[#steps].seen, seen)
    end
  end
  return steps
end

local function pattern_of(seen)
  return (seen:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0"):gsub("…", "[^\n]*"))
end

describe("the tour of the help", function()
  local box, nvim

  setup(function()
    local sandbox = require "codearts.build.sandbox"
    box = sandbox.start { jobs = "examples/demo/jobs.lua", token = "tour" }
    nvim = editor.start({
      CODEARTS_BUILD_ENDPOINT = box.endpoint,
      CODEARTS_BUILD_TOKEN = "tour",
      CODEARTS_BUILD_PROJECT = "sandboxproject000000000000000001",
    }, { columns = 110, rows = 40, files = { ["roman.c"] = read_file "examples/demo/roman.c" } })
  end)

  teardown(function()
    if nvim then
      nvim:stop()
    end
    box.stop()
  end)

  it("shows what it says", function()
    local steps = steps_of(read_file(FILE))
    assert.is_true(#steps > 10)
    for _, step in ipairs(steps) do
      nvim.page:type(step.typed .. (step.typed:sub(1, 1) == ":" and "\n" or ""))
      for _, seen in ipairs(step.seen) do
        local ok = pcall(editor.eventually, function()
          return nvim:screen():find(pattern_of(seen))
        end)
        assert(ok, ("after %s no %s in:\n%s"):format(step.typed, seen, nvim:screen()))
      end
    end
  end)
end)
