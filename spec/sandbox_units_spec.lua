-- The parts of the sandbox that need no server.

local clock = require("codearts.build.sandbox.clock")
local client = require("spec.support.sandbox_client")
local jobs = require("codearts.build.sandbox.jobs")
local json = require("codearts.build.sandbox.json")
local log = require("codearts.build.sandbox.log")
local read_file = require "spec.support.read_file"
local signature = require("codearts.build.sandbox.signature")
local utf8_text = require("codearts.build.sandbox.utf8")

describe("the sandbox's signature check", function()
  local data, vectors = json.decode(read_file("spec/data/sign_vectors.json")), {}
  for _, list in ipairs({ data.vectors, data.extra_vectors }) do
    for _, vector in ipairs(list) do
      vectors[#vectors + 1] = vector
    end
  end

  local function body_of(body)
    if body == json.null then
      return ""
    elseif body["repeat"] then
      local part = body["repeat"]
      return part.prefix .. part.unit:rep(part.count) .. part.suffix
    end
    return assert(body.text)
  end

  for _, vector in ipairs(vectors) do
    it("passes the vector " .. vector.name, function()
      local headers = {}
      for _, header in ipairs(vector.final_headers) do
        headers[header[1]:lower()] = header[2]
      end
      local request = {
        method = vector.input.method,
        target = vector.request_target,
        body = body_of(vector.input.body),
        header = function(name)
          return headers[name]
        end,
      }
      local ak, signed, given, how = signature.parse(vector.authorization)
      assert.equal(vector.algorithm or "SDK-HMAC-SHA256", how.algorithm)
      assert.equal(vector.input.ak, ak)
      assert.equal(vector.signed_headers, signed)
      assert.equal(vector.signature, given)
      local canonical = signature.canonical_request(request, signed, how)
      assert.equal(vector.canonical_request, canonical)
      local to_sign = signature.string_to_sign(canonical, vector.input.x_sdk_date, how)
      assert.equal(vector.string_to_sign, to_sign)
      assert.equal(vector.signature, signature.signature(vector.input.sk, to_sign, how))
    end)
  end

  it("covers all 28 of them", function()
    assert.equal(28, #vectors)
  end)
end)

describe("a job file", function()
  local HEAD = 'job {\n  id = "jobjobjobjobjobjobjobjobjobjobjo",\n  name = "x",\n  '
  local STEPS = 'steps = { step { name = "a", run = "true" } }'

  local function load_text(text)
    local path = client.write_file(text)
    local list, message = jobs.load(path)
    os.remove(path)
    return list, message and message:gsub("^" .. path:gsub("%p", "%%%0"), "FILE")
  end

  it("gives jobs in its order, with sorted parameters", function()
    local list = assert(
      load_text(
        HEAD .. 'parameters = { Z = "1", A = { default = "2", secret = true } }, ' .. STEPS .. "}"
      )
    )
    assert.equal(1, #list)
    assert.equal("x", list[1].name)
    assert.same({
      { name = "A", default = "2", secret = true },
      { name = "Z", default = "1", secret = false },
    }, list[1].parameters)
    assert.equal("true", list[1].steps[1].run)
    assert.equal(4, list[1].steps[1].line)
  end)

  it("has a built-in one when there is none", function()
    local list = assert(jobs.load(nil))
    assert.equal(jobs.SAMPLE_ID, list[1].id)
    assert.equal(client.SAMPLE, list[1].id)
  end)

  local BAD = {
    { "", "FILE:1: the file defines no job" },
    { "job {\n  id = \n}", "FILE:3: " },
    { "\n\nprint(1)", "FILE:3: .*'print'" },
    { "\27Lua", "FILE:1: a job file is text" },
    { "\njob(1)", "FILE:2: job takes a table" },
    { "job { idd = 1 }", "FILE:1: job has no member 'idd'" },
    { 'job { id = "short" }', "FILE:1: job: id must be 32 digits and lower%-case letters" },
    { 'job { id = "JOBJOBJOBJOBJOBJOBJOBJOBJOBJOBJO" }', "FILE:1: job: id must be" },
    {
      'job { id = "jobjobjobjobjobjobjobjobjobjobjo" }',
      "FILE:1: job: name must be a text that is not empty",
    },
    { HEAD .. "}", "FILE:1: job: steps must be a list" },
    { HEAD .. "steps = {} }", "FILE:1: job: steps must be a list" },
    { HEAD .. 'steps = { "make" } }', "FILE:1: job: steps%[1%] must be a step: step { name" },
    {
      HEAD .. 'steps = { step { name = "a", run = "b" }, x = 1 } }',
      "FILE:1: job: steps%[x%] must be a step",
    },
    { HEAD .. 'steps = {\n step { name = "a" } } }', "FILE:5: step: run must be a text" },
    {
      HEAD .. 'steps = {\n\n step { name = "", run = "b" } } }',
      "FILE:6: step: name must be a text",
    },
    {
      HEAD .. 'steps = { step { name = "a", run = "b", shell = 1 } } }',
      "FILE:4: step has no member 'shell'",
    },
    {
      HEAD .. 'source = "/no/such/folder", ' .. STEPS .. "}",
      "FILE:1: job: source is not a folder: /no/such/folder",
    },
    { HEAD .. "parameters = 1, " .. STEPS .. "}", "FILE:1: job: parameters must be a table" },
    { HEAD .. "packages = 'x', " .. STEPS .. "}", "FILE:1: job: packages must be a list" },
    {
      HEAD .. "packages = { 1 }, " .. STEPS .. "}",
      "FILE:1: job: packages%[1%] must be a text that is not empty",
    },
    { HEAD .. "packages = { '../x' }, " .. STEPS .. "}", "FILE:1: job: packages must be a list" },
    { HEAD .. "packages = { '/x' }, " .. STEPS .. "}", "FILE:1: job: packages must be a list" },
    {
      HEAD .. "parameters = { A = 1 }, " .. STEPS .. "}",
      "FILE:1: job: parameters.A: the default must be a string",
    },
    {
      HEAD .. 'parameters = { "A" }, ' .. STEPS .. "}",
      "FILE:1: job: parameters.1: the name must be a string",
    },
    {
      HEAD .. 'parameters = { ["A-B"] = "" }, ' .. STEPS .. "}",
      "parameters.A%-B: the name must be 1 to 128 letters",
    },
    {
      HEAD .. 'parameters = { PATH = "" }, ' .. STEPS .. "}",
      "parameters.PATH: the name PATH is not allowed",
    },
    {
      HEAD .. 'parameters = { WORKSPACE = "" }, ' .. STEPS .. "}",
      "parameters.WORKSPACE: the name is one that",
    },
    {
      HEAD .. "parameters = { A = { secret = true } }, " .. STEPS .. "}",
      "parameters.A: the default must be a string",
    },
    {
      HEAD .. 'parameters = { A = { default = "", secret = 1 } }, ' .. STEPS .. "}",
      "A: secret must be true or false",
    },
    {
      HEAD .. 'parameters = { A = { value = "" } }, ' .. STEPS .. "}",
      "parameters.A has no member 'value'",
    },
    {
      HEAD .. STEPS .. "}\n" .. HEAD .. STEPS .. "}",
      "FILE:5: job: the id jobjobjobjobjobjobjobjobjobjobjo is already the id of the job in line 1",
    },
  }
  for _, case in ipairs(BAD) do
    it("with an error is refused: " .. case[2], function()
      local list, message = load_text(case[1])
      assert.is_nil(list)
      assert.matches(case[2], message)
    end)
  end
end)

describe("the sandbox's UTF-8", function()
  it("counts characters and refuses what is none", function()
    assert.equal(0, utf8_text.count(""))
    assert.equal(4, utf8_text.count("a\195\164\226\130\172\240\159\152\128"))
    for _, bad in ipairs({
      "\128",
      "\195",
      "\192\128",
      "\237\160\128",
      "\224\128\128",
      "\244\144\128\128",
      "\245a",
      "\226\130",
    }) do
      assert.is_nil(utf8_text.count(bad))
    end
  end)

  it("repairs byte by byte", function()
    assert.equal("a\239\191\189b\195\164\239\191\189", utf8_text.repair("a\255b\195\164\195"))
  end)
end)

describe("the sandbox's clock", function()
  it("reads and writes the service's forms", function()
    local time = clock.parse_sdk_date("20240229T030405Z")
    assert.equal(1709175845, time)
    assert.equal("2024-02-29T03:04:05.250+00:00", clock.record(time + 0.25))
    assert.equal("2024-02-29T11:04:05+08:00", clock.history(time))
    assert.equal("2024/02/29 11:04:05.000 GMT+08:00", clock.log(time))
    assert.equal("2024-02-29T03:04:05.000000Z", clock.iam(time))
    assert.equal("Thu, 29 Feb 2024 03:04:05 GMT", clock.http(time))
    assert.equal(time, clock.parse_moment("2024-02-29 11:04:05"))
    assert.equal(time - 11045 - 8 * 3600, clock.parse_day("2024-02-29"))
  end)

  it("writes every day, also those that time_t of 32 bits does not know", function()
    assert.equal("Thu, 01 Jan 1970 00:00:00 GMT", clock.http(0))
    assert.equal("Tue, 19 Jan 2038 03:14:08 GMT", clock.http(2 ^ 31))
    assert.equal("9999-12-31T23:59:59+08:00", clock.history(253402271999))
    for year = 1970, 9999 do
      for _, rest in ipairs({ "0101T000000Z", "0228T235959Z", "0301T000000Z", "1231T235959Z" }) do
        local time = clock.parse_sdk_date(("%04d%s"):format(year, rest))
        assert.is_number(time)
      end
    end
  end)

  it("refuses what is no time", function()
    for _, bad in ipairs({ "", "20240230T000000Z", "20240101T240000Z", "2024-01-01T00:00:00Z" }) do
      assert.is_nil(clock.parse_sdk_date(bad))
    end
    assert.is_nil(clock.parse_day("2023-02-29"))
    assert.is_nil(clock.parse_day("2024-1-1"))
    assert.is_nil(clock.parse_moment("2024-01-01"))
  end)
end)

describe("the sandbox's JSON", function()
  it("writes lists, objects and integers for what they are", function()
    assert.equal(
      '{"a":[],"b":{},"c":[1,-2,0.5],"d":null,"e":9007199254740992,"f":"\\"\\\\\\n\\u0001/"}',
      json.encode({
        a = json.list({}),
        b = {},
        c = json.list({ 1, -2, 0.5 }),
        d = json.null,
        e = 2 ^ 53,
        f = '"\\\n\1/',
      })
    )
  end)

  it("refuses what is not JSON", function()
    for _, bad in ipairs({ "", "{", "nope", '"\255"', '{"a":NaN}' }) do
      local value, message = json.decode(bad)
      assert.is_nil(value)
      assert.is_string(message)
    end
  end)
end)

describe("a build's log", function()
  local path, written

  before_each(function()
    path = os.tmpname()
    os.remove(path)
    written = log.new(path)
  end)

  after_each(function()
    os.remove(path)
  end)

  local function plain()
    return (
      ("\n" .. written:page(0, 1e9)):gsub("\n%[%d+/%d+/%d+ [%d:.]+ GMT%+08:00%] ", "\n"):sub(2)
    )
  end

  it("puts the time before each line, however the text comes", function()
    written:output("one\ntw")
    written:output("o\nthr")
    written:line("mine")
    assert.equal("one\ntwo\nthr\nmine\n", plain())
    local bytes = read_file(path)
    assert.matches("^%[%d%d%d%d/%d%d/%d%d %d%d:%d%d:%d%d%.%d%d%d GMT%+08:00%] one\n", bytes)
    assert.equal(#bytes, written.size)
  end)

  it("breaks a line without end, and repairs what is not UTF-8", function()
    written:output(("x"):rep(70000))
    written:finish_line()
    assert.equal(("x"):rep(65536) .. "\n" .. ("x"):rep(4464) .. "\n", plain())
    written:line("\255")
    assert.matches("\239\191\189\n$", plain())
  end)

  it("never cuts a character between two pages", function()
    written:line(("\226\130\172"):rep(50))
    local all, offset = {}, 0
    while offset < written.size do
      local content, following = written:page(offset, 1)
      assert.is_true(following > offset)
      assert.is_number(utf8_text.count(content))
      all[#all + 1] = content
      offset = following
    end
    assert.equal(read_file(path), table.concat(all))
    assert.same({ "", offset }, { written:page(offset, 100) })
    assert.same({ "", offset + 5 }, { written:page(offset + 5, 100) })
  end)

  it("has a limit and says so once", function()
    for _ = 1, 65 do
      written:output((("y"):rep(1023) .. "\n"):rep(1024))
    end
    local tail = written:read(written.size - 60, written.size)
    assert.matches("The log has reached its limit; the rest is dropped%.\n$", tail)
    assert.is_true(written.size <= 64 * 1024 * 1024 + 200)
    assert.equal(#read_file(path), written.size)
  end)
end)
