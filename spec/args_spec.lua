-- The arguments of RunJob: what goes on the wire, and what is refused before anything is sent
-- (API reference 1.2). Checked at a real server.
local build = require "codearts.build"
local locale = require "spec.support.locale"
local run_job = require "spec.support.run_job"

local JOB = run_job.JOB_ID
local LIMIT = 12 * 1024 * 1024
local has_integers = math.type ~= nil

-- The body for a job with these members, as JSON text.
local function body(members)
  return ('{"job_id":"%s"%s}'):format(JOB, members and "," .. members or "")
end

local function args(more)
  local all = { job_id = JOB }
  for name, value in pairs(more) do
    all[name] = value
  end
  return all
end

-- Raises when anything of the table is looked at by other than raw access, or written.
local function guarded(table)
  local function trap(event)
    return function()
      error("the metamethod " .. event .. " ran", 2)
    end
  end
  local meta = {}
  for _, event in ipairs {
    "index",
    "newindex",
    "len",
    "pairs",
    "ipairs",
    "eq",
    "lt",
    "le",
    "tostring",
  } do
    meta["__" .. event] = trap(event)
  end
  return setmetatable(table, meta)
end

local function dump(value)
  if type(value) ~= "table" then
    return type(value) .. ":" .. tostring(value)
  end
  local parts = {}
  for k, v in next, value do
    parts[#parts + 1] = dump(k) .. "=" .. dump(v)
  end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

describe("the arguments of a build", function()
  local bench
  setup(function()
    bench = run_job.start()
  end)
  teardown(function()
    bench:stop()
  end)

  local function on_the_wire(more)
    return (bench:sent(args(more))).body
  end

  -- The text of a parameter's value as it was sent.
  local function value_text(value)
    local sent = on_the_wire { parameter = { v = value } }
    return sent:match '^{"job_id":"%w+","parameter":%[{"name":"v","value":(".*")}%]}$'
  end

  it("go out as the API reference shows", function()
    local request = bench:sent {
      job_id = JOB,
      parameter = { codeBranch = "master" },
      scm = { build_tag = build.null, build_commit_id = "build_commit_id" },
    }
    assert.equal(
      body(
        '"parameter":[{"name":"codeBranch","value":"master"}],'
          .. '"scm":{"build_tag":null,"build_commit_id":"build_commit_id"}'
      ),
      request.body
    )
    assert.equal("POST", request.method)
    assert.equal("/v3/jobs/build", request.path)
    assert.equal("application/json", request.headers["content-type"])
    assert.equal(run_job.TOKEN, request.headers["x-auth-token"])
    assert.equal(tostring(#request.body), request.headers["content-length"])
    assert.equal("127.0.0.1:" .. bench.server.port, request.headers.host)
  end)

  it("send these headers and no others", function()
    local request = bench:sent { job_id = JOB }
    assert.equal(
      table.concat({
        "POST /v3/jobs/build HTTP/1.1",
        "Host: 127.0.0.1:" .. bench.server.port,
        "Accept: */*",
        "User-Agent: codearts-build/" .. build._VERSION,
        "Content-Type: application/json",
        "X-Auth-Token: " .. run_job.TOKEN,
        "Content-Length: " .. #request.body,
        "",
        "",
      }, "\r\n"),
      request.head:match "^.-\r\n\r\n"
    )
  end)

  describe("that are left out", function()
    for name, more in pairs {
      ["nothing given"] = {},
      ["empty parameter"] = { parameter = {} },
      ["empty scm"] = { scm = {} },
      ["both empty"] = { parameter = {}, scm = {} },
    } do
      it("do not appear: " .. name, function()
        assert.equal(body(), on_the_wire(more))
      end)
    end
  end)

  describe("in scm", function()
    it("come in one order, each on its own", function()
      local all = {}
      for _, name in ipairs {
        "build_tag",
        "build_commit_id",
        "branch",
        "build_type",
        "repo_id",
        "repo_name",
        "scm_type",
        "url",
      } do
        assert.equal(
          body(('"scm":{"%s":"x"}'):format(name)),
          on_the_wire { scm = { [name] = "x" } }
        )
        assert.equal(
          body(('"scm":{"%s":null}'):format(name)),
          on_the_wire { scm = { [name] = build.null } }
        )
        all[name] = name
      end
      assert.equal(
        body(
          '"scm":{"build_tag":"build_tag","build_commit_id":"build_commit_id","branch":"branch",'
            .. '"build_type":"build_type","repo_id":"repo_id","repo_name":"repo_name",'
            .. '"scm_type":"scm_type","url":"url"}'
        ),
        on_the_wire { scm = all }
      )
    end)

    it("may be empty texts", function()
      assert.equal(body '"scm":{"branch":""}', on_the_wire { scm = { branch = "" } })
    end)

    it("take Neovim's vim.NIL for null, and no other userdata", function()
      local nil_of_the_editor = io.stdout -- a userdata
      rawset(_G, "vim", { NIL = nil_of_the_editor })
      local ok, sent = pcall(on_the_wire, { scm = { build_tag = nil_of_the_editor } })
      rawset(_G, "vim", nil)
      assert.is_true(ok, sent)
      assert.equal(body '"scm":{"build_tag":null}', sent)
      local _, err = bench.client:try_run(args { scm = { build_tag = nil_of_the_editor } })
      assert.equal("scm.build_tag", err.field)
    end)

    it("look for vim without asking a strict global table", function()
      local before = getmetatable(_G)
      setmetatable(_G, {
        __index = function(_, name)
          error("undeclared variable " .. tostring(name))
        end,
      })
      local ok, result, err =
        pcall(bench.client.try_run, bench.client, args { scm = { build_tag = io.stdout } })
      setmetatable(_G, before)
      assert.is_true(ok, result)
      assert.equal("scm.build_tag", err.field)
    end)
  end)

  describe("in parameter", function()
    it("are sorted by the bytes of their names when given as a map", function()
      assert.equal(
        body(
          '"parameter":[{"name":"","value":"0"},{"name":"A","value":"1"},{"name":"B","value":"2"},'
            .. '{"name":"_","value":"3"},{"name":"a","value":"4"},{"name":"a1","value":"5"},'
            .. '{"name":"a10","value":"6"},{"name":"a2","value":"7"},{"name":"\195\164","value":"8"}]'
        ),
        on_the_wire {
          parameter = {
            ["\195\164"] = 8,
            a2 = 7,
            a10 = 6,
            a1 = 5,
            a = 4,
            _ = 3,
            B = 2,
            A = 1,
            [""] = 0,
          },
        }
      )
    end)

    it("keep their order when given as an array", function()
      assert.equal(
        body '"parameter":[{"name":"z","value":"1"},{"name":"a","value":"2"},{"name":"m","value":"3"}]',
        on_the_wire {
          parameter = {
            { name = "z", value = 1 },
            { name = "a", value = 2 },
            { value = 3, name = "m" },
          },
        }
      )
    end)

    it("are sent whatever their names: those rules are the service's", function()
      assert.equal(
        body '"parameter":[{"name":"PATH","value":""},{"name":"with blank","value":"\\u0000"}]',
        on_the_wire { parameter = { PATH = "", ["with blank"] = "\0" } }
      )
    end)

    it("become texts", function()
      for _, case in ipairs {
        { "master", '"master"' },
        { "", '""' },
        { true, '"true"' },
        { false, '"false"' },
        { 1, '"1"' },
        { 1.0, '"1"' },
        { -1, '"-1"' },
        { 0, '"0"' },
        { -0.0, '"0"' },
        { 100, '"100"' },
        { 1e15, '"1000000000000000"' },
        { 2 ^ 53, '"9007199254740992"' },
        { -2 ^ 53, '"-9007199254740992"' },
        { 2 ^ 53 + 2, '"9007199254740994"' },
        { 2 ^ 53 * 4, '"3.602879701896397e+16"' },
        { 0.1, '"0.1"' },
        { -0.5, '"-0.5"' },
        { 0.1 + 0.2, '"0.30000000000000004"' },
        { 1 / 3, '"0.3333333333333333"' },
        { 123.456, '"123.456"' },
        { 1e21, '"1e+21"' },
        { 1e300, '"1e+300"' },
        { 1.7976931348623157e308, '"1.7976931348623157e+308"' },
        { 5e-324, '"5e-324"' },
        { 1e-7, '"1e-07"' },
        { 4503599627370495.5, '"4503599627370495.5"' },
      } do
        assert.equal(case[2], value_text(case[1]))
      end
    end)

    it("are read back equal, and no shorter text would be", function()
      local seed = 42
      local function random()
        seed = (seed * 16807) % 2147483647
        return seed / 2147483647
      end
      local list = {}
      for i = 1, 400 do
        local exponent = math.floor(random() * 120) - 60
        list[i] = { name = "p" .. i, value = (random() - 0.5) * 2 ^ exponent }
      end
      local sent, count = on_the_wire { parameter = list }, 0
      for name, text in sent:gmatch '"name":"p(%d+)","value":"([^"]+)"' do
        local value = list[tonumber(name)].value
        assert.equal(value, locale.number(text))
        local digits = text:gsub("e.*", ""):gsub("%D", ""):gsub("^0+", "")
        if #digits > 1 and value % 1 ~= 0 then
          assert.are_not.equal(value, tonumber((("%%.%dg"):format(#digits - 1)):format(value)))
        end
        count = count + 1
      end
      assert.equal(#list, count)
    end)

    it("keep every digit of an integer", function()
      if has_integers then
        assert.equal('"9223372036854775807"', value_text(math.maxinteger))
        assert.equal('"-9223372036854775808"', value_text(math.mininteger))
        assert.equal('"9007199254740993"', value_text(math.tointeger(2 ^ 53) + 1))
      else
        assert.equal('"9.223372036854776e+18"', value_text(2 ^ 63))
      end
    end)

    it("are escaped as JSON wants, and no more", function()
      for _, case in ipairs {
        { '"', [["\""]] },
        { "\\", [["\\"]] },
        { "a/b", [["a/b"]] },
        { "\b\f\n\r\t", [["\b\f\n\r\t"]] },
        { "\0\1\31", [["\u0000\u0001\u001f"]] },
        { "\127", '"\127"' },
        { "<script>&'", [["<script>&'"]] },
        { "\195\164\226\130\172\240\159\152\128", '"\195\164\226\130\172\240\159\152\128"' },
        { "\226\128\168\226\128\169", '"\226\128\168\226\128\169"' },
        { "\239\191\191", '"\239\191\191"' },
        { "\244\143\191\191", '"\244\143\191\191"' },
        { "\\u0041", [["\\u0041"]] },
        { "1", '"1"' },
        { "null", '"null"' },
      } do
        assert.equal(case[2], value_text(case[1]))
      end
    end)

    it("may be many", function()
      local list, expected = {}, {}
      for i = 1, 1500 do
        list[i] = { name = "p" .. i, value = i }
        expected[i] = ('{"name":"p%d","value":"%d"}'):format(i, i)
      end
      assert.equal(
        body('"parameter":[' .. table.concat(expected, ",") .. "]"),
        on_the_wire { parameter = list }
      )
      local map, length = {}, #body '"parameter":[]' - 1
      for i = 1, 10000 do
        map[("p%05d"):format(i)] = i
        length = length + #('{"name":"p00000","value":"%d"},'):format(i)
      end
      assert.equal(length, bench:sent(args { parameter = map }).body_length)
    end)
  end)

  describe("are only read", function()
    it("without any metamethod", function()
      local given = guarded {
        job_id = JOB,
        parameter = guarded {
          guarded { name = "a", value = 1 },
          guarded { name = "b", value = true },
        },
        scm = guarded { build_tag = build.null },
      }
      assert.equal(
        body '"parameter":[{"name":"a","value":"1"},{"name":"b","value":"true"}],"scm":{"build_tag":null}',
        (bench:sent(given, guarded {})).body
      )
      given = guarded { job_id = JOB, parameter = guarded { b = 2, a = 1 } }
      assert.equal(
        body '"parameter":[{"name":"a","value":"1"},{"name":"b","value":"2"}]',
        (bench:sent(given)).body
      )
    end)

    it("and are what the table holds, not what it seems to hold", function()
      local seems = setmetatable({}, { __index = { job_id = JOB } })
      local _, err = bench.client:try_run(seems)
      assert.equal("job_id", err.field)
      assert.equal(body(), on_the_wire { parameter = setmetatable({}, { __index = { a = "b" } }) })
    end)

    it("and never written to", function()
      local given = {
        job_id = JOB,
        parameter = { { name = "n", value = 1.0 }, { name = "m", value = 2 } },
        scm = { build_tag = build.null, branch = "x" },
      }
      local opts =
        { headers = { ["X-A"] = "b" }, run_id = { parameter = "R" }, retry = { max_attempts = 1 } }
      local before = dump(given) .. dump(opts)
      bench:sent(given, opts)
      bench.server:script { "error_500" }
      bench.client:try_run(given, opts)
      given.scm.url = 1
      local refused = dump(given)
      local _, err = bench.client:try_run(given, opts)
      assert.equal("scm.url", err.field)
      assert.equal(refused, dump(given))
      given.scm.url = nil
      assert.equal(before, dump(given) .. dump(opts))
    end)

    it("and may be used again, and changed, once the call has begun", function()
      bench.server:reset()
      local given = args { parameter = { { name = "n", value = "1" } } }
      local first = bench.client:start(given)
      given.parameter[1].value = "2"
      local second = bench.client:start(given)
      first:wait()
      second:wait()
      local seen = {}
      for _, request in ipairs(bench.server:stats().requests) do
        seen[#seen + 1] = request.body:match '"value":"(%d)"'
      end
      table.sort(seen)
      assert.same({ "1", "2" }, seen)
    end)
  end)

  describe("run_id", function()
    local UUID = ("x"):rep(8) .. "-xxxx-4xxx-yxxx-" .. ("x"):rep(12)
    UUID = "^" .. UUID:gsub("%-", "%%-"):gsub("x", "[0-9a-f]"):gsub("y", "[89ab]") .. "$"
    local opts = { run_id = { parameter = "RUN_ID" } }

    it("adds one parameter with a fresh UUID", function()
      local seen = {}
      for _, parameter in ipairs { {}, { a = 1 }, { { name = "a", value = 1 } }, { RUN_IDS = 1 } } do
        local sent = (bench:sent(args { parameter = parameter }, opts)).body
        local name, id = sent:match '{"name":"(RUN_ID)","value":"([^"]*)"}%]}$'
        assert.equal("RUN_ID", name)
        assert.truthy(id:match(UUID), id)
        assert.is_nil(seen[id])
        seen[id] = true
      end
    end)

    it("must not be one of the given parameters", function()
      for _, parameter in ipairs { { RUN_ID = 1 }, { { name = "RUN_ID", value = 1 } } } do
        local _, err = bench.client:try_run(args { parameter = parameter }, opts)
        assert.equal("run_id.parameter", err.field)
        assert.equal("usage", err.kind)
      end
    end)
  end)

  it("of more than 12 MB are refused, and of just 12 MB are sent", function()
    local frame = #body '"parameter":[{"name":"x","value":""}]'
    local text = ("x"):rep(LIMIT - frame)
    assert.equal(LIMIT, bench:sent(args { parameter = { x = text } }).body_length)
    bench.server:reset()
    local _, err = bench.client:try_run(args { parameter = { x = text .. "x" } })
    assert.equal("usage", err.kind)
    assert.equal("parameter", err.field)
    assert.equal(0, bench.server:stats().processed)
  end)

  -- What is refused, by the field that the error names.
  local long = ("x"):rep(1000000)
  local cyclic = { job_id = JOB }
  cyclic.parameter = cyclic
  local deep = {}
  for _ = 1, 100000 do
    deep = { deep }
  end
  local hole = { { name = "a", value = 1 }, nil, { name = "c", value = 1 } }
  local second = function(entry)
    return args { parameter = { { name = "a", value = 1 }, entry } }
  end
  local BAD = {
    { "args", nil },
    { "args", "f9d6c8466d614a9788e9a0acf6c15f46" },
    { "args", 1 },
    { "args", true },
    { "args", print },
    { "args", build.null },
    { "job_id", {} },
    { "job_id", { job_id = 1 } },
    { "job_id", { job_id = tonumber(("1"):rep(32)) } },
    { "job_id", { job_id = true } },
    { "job_id", { job_id = {} } },
    { "job_id", { job_id = build.null } },
    { "job_id", { job_id = "" } },
    { "job_id", { job_id = JOB:sub(2) } },
    { "job_id", { job_id = JOB .. "0" } },
    { "job_id", { job_id = JOB:sub(1, 31) .. "-" } },
    { "job_id", { job_id = JOB:sub(1, 31) .. "\0" } },
    { "job_id", { job_id = JOB:sub(1, 31) .. "\n" } },
    { "job_id", { job_id = JOB .. "\n" } },
    { "job_id", { job_id = " " .. JOB:sub(2) } },
    { "job_id", { job_id = ("\195\164"):rep(16) } },
    { "job_id", { job_id = ("/"):rep(32) } },
    { "job_id", { job_id = long } },
    { "jobid", { job_id = JOB, jobid = JOB }, "job_id" },
    { "Job_id", { job_id = JOB, Job_id = JOB }, "job_id" },
    { "parameters", args { parameters = {} }, "parameter" },
    { "params", args { params = {} } },
    { "smc", args { smc = {} }, "scm" },
    { "elsewhere", args { elsewhere = 1 } },
    { "elsewhere", args { elsewhere = false } },
    { "scm", args { ["scm\0"] = {} } },
    { [=[[""]]=], args { [""] = 1 } },
    { "[1]", args { 1 } },
    { "[2]", args { [2] = "x" } },
    { "[1.5]", args { [1.5] = 1 } },
    { "[true]", args { [true] = 1 } },
    { "[table]", args { [{}] = 1 } },
    { "parameter", args { parameter = "a=b" } },
    { "parameter", args { parameter = 1 } },
    { "parameter", args { parameter = false } },
    { "parameter", args { parameter = build.null } },
    { "parameter", args { parameter = { a = 1, "b" } } },
    { "parameter", args { parameter = { { name = "a", value = 1 }, a = 1 } } },
    { "parameter", args { parameter = { [0] = { name = "a", value = 1 } } } },
    { "parameter", args { parameter = { [2] = { name = "a", value = 1 } } } },
    { "parameter", args { parameter = { [1.5] = { name = "a", value = 1 } } } },
    { "parameter", args { parameter = { [true] = "x" } } },
    { "parameter", args { parameter = { [print] = "x" } } },
    {
      "parameter",
      args { parameter = { { name = "a", value = 1 }, [10] = { name = "b", value = 1 } } },
    },
    { "parameter", args { parameter = { ["\255"] = 1 } } },
    { "parameter[1]", args { parameter = { "a=b" } } },
    { "parameter[1]", args { parameter = { 1 } } },
    { "parameter[1]", args { parameter = { build.null } } },
    { "parameter[2]", second(print) },
    { "parameter[1].name", args { parameter = { {} } } },
    { "parameter[1].name", args { parameter = { { value = 1 } } } },
    { "parameter[1].name", args { parameter = { { name = 1, value = 1 } } } },
    { "parameter[1].name", args { parameter = { { name = build.null, value = 1 } } } },
    { "parameter[1].name", args { parameter = { { name = "\195", value = 1 } } } },
    { "parameter[1].value", args { parameter = { { name = "a" } } } },
    { "parameter[2].value", second { name = "b" } },
    { "parameter[2].value", second { name = "b", value = {} } },
    { "parameter[2].value", second { name = "b", value = build.null } },
    { "parameter[2].value", second { name = "b", value = print } },
    { "parameter[2].value", second { name = "b", value = 0 / 0 } },
    { "parameter[2].value", second { name = "b", value = math.huge } },
    { "parameter[2].value", second { name = "b", value = -math.huge } },
    { "parameter[2].value", second { name = "b", value = "\128" } },
    { "parameter[2].value", second { name = "b", value = deep } },
    { "parameter[2].name", second { name = "a", value = 1 } },
    { "parameter[2].type", second { name = "b", value = 1, type = "x" } },
    { "parameter[2][1]", second { "b", 1 } },
    { "parameter.a", args { parameter = { a = {} } } },
    { "parameter.a", args { parameter = { a = build.null } } },
    { "parameter.a", args { parameter = { a = 0 / 0 } } },
    { "parameter.a", args { parameter = { a = 1 / 0 } } },
    { "parameter.a", args { parameter = { a = "\255\254" } } },
    { "parameter.value", args { parameter = { name = "a", value = {} } } },
    { "parameter.parameter", cyclic },
    { "scm", args { scm = "master" } },
    { "scm", args { scm = 1 } },
    { "scm", args { scm = true } },
    { "scm", args { scm = build.null } },
    { "scm.build_tag", args { scm = { build_tag = 1 } } },
    { "scm.build_tag", args { scm = { build_tag = false } } },
    { "scm.build_tag", args { scm = { build_tag = {} } } },
    { "scm.build_tag", args { scm = { build_tag = "\237\160\128" } } },
    { "scm.build_commit_id", args { scm = { build_commit_id = 1 } } },
    { "scm.branch", args { scm = { branch = 1 } } },
    { "scm.build_type", args { scm = { build_type = 1 } } },
    { "scm.repo_id", args { scm = { repo_id = 1 } } },
    { "scm.repo_name", args { scm = { repo_name = 1 } } },
    { "scm.scm_type", args { scm = { scm_type = 1 } } },
    { "scm.url", args { scm = { url = 1 } } },
    { "scm.build_tags", args { scm = { build_tags = "v1" } }, "build_tag" },
    { "scm.tag", args { scm = { tag = "v1" } } },
    { "scm.url", args { scm = { ["url\0x"] = "y" } } },
    { "scm[1]", args { scm = { "master" } } },
  }

  it("that are bad are usage errors with their field, and nothing is sent", function()
    bench.server:reset()
    for i, case in ipairs(BAD) do
      local field, given, hint = case[1], case[2], case[3]
      local ok, result, err = pcall(bench.client.try_run, bench.client, given)
      local at = ("row %d, %s"):format(i, field)
      assert.is_true(ok, at)
      assert.is_nil(result, at)
      assert.is_true(build.is_error(err), at)
      assert.equal("usage", err.kind, at)
      assert.equal(field, err.field, at)
      assert.equal("not_started", err.outcome, at)
      assert.equal(tostring(err), tostring(err):match "^[^\n]*$")
      assert.truthy(tostring(err):find("no build was started", 1, true))
      if hint then
        assert.truthy(err.message:find("did you mean '" .. hint .. "'", 1, true), err.message)
      end
      local raised_ok, raised = pcall(bench.client.run, bench.client, given)
      assert.is_false(raised_ok, at)
      assert.equal(err.message, raised.message)
      local started_ok, started = pcall(bench.client.start, bench.client, given)
      assert.is_false(started_ok, at)
      assert.equal(err.field, started.field)
    end
    -- The border of an array with a hole may be anywhere: the table or its entry is named.
    local _, err = bench.client:try_run(args { parameter = hole })
    assert.equal("usage", err.kind)
    assert.truthy(err.field == "parameter" or err.field == "parameter[2]", err.field)
    bench.client:step(0)
    local stats = bench.server:stats()
    assert.equal(0, stats.connections)
    assert.equal(0, stats.bytes)
  end)

  it("with a name of any length are refused with the beginning of that name", function()
    for _, given in ipairs { { [long] = 1 }, args { scm = { [long] = 1 } } } do
      local _, err = bench.client:try_run(given)
      assert.equal("usage", err.kind)
      assert.is_true(#err.field < 200 and #err.message < 1000)
      assert.truthy(err.field:find("xxxx", 1, true))
    end
    local _, err = bench.client:try_run(args { parameter = { [long] = {} } })
    assert.truthy(err.field:find("^parameter%.xxxx"))
  end)

  it("must be UTF-8 in its strict form, wherever a text stands", function()
    local BYTES = {
      "\128",
      "\191", -- continuation alone
      "\192\128",
      "\193\191",
      "\224\128\128",
      "\224\159\191",
      "\240\128\128\128",
      "\240\143\191\191", -- overlong
      "\237\160\128",
      "\237\191\191", -- surrogates
      "\244\144\128\128",
      "\245\128\128\128",
      "\248\136\128\128\128",
      "\252\132\128\128\128\128", -- too large
      "\254",
      "\255", -- never
      "\194",
      "\224\160",
      "\240\144\128", -- cut off
      "\194a",
      "\224\160a",
      "\240\144\128a",
      "\194\194", -- broken off
      "good \195\164 then \255",
    }
    for _, text in ipairs(BYTES) do
      for field, given in pairs {
        ["parameter"] = { parameter = { [text] = "x" } },
        ["parameter.v"] = { parameter = { v = text } },
        ["parameter[1].name"] = { parameter = { { name = text, value = "x" } } },
        ["parameter[1].value"] = { parameter = { { name = "x", value = text } } },
        ["scm.branch"] = { scm = { branch = text } },
      } do
        local _, err = bench.client:try_run(args(given))
        assert.equal("usage", err.kind)
        assert.equal(field, err.field)
      end
    end
    for _, text in ipairs {
      "\194\128",
      "\223\191",
      "\224\160\128",
      "\237\159\191",
      "\238\128\128",
      "\240\144\128\128",
      "\244\143\191\191",
    } do
      assert.equal(('"%s"'):format(text), value_text(text))
    end
  end)
end)
