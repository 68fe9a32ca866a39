-- What a program's locale (os.setlocale) must not change.

local ascii = require("codearts.build.ascii")
local core = require("codearts.build.core")
local host = require("spec.support.host")
local locale = require("spec.support.locale")
if locale.missing() then
  pending("locales: " .. locale.missing())
  return
end
local server = require("spec.support.server").start()

-- The specs of what reads, writes and compares texts; they know no locale either.
local CORE_SPECS = {
  "args",
  "endpoints",
  "errors",
  "found",
  "ini",
  "json",
  "lifecycle",
  "log_lines",
  "operation_call",
  "options",
  "reconcile",
  "refused",
  "regions",
  "result",
  "retry",
  "run",
  "sign",
  "sign_in",
  "url",
}

-- Runs a piece of Lua with the URL of the server in URL and that of a locale in LOCALE.
local function run(name, code)
  return locale.run(("URL=%s LOCALE=%s "):format(server.url, locale.name(name)) .. host.lua([[
        local core = require "codearts.build.core"
        local function set(locale)
          assert(os.setlocale(locale or os.getenv "LOCALE"))
        end
        local function say(ok)
          io.write(ok == true and "" or "not as it should be: " .. tostring(ok), "\n")
        end
        -- Whether JSON is read right.
        local function reads()
          local list = core.decode("[1,2,3.25,-4.5e1]")
          return list and #list == 4 and list[1] == 1 and list[3] * 4 == 13 and list[4] == -45
            and core.decode("[1,2") == nil or list and table.concat(list, " ") or "nothing"
        end
      ]] .. code))
end

setup(function()
  server:reset()
end)

teardown(function()
  server:stop()
end)

