-- Much work in Neovim, a piece at a time: each ends by the clock, whatever a bit of the work takes. Counted, not timed, as in
-- frames_spec.lua: what a bit burns is measured by the clock that the pieces go by.

local build = require "codearts.build"
local editor = require "spec.support.editor"
local host = require "spec.support.host"
local key_store = require "codearts.build.key_store"
local lifecycle = require "spec.support.lifecycle"
local server_process = require "spec.support.server"

local missing = editor.missing()
if missing then
  pending("pieces of work in Neovim: " .. missing)
  return
end

local VIEW = "require'codearts.build.nvim.buffer'.view()"
local LINES = 400
local A_PIECE = 4 -- bits of half a millisecond, at most, before the last look at the clock

-- Has each bit of work burn half a millisecond; `Most` is how many a piece has had. `bits(...)` tells how many one call is.
local BURN = [[
  Most, Total = 0, 0
  local core = require "codearts.build.core"
  local now, defer = 0, vim.defer_fn
  function vim.defer_fn(f, ms)
    return defer(function()
      now = 0
      f()
    end, ms)
  end
  local function burn(owner, name, bits)
    local f = owner[name]
    owner[name] = function(...)
      local count = bits and bits(...) or 1
      now, Total = now + count, Total + count
      Most = math.max(Most, now)
      local till = core.now() + count * 0.0005
      while core.now() < till do
      end
      return f(...)
    end
  end
]]

describe("Neovim with much to do", function()
  local folder, server, nvim

  before_each(function()
    server = server_process.start()
    folder = host.folder()
    nvim = editor.start {
      CODEARTS_BUILD_ENDPOINT = server.url,
      CODEARTS_BUILD_TOKEN = "t-t-t-t",
      CODEARTS_BUILD_KEY_STORE = "file:" .. folder,
    }
  end)

  after_each(function()
    nvim:stop()
    server:stop()
    host.remove(folder)
  end)

  local function text_of(line)
    local list = {}
    for number = 1, LINES do
      list[number] = line:format(number)
    end
    return lifecycle.page(table.concat(list, "\n") .. "\n", 100, false)
  end

  -- `together`: bits between two looks at the clock.
  local function expect_pieces(total, together)
    assert.equal(tostring(total), nvim:ask "return Total")
    local most = tonumber(nvim:ask "return Most")
    assert.is_true(most <= A_PIECE + (together or 1), most)
  end

  it("appends a log whose lines take long", function()
    lifecycle.answers(
      server,
      lifecycle.record("SUCCESS", lifecycle.FINISHED),
      text_of "\27[32mline\27[0m %d"
    )
    nvim:ask(BURN .. "burn(require 'codearts.build.cli.styled', 'line')")
    nvim:command(("edit codearts://%s/20"):format(lifecycle.JOB))
    nvim:wait(VIEW .. " and " .. VIEW .. ".complete")
    assert.equal(tostring(LINES), nvim:ask "return vim.fn.line '$'")
    expect_pieces(LINES)
  end)

  it("fills the quickfix list", function()
    lifecycle.answers(server, text_of "a.c:%d:1: error: wrong")
    nvim:ask(BURN .. [[
      burn(vim.fn, "setqflist", function(_, _, what)
        return #(what.items or {})
      end)]])
    nvim:ask(([[
      local client = require "codearts.build.nvim.session".client()
      require "codearts.build.nvim.quickfix".fill(client:build(%q, 20), "errors", {}, function(count)
        Count = count
      end)]]):format(lifecycle.JOB))
    nvim:wait "Count ~= nil"
    assert.equal(tostring(LINES), nvim:ask "return #vim.fn.getqflist()")
    expect_pieces(LINES)
  end)

  it("lists the keys of a store", function()
    local client = build.new {
      endpoint = server.url,
      auth = "t-t-t-t",
      key_store = key_store.file(folder),
    }
    for number = 1, 30 do
      client:run({ job_id = lifecycle.JOB }, { key = ("key-%02d"):format(31 - number) })
    end
    client:close()
    nvim:ask(BURN .. [[
      burn(require "codearts.build.keys.record", "decode")
      burn(require "codearts.build.cli.text", "pad")]])
    nvim:command "CodeArts key list"
    nvim:wait "vim.fn.line '$' == 31"
    local lines = nvim:ask "return table.concat(vim.fn.getline(2, 31), '\\n')"
    local number = 0
    for key in lines:gmatch "(key%-%d+)" do
      number = number + 1
      assert.equal(("key-%02d"):format(number), key)
    end
    assert.equal(30, number)
    expect_pieces(30 + 5 * 31, 5)
  end)

  it("does it for all at once, and goes on where one raises", function()
    nvim:ask(BURN .. [[
      local work, pieces = { bit = function() end }, require "codearts.build.nvim.pieces"
      burn(work, "bit")
      Over = 0
      for index = 1, 5 do
        pieces.go(function()
          for number = 1, 20 do
            work.bit()
            assert(index ~= 3 or number < 10, "mine")
            pieces.pause()
          end
          Over = Over + 1
        end)
      end]])
    nvim:expect "mine"
    nvim.page:type "\n"
    nvim:wait "Over == 4"
    expect_pieces(90)
  end)
end)
