-- The lists of Neovim: they go on to their end, or say where they do not.

local editor = require "spec.support.editor"
local server_process = require "spec.support.server"

local missing = editor.missing()
if missing then
  pending("lists in Neovim: " .. missing)
  return
end

local JOB, PROJECT = ("c"):rep(32), ("a"):rep(32)

local STATUS = "require'codearts.build.nvim'.status()"
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

  local function starts()
    local list = {}
    for _, request in ipairs(server:stats().requests) do
      list[#list + 1] = request.path:find "/jobs/build$" and request.body or nil
    end
    return list
  end

  -- Waits until something was told that often.
  local function expect_told(wanted, times)
    nvim:wait(
      ("select(2, vim.fn.execute('messages'):gsub(%q, '')) == %d"):format(wanted, times or 1)
    )
  end

  -- What a service answers that has build 2 of a job, which declares these parameters: rows, and more of them first.
  local function rows_of(names, details, rows)
    local declared = {}
    for index, name in ipairs(names) do
      declared[index] = ('{"params":[{"name":"name","value":"%s"}]}'):format(name)
    end
    local scms = ',"scms":[{"branch":"master"}]'
    for _, row in ipairs {
      {
        "/config%?",
        '{"result":{"parameters":[' .. table.concat(declared, ",") .. "]" .. scms .. "}}",
      },
      { "/history%-details$", '{"build_number":2,"build_steps":[]' .. details .. "}" },
      { "/2/record%-info$", '{"result":{"build_no":2,"build_record_id":"r1"}}' },
      { "/3/record%-info$", '{"result":{"build_no":3,"status":"SUCCESS"}}' },
      { "/build$", '{"actual_build_number":"3"}' },
      { "/history%?", builds(2, 1, ',"total":30') },
    } do
      rows[#rows + 1] = { path = row[1], body = row[2] }
    end
    return { rows = rows }
  end

  it("runs again what is under the cursor, and nothing where that is no build", function()
    local details = ',"parameters":{"RELEASE":"1.4.2"}'
    server:behave("by_path", rows_of({ "RELEASE" }, details, { { path = "/history%?" } }))
    nvim:command("edit codearts://" .. JOB)
    nvim:wait(VIEW .. " ~= nil")
    nvim.page:type "r"
    expect_told "is under the cursor" -- the list is still being read
    server:behave("by_path", rows_of({ "RELEASE" }, details, {}))
    nvim:command "edit"
    expect_lines(4)
    for times, line in ipairs { 1, 4 } do
      nvim:command(tostring(line))
      nvim.page:type "r"
      expect_told("is under the cursor", times + 1)
    end
    nvim:command "2"
    nvim.page:type "r"
    nvim:wait(STATUS .. ":find '#3'")
    assert.same({
      ('{"job_id":"%s","parameter":[{"name":"RELEASE","value":"1.4.2"}]}'):format(JOB),
    }, starts())
    local asked = 0
    for _, request in ipairs(server:stats().requests) do
      asked = asked + (request.path:find "/config%?" and 1 or 0)
    end
    assert.equal(1, asked) -- another answer about what the job declares would be told of in the words of the first
  end)

  -- Runs build 2 again, of which the record and more is told.
  local function run_again(details, ...)
    local rows = {}
    for _, row in ipairs { ... } do
      rows[#rows + 1] = { path = row[1], body = row[2] }
    end
    local before = #starts()
    server:behave("by_path", rows_of({ "TESTS", "TOKEN", "N", "DRY" }, details, rows))
    nvim:command("edit! codearts://" .. JOB)
    expect_lines(4)
    nvim:command "2"
    nvim.page:type "r"
    editor.eventually(function()
      return #starts() > before
    end)
    nvim:wait "#require'codearts.build.nvim.watch'.running == 0"
    return starts()[before + 1]
  end

  it("leaves out what is secret alone, and says what that is", function()
    local details = ',"parameters":{"TESTS":"*","TOKEN":"******","N":4,"DRY":null}'
    local record = {
      "/v1/record/r1/info$",
      '{"result":{"build_no":"2","parameters":[{"name":"TESTS","secret":false},{"name":"TOKEN","secret":true}]}}',
    }
    assert.matches(
      '"parameter":[{"name":"TESTS","value":"*"},{"name":"N","value":"4"}]}',
      run_again(details, record),
      1,
      true
    )
    expect_told "#3 without TOKEN, DRY, which the service does not tell"
    assert.matches('"parameter":[{"name":"N","value":"4"}]}', run_again(details), 1, true)
    expect_told "#3 without TESTS, TOKEN, DRY, which"
  end)

  it("builds the same code again, and says what cannot be told of it", function()
    local function of(members, scms)
      return run_again(
        ',"parameters":{"N":"release-2"}',
        { "/2/record%-info$", '{"result":{"build_no":2,' .. members .. "}}" },
        scms and { "/config%?", ('{"result":{"parameters":[]%s}}'):format(scms) }
      ):match '"scm":(%b{})'
    end
    assert.is_nil(of '"build_type":"branch","branch":"master","tag":null,"commit":"c0ffee"')
    assert.equal('{"build_tag":"v1"}', of '"build_type":"tag","branch":"feature-x","tag":"v1"')
    assert.equal('{"build_commit_id":"c0ffee"}', of '"build_type":"commitId","commit":"c0ffee"')
    local branch, sent = '"build_type":"branch","branch":"release-2"', '{"branch":"release-2"}'
    assert.equal(sent, of(branch)) -- the value of N as well, which may mean anything
    assert.equal(sent, of(branch, ',"scms":[{"branch":"master"},{"branch":"release-2"}]'))
    assert.equal(sent, of(branch, ""))
    for kind, name in pairs { tag = "tag", commitId = "commit", branch = "branch" } do
      local members = '"build_type":"%s","branch":%s,"tag":null,"commit":null'
      assert.is_nil(of(members:format(kind, kind == "branch" and "null" or '"feature-x"')))
      expect_told("#3 without its " .. name .. ", which the service does not tell")
    end
  end)

  it("runs no build again whose parameters cannot be told", function()
    local config = {
      path = "/config%?",
      body = '{"status":"success","result":{"parameters":[{"params":[{"name":"name","value":"RELEASE"}]}]}}',
    }
    local details = { path = "/history%-details$", body = '{"build_number":2,"build_steps":[]}' }
    local other = {
      path = details.path,
      body = '{"build_number":7,"build_steps":[],"parameters":{"RELEASE":"1"}}',
    }
    local unread = { path = config.path, body = '{"status":"success","result":{}}' }
    local started = { path = "/build$", body = '{"actual_build_number":"3"}' }
    local history = { path = "/history%?", body = builds(2, 1) }
    local detail = { path = "/record%-info$", body = '{"result":{"build_no":2}}' }
    server:behave("by_path", { rows = { history } })
    nvim:command("edit codearts://" .. JOB)
    expect_lines(3)
    for times, pair in ipairs { { config, details }, { config, other }, { unread, details } } do
      server:behave("by_path", { rows = { pair[1], pair[2], detail, started, history } })
      nvim.page:type "r"
      expect_told("cannot be told", times)
    end
    assert.same({}, starts())
  end)
end)
