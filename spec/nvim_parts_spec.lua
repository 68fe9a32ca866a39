-- Parts of the editor's side that need no editor.

local address = require "codearts.build.nvim.address"
local kinds = require "codearts.build.cli.kinds"
local styled = require "codearts.build.cli.styled"
local words = require "codearts.build.cli.words"

local unpack = table.unpack or unpack -- luacheck: ignore 143

describe("the name of a buffer", function()
  it("reads back", function()
    for _, place in ipairs {
      {},
      { job = ("a"):rep(32) },
      { job = "nightly", number = 20 },
      { job = "a/b c%d?#", number = 1 },
      { job = "编译", number = 2147483647 },
    } do
      local name = address.of(place.job, place.number)
      assert.same(place, address.read(name))
      assert.falsy(name:find "[ #?]", name)
    end
  end)

  it("makes no sense in other forms", function()
    for _, name in ipairs {
      "nightly/20",
      "codearts://a/b/c",
      "codearts:///20",
      "codearts://a/0",
      "codearts://a/-1",
      "codearts://a/2147483648",
      "codearts://a/20x",
    } do
      local place, problem = address.read(name)
      assert.is_nil(place, name)
      assert.truthy(problem:find(name, 1, true), problem)
    end
  end)
end)

describe("a line with colours", function()
  it("is text and stretches of it", function()
    local plain, spans = styled.line "a \27[31mred\27[0m and \27[1;4mbold\27[0m"
    assert.equal("a red and bold", plain)
    assert.same({ { 2, 5, "fg=1" }, { 10, 14, "bold,underline" } }, spans)
    assert.same({ bold = true, underline = true }, styled.look "bold,underline")
  end)

  it("may have all colours there are", function()
    for sequence, key in pairs {
      ["97"] = "fg=15",
      ["44;30"] = "fg=0,bg=4",
      ["38;5;208"] = "fg=208",
      ["48;2;1;2;255"] = "bg=#0102ff",
      ["38:5:9"] = "fg=9",
      ["1;22;3"] = "italic",
      ["31;39;7"] = "reverse",
    } do
      local _, spans = styled.line(("\27[%smx"):format(sequence))
      assert.same({ { 0, 1, key } }, spans)
    end
    assert.same({ fg = "#0102ff" }, styled.look "fg=#0102ff")
  end)

  it("is harmless whatever is in it", function()
    for _, line in ipairs {
      "\27[2J\27[Hgone",
      "\27]0;title\7text",
      "\27[38;5mx",
      "\27[38;2;1;2mx",
      "\27[999999999999999999999mx",
      "\27[\27[\27[31",
      "a\r\nb\8\8\0c\255",
    } do
      local plain, spans = styled.line(line)
      assert.falsy(plain:find "%c", line)
      for _, span in ipairs(spans or {}) do
        assert.is_true(span[1] < span[2] and span[2] <= #plain)
      end
    end
  end)
end)

describe("words", function()
  local rows = {
    { name = "job", word = "JOB", help = "", kind = kinds.text },
    { name = "build_no", word = "NUMBER", help = "", kind = kinds.integer(1), optional = true },
    { name = "--key", word = "KEY", help = "", kind = kinds.key },
    { name = "--param", word = "NAME=VALUE", help = "", kind = kinds.pair, many = true },
    { name = "--when-lost", word = "WHAT", help = "", values = { "stop", "resend" } },
    { name = "--none", help = "", excludes = { "--key" } },
  }

  local function read(list)
    return words.values(rows, words.sort(rows, list))
  end

  it("are read by rows", function()
    assert.same(
      {
        job = "nightly",
        build_no = 20,
        key = "k",
        param = { { name = "A", value = "1" }, { name = "B", value = "=" } },
        when_lost = "stop",
      },
      read({
        "--key=k",
        "nightly",
        "--param",
        "A=1",
        "20",
        "--param=B==",
        "--when-lost",
        "stop",
      })
    )
    assert.same({ job = "a", param = {}, none = true }, read { "a", "--none" })
  end)

  it("that make no sense are named", function()
    for problem, list in pairs {
      ["missing argument 'JOB'"] = {},
      ["too many arguments: c"] = { "a", "1", "c" },
      ["unknown option '--kez'"] = { "a", "--kez" },
      ["unknown option '-PASS'"] = { "a", "-PASS=Pa55word" },
      ["option '--key' requires an argument"] = { "a", "--key" },
      ["option '--when-lost' requires an argument"] = { "a", "--when-lost", "--key", "k" },
      ["option '--none' does not take arguments"] = { "a", "--none=1" },
      ["NUMBER: expected an integer"] = { "a", "b" },
      ["--when-lost: expected one of stop, resend"] = { "a", "--when-lost", "x" },
      ["--none can not be used together with --key"] = { "a", "--key", "k", "--none" },
    } do
      local values, said = read(list)
      assert.is_nil(values)
      assert.truthy(said:find(problem, 1, true), said)
    end
  end)
end)

describe("the words of :CodeArts", function()
  it("are read as the command reads them", function()
    local arguments = require "codearts.build.cli.arguments"
    local command = arguments.command "run"
    local A, B = ("a"):rep(32), ("b"):rep(32)
    for _, list in ipairs {
      {},
      { A },
      { "--branch", "main", B },
      { A, "--branch", "main", B },
      { A, "--branch", "--key", "K" },
      { A, "--branch", "-x" },
      { A, "--branch" },
      { A, "--branch=" },
      { A, "--branch", "" },
      { A, "--branch=-x" },
      { A, "--wait=1" },
      { A, "--wait", B },
      { A, "--key", "K", "--key", "L" },
      { A, "--param", "X=1", "--param=Y==2" },
      { A, "--param", "X" },
      { A, "--when-lost", "x" },
      { A, "--nothing" },
      { A, "-b" },
      { A, "--json", "--output", "json" },
    } do
      local told = table.concat(list, " ")
      local expected = arguments.parse { "run", unpack(list) }
      local values = words.values(command.rows, words.sort(command.rows, list))
      if values and arguments.complete(command, values) then
        values = nil
      end
      if expected then
        expected.run, expected.command = nil, nil
      end
      assert.same(expected or "refused", values or "refused", told)
    end
  end)

  it("take no option that this editor would not heed", function()
    local command = require "codearts.build.nvim.command"
    for _, name in ipairs(command.NAMES) do
      for _, row in ipairs(command.WORDS[name].rows()) do
        for _, option in ipairs { "--key-store", "--endpoint", "--region", "--json", "--wait" } do
          assert.not_equal(option, row.name, name)
        end
      end
    end
  end)
end)

-- What is at hand, and the settings, without an editor.
local function with_at_hand(here, started, f)
  local stands_in = {
    ["codearts.build.nvim.watch"] = {
      started = started,
      starting = {},
      doubt = function()
        return started and not started.number and "which NUMBER"
      end,
    },
    ["codearts.build.nvim.settings"] = {
      get = function()
        return {}
      end,
    },
  }
  local jobs = require "codearts.build.nvim.jobs"
  local before = jobs.here
  function jobs.here()
    return here
  end
  for name, module in pairs(stands_in) do
    package.loaded[name] = module
  end
  local ok, problem = pcall(f, require "codearts.build.nvim.command")
  for name in pairs(stands_in) do
    package.loaded[name] = nil
  end
  jobs.here = before
  assert(ok, problem)
end

describe("the page of a job", function()
  it("is kept without what does not tell the job, which may be a ticket", function()
    local jobs = require "codearts.build.nvim.jobs"
    local P = "https://console.example.com/codeci/project/" .. ("c"):rep(32)
    local page = "https://console.example.com:8443/codeci"
    local job = ("b"):rep(31)
    for index, pair in ipairs {
      { P .. "/detail/%s", "" },
      { P .. "/detail/%s", "?authToken=TICKET" },
      { P .. "/detail/%s", "?authToken=TICKET#step" },
      { P .. "/detail/%s", "#authToken=TICKET" },
      { P .. "/detail/%s/20", "?authToken=" .. ("d"):rep(32) },
      { page .. "#/detail/%s", "?authToken=TICKET" },
      { page .. "?jobId=%s", "&authToken=TICKET#step" },
      { page .. "?projectId=c&jobId=%s", "#TICKET" },
    } do
      local id = job .. index
      jobs.note_page(pair[1]:format(id) .. pair[2])
      assert.equal(pair[1]:format(id), jobs.page(id))
    end
    local id = job .. "x"
    jobs.note_page(page .. "?authToken=TICKET#/detail/" .. id)
    assert.equal(page .. "#/detail/" .. id, jobs.page(id))
  end)
end)

describe("what is at hand", function()
  local A, B, P = ("a"):rep(32), ("b"):rep(32), ("c"):rep(32)
  local AT_HAND = {
    { "a build that was started", nil, { job_id = A, number = 7 } },
    { "the build of a buffer", { job = A, number = 7 }, nil },
  }

  local function targets(values)
    local list = {}
    for index, target in ipairs(values.targets) do
      list[index] = target.id or target.name
    end
    return table.concat(list, " ")
  end

  for _, row in ipairs(AT_HAND) do
    it(("is not meant where a job is named, wherever that stands: %s"):format(row[1]), function()
      with_at_hand(row[2], row[3], function(command)
        for _, words_before in ipairs {
          { "--branch", "main" },
          { "--branch=main" },
          { "--key", "release-1" },
          { "--run-id", "RUN_ID" },
          { "NAME=VALUE" },
          { "--param", "NAME=VALUE", "--tag", "v1" },
          {},
        } do
          local list = { unpack(words_before) }
          list[#list + 1] = B
          assert.equal(B, targets(command.values("run", list)), table.concat(list, " "))
          list[#list] = nil
          assert.equal(A, targets(command.values("run", list)), table.concat(list, " "))
        end
        for _, name in ipairs { "stop", "log", "wait", "status" } do
          local values = command.values(name, { "--project", P, B, "4" })
          assert.same({ B, 4 }, { values.job.id, values.build_no }, name)
          values = command.values(name, { "--project", P, "4" })
          assert.same({ A, 4 }, { values.job.id, values.build_no }, name)
          values = command.values(name, { "--project", P, B })
          assert.same({ B }, { values.job.id, values.build_no }, name)
          values = command.values(name, { "--project", P })
          assert.same({ A, 7 }, { values.job.id, values.build_no }, name)
        end
        assert.equal(B, command.values("history", { "--project", P, B }).job.id)
        assert.equal(A, command.values("history", { "--project", P }).job.id)
      end)
    end)
  end

  it("need not be known where a build is named", function()
    with_at_hand(nil, { job_id = A }, function(command)
      local values = command.values("stop", { "--project", P, B, "4" })
      assert.same({ B, 4 }, { values.job.id, values.build_no })
      assert.has_error(function()
        command.values("stop", { "--project", P })
      end)
    end)
  end)

  it("is not meant where the address of a job has a query", function()
    with_at_hand(nil, { job_id = A, number = 7 }, function(command)
      for _, page in ipairs {
        ("https://console.example.com/codeci/project/%s/%s?locale=en-us"):format(P, B),
        ("console.example.com/codeci/project/%s/%s?locale=en-us"):format(P, B),
        ("https://console.example.com/codeci/project/%s/build?jobId=%s"):format(P, B),
      } do
        local values = command.values("run", { page, "WHERE=" .. page })
        assert.equal(B, targets(values), page)
        assert.same({ { name = "WHERE", value = page } }, values.param)
      end
    end)
  end)
end)

describe("a long list", function()
  it("is sorted a bit at a time, equal items in their order", function()
    local sorted = require "codearts.build.cli.sorted"
    for count = 0, 40 do
      local list, bits = {}, 0
      for index = 1, count do
        list[index] = { index * 7919 % 11, index }
      end
      local after = sorted(list, function(a, b)
        return a[1] < b[1]
      end, function()
        bits = bits + 1
      end)
      assert.equal(count, #after)
      for index = 2, count do
        local a, b = after[index - 1], after[index]
        assert.is_true(a[1] < b[1] or a[1] == b[1] and a[2] < b[2])
      end
      assert.is_true(bits <= count * 6)
    end
  end)
end)
