-- The lists of Neovim: they go on to their end, or say where they do not.

local editor = require "spec.support.editor"
local server_process = require "spec.support.server"

local missing = editor.missing()
if missing then
  pending("lists in Neovim: " .. missing)
  return
end

local JOB, PROJECT = ("c"):rep(32), ("a"):rep(32)

local VIEW = "require'codearts.build.nvim.buffer'.view()"

-- Rows FROM to TO, and what else the answer holds.
local function jobs(from, to, more)
  local list = {}
  for number = from, to do
    list[#list + 1] = ('{"id":"%032d","job_name":"n%d"}'):format(number, number)
  end
  return ('{"jobs":[%s]%s}'):format(table.concat(list, ","), more or "")
end

local function builds(from, to, more)
  local list = {}
  for number = from, to, -1 do
    list[#list + 1] = ('{"build_number":%d,"result":"SUCCESS"}'):format(number)
  end
  return ('{"history_records":[%s]%s}'):format(table.concat(list, ","), more or "")
end

describe("Neovim that lists", function()
  local server, nvim

  before_each(function()
    server = server_process.start()
    nvim = editor.start {
      CODEARTS_BUILD_ENDPOINT = server.url,
      CODEARTS_BUILD_TOKEN = "t-t-t-t",
      CODEARTS_BUILD_PROJECT = PROJECT,
    }
  end)

  after_each(function()
    nvim:stop()
    server:stop()
  end)

  local function expect_lines(count)
    nvim:wait(("vim.fn.line('$') == %d"):format(count))
  end

  local function last_line()
    return nvim:ask "return vim.fn.getline('$')"
  end

  it("ends where a page brings nothing new, and goes to builds that can be", function()
    server:script({}, { "answer", body = jobs(1, 100) })
    nvim:command "edit codearts://"
    expect_lines(101)
    assert.equal(2, server:stats().processed)
    server:script({}, { "answer", body = builds(5, -1) })
    nvim:command("edit codearts://" .. JOB)
    expect_lines(8)
    assert.equal(
      ("codearts://%s/1 nil nil"):format(JOB),
      nvim:ask(
        ("local view = %s; return table.concat({ view:below(6), tostring(view:below(7)), tostring(view:below(8)) }, ' ')"):format(
          VIEW
        )
      )
    )
  end)

  it("goes on where the service lists fewer at once than were asked for", function()
    server:script({
      { "answer", body = jobs(1, 50, ',"total":120') },
      { "answer", body = jobs(51, 100, ',"total":120') },
      { "answer", body = jobs(101, 120, ',"total":120') },
    }, { "answer", body = jobs(1, 1) })
    nvim:command "edit codearts://"
    expect_lines(121)
    assert.equal(3, server:stats().processed)
    assert.equal("120", nvim:ask "return #require'codearts.build.cli.names'.all()")
    server:script({
      { "answer", body = builds(150, 101, ',"total":150') },
      { "answer", body = builds(100, 51, ',"total":150') },
      { "answer", body = builds(50, 1, ',"total":150') },
    })
    nvim:command("edit codearts://" .. JOB)
    expect_lines(151)
    assert.truthy(last_line():find "^1 ", last_line())
  end)

  it("shows all of a page that is longer than what was asked for", function()
    server:script({}, { "answer", body = jobs(1, 130, ',"total":130') })
    nvim:command "edit codearts://"
    expect_lines(131)
  end)

  it("says how much is there where that is not all", function()
    server:script({ { "answer", body = jobs(1, 150, ',"total":150') } })
    nvim:command "edit codearts://"
    expect_lines(151)
    server:script({}, { "answer", body = jobs(1, 50, ',"total":150') })
    nvim:command "edit"
    expect_lines(52)
    assert.equal("50 of 150 jobs", last_line())
    assert.equal("nil", nvim:ask(("return tostring(%s:below(52))"):format(VIEW)))
    assert.equal("150", nvim:ask "return #require'codearts.build.cli.names'.all()") -- none is forgotten
    server:script({}, { "answer", body = builds(20, 1, ',"total":30') })
    nvim:command("edit codearts://" .. JOB)
    expect_lines(22)
    assert.equal("20 of 30 builds", last_line())
  end)
end)
