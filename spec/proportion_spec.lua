-- What comes from the service may be long, and made so that a pattern goes back again and again: the work stays in proportion.

local LogLines = require "codearts.build.lifecycle.log_lines"
local Problems = require "codearts.build.nvim.problems"
local ascii = require "codearts.build.ascii"
local core = require "codearts.build.core"
local failed = require "codearts.build.cli.failed"
local given = require "codearts.build.cli.given"
local folds = require "codearts.build.nvim.folds"
local judge = require "codearts.build.reconcile.judge"
local lines = require "codearts.build.nvim.lines"
local pattern_work = require "spec.support.pattern_work"
local record = require "codearts.build.lifecycle.record"
local table_of = require "codearts.build.cli.table"
local text = require "codearts.build.cli.text"
local times = require "codearts.build.lifecycle.times"

local RUN_ID = "0d3adb3e-0000-4000-8000-000000000000"

-- Compared with as many bytes of a text that shows nothing. The least of many times: others use the processor, too.
it("many long secrets take far less work than a text of their length", function()
  local function least(str, secrets)
    local best = math.huge
    for _ = 1, 50 do
      local before = os.clock()
      core.mask(str, secrets)
      best = math.min(best, os.clock() - before)
    end
    return best
  end
  local secrets = {}
  for i = 1, 17 do
    local letters = {}
    for at = 1, 6000 do
      letters[at] = string.char(97 + (at * at * i + at % (7 + i)) % 26)
    end
    secrets[i] = ("MIIF%d"):format(i) .. table.concat(letters)
  end
  local words =
    "the job does not exist, or you have no permission to run it: ask the owner of its project"
  assert.equal(words, core.mask(words, secrets))
  local all = table.concat(secrets, "\n")
  assert.is_true(4 * least(words, secrets) < least(all, { "another-secret" }))
end)

local READERS = {
  trim = ascii.trim,
  ["the sight of a parameter"] = function(str)
    judge.sight({ { name = "RUN_ID", value = str } }, "RUN_ID", RUN_ID)
  end,
  ["a table"] = function(str)
    table_of({ "name" }, { { str } })
  end,
  ["log lines"] = function(str)
    local cut = LogLines.new()
    cut:add(str)
    cut:add "\n"
    for _ in cut.next, cut do
    end
  end,
  ["a log line for a terminal"] = function(str)
    text.log_line(str, false)
  end,
  ["clean text"] = text.clean,
  ["an excerpt"] = function(str)
    failed.excerpt({ str, str }, 1, 1)
  end,
  ["the lines of a value"] = function(str)
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write(str)
    file:close()
    given.value({ core = core }, "P", "@" .. path)
    os.remove(path)
  end,
  ["a time"] = times.parse,
  ["a number"] = record.number,
  ["a problem"] = function(str)
    Problems.new():line(1, str)
  end,
  ["the time of a log line"] = folds.moment,
  ["a cut line"] = lines.cut,
}

local PIECES =
  { "\\", " ", "\t", "\r", "1", "1.", ":1", ":1:1: ", "a", "\\n", "\27[1", "\255", "\128", "编" }
local BEFORE = { "", "a", "[2023/12/21 ", "2023-12-21T15:44:18." }

for name, read in pairs(READERS) do
  it(("%s: patterns take work in proportion to the text"):format(name), function()
    for _, piece in ipairs(PIECES) do
      for _, before in ipairs(BEFORE) do
        local function of(length)
          local str = before .. piece:rep(math.ceil(length / #piece)) .. "b"
          return pattern_work.of(read, str)
        end
        local small, large = of(250), of(1000)
        assert.is_true(
          large <= 6 * small + 100,
          ("%q %q: %d and %d"):format(before, piece, small, large)
        )
      end
    end
  end)
end