for name in pairs(locale.SOURCES) do
  describe("under a " .. name .. " locale", function()
    it("reads JSON, whenever the locale was set", function()
      local output = run(
        name,
        [[
        say(reads())
        for _ = 1, 2 do
          set()
          say(reads())
          say(reads())
          set "C"
          say(reads())
        end]]
      )
      assert.equal(("\n"):rep(7), output)
    end)

    it("reads JSON when its first client is made there, and after it", function()
      local output = run(
        name,
        [[
        set()
        core.new({ endpoint = os.getenv "URL" }):close()
        say(reads())
        set "C"
        say(reads())
        set()
        say(type(require("codearts.build").versions().cjson) == "string")]]
      )
      assert.equal(("\n"):rep(3), output)
    end)

    it("runs a build: what is sent and told is the same", function()
      server:reset()
      server:behave("answer", {
        status = 200,
        body = '{"octopus_job_name":"j_1","actual_build_number":20,"daily_build_number":2.5,"i":[1,2]}',
      })
      local output = run(
        name,
        [[
        local build = require "codearts.build"
        local client = build.new { endpoint = os.getenv "URL", auth = "t", proxy = false }
        local args = { job_id = ("a"):rep(32), parameter = { IDi = 0.5, a = 1e-7, ["I\195\169"] = "\195\137i" } }
        client:run(args)
        set()
        local result = client:run(args)
        say(result.octopus_job_name == "j_1" and result.actual_build_number == "20")
        say(result.daily_build_number == "2.5" and #result.i == 2)
        local err = select(2, client:try_run(args, { timeout = 1e9 }))
        say(not tostring(err):find(",", 1, true) or tostring(err))]]
      )
      assert.equal(("\n"):rep(3), output)
      local requests = server:stats().requests
      assert.equal(2, #requests)
      assert.equal(requests[1].body, requests[2].body)
      assert.truthy(requests[1].body:find('"value":"0.5"', 1, true), requests[1].body)
    end)

    it("calls other operations: paths, members and their order are the same", function()
      server:reset()
      server:behave("answer", { status = 200, body = '{"result":{}}' })
      local output = run(
        name,
        [[
        local build = require "codearts.build"
        local client = build.new { endpoint = os.getenv "URL", auth = "t", proxy = false }
        for i = 1, 2 do
          client:call("AddFavouriteCustomTemplate", { uuid = "\195\137i \194\160I" })
          client:call("CreateTemplate", { name = "n", template = { steps = { {
            module_id = "m",
            name = "n",
            properties = { b = { z = 0.5, A = 1 }, B = {}, ["\195\164"] = {}, a = {}, ["a b"] = {} },
          } } } })
          set()
        end]]
      )
      assert.equal("", output)
      local requests = server:stats().requests
      assert.equal(4, #requests)
      assert.equal(requests[1].path, requests[3].path)
      assert.truthy(requests[1].path:find("/%C3%89i%20%C2%A0I/", 1, true), requests[1].path)
      assert.equal(requests[2].body, requests[4].body)
      assert.truthy(requests[2].body:find('"properties":{"B":', 1, true), requests[2].body)
    end)

    it("tells errors in the same words", function()
      server:reset()
      server:behave("never_answer")
      local output = run(
        name,
        [[
        local _, before = core.file.read "/no/such/file"

        set()
        local _, after = core.file.read "/no/such/file"
        say(before == after or after)
        local client = core.new { endpoint = os.getenv "URL", auth = "a-fake-token", timeout = 0.25, retry = false }
        local job = ("a"):rep(32)
        local _, err = client:try_run { job_id = job, parameter = { [1.5] = "x", a = "x" } }
        say(err.kind == "usage" and not err.message:find ",%d" or err.message)
        _, err = client:try_run { job_id = job }
        say(err.message:find("no answer within 0.25 s", 1, true) ~= nil or err.message)
        _, err = client:try_run({ job_id = job }, { deadline = 0.125 })
        say(err.message:find("the deadline of 0.125 s passed", 1, true) ~= nil or err.message)]]
      )
      assert.equal(("\n"):rep(4), output)
    end)
  end)
end

describe("texts for machines", function()
  it("are read as numbers with a point", function()
    for text, value in pairs({
      ["20"] = 20,
      ["-3"] = -3,
      ["0.5"] = 0.5,
      ["-12.250"] = -12.25,
      ["007.5"] = 7.5,
      ["123456789.987654321"] = 123456789.987654321,
    }) do
      assert.equal(value, ascii.number(text))
    end
    for _, text in ipairs({ "", "x", "0,5", "1.2.3", "." }) do
      assert.is_nil(ascii.number(text))
    end
    assert.equal("-0.5", ascii.decimal("%.1f", -0.5))
    assert.equal("12", ascii.decimal("%.14g", 12))
  end)

  it("have the case of ASCII letters changed, and blanks around them removed", function()
    assert.equal("abc\195\137 1", ascii.lower("AbC\195\137 1"))
    assert.equal("ABC\195\169 1", ascii.upper("AbC\195\169 1"))
    assert.equal("a b\194\160", ascii.trim("\t a b\194\160\r\n"))
  end)

  it("are sorted by their bytes", function()
    assert.same(
      { "A", "Z", "a", "a b", "ab", "\195\164" },
      core.sorted({ "ab", "Z", "\195\164", "a", "a b", "A" })
    )
    assert.same({ "", "a", "a\0", "a\0b", "ab" }, core.sorted({ "ab", "a\0b", "a", "", "a\0" }))
    assert.same({}, core.sorted({}))
    assert.has_error(function()
      core.sorted({ "a", 1 })
    end)
  end)
end)

describe("under a decimal comma, set after the first call,", function()
  it("the core's specs hold", function()
    local files = {}
    for i, name in ipairs(CORE_SPECS) do
      files[i] = "spec/" .. name .. "_spec.lua"
    end
    local output = locale.run(
      ("LOCALE=%s "):format(locale.name("german"))
        .. 'sh -c \'"$LUA" spec/busted.lua --helper=spec/support/under_locale.lua "$@" && echo held\' - '
        .. table.concat(files, " ")
    )
    assert.truthy(output:find("held\n$"), output)
  end)
end)
