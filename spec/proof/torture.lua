-- What torture.c runs with failing allocations. A case has
--   before(t)   with memory for everything: makes what the body needs, in `t`
--   body(t)     the part where an allocation fails
--   fails       true: the body ends with an error whatever happens
-- and `after` below, the same for all, judges how it ended: with a result, with the host's memory
-- error, or with a structured one; then, memory being back, every call of `t.calls` must end and the
-- client must work.

local core = require "codearts.build.core"
local build = require "codearts.build"

local JOB = ("0123456789abcdef"):rep(2)
local ARGS = { job_id = JOB, parameter = { branch = "master", n = 1.5 } }
local FOLDER = "build/torture-files" -- of a journal
local FAKE_KEYS = { ak = "FAKEAK", sk = "fake-secret-key", project_id = "p" }

local function options(t, more)
  local o = { endpoint = "http://127.0.0.1:" .. t.port, auth = "a-fake-token", timeout = 2 }
  o.retry = { base_delay = 0, max_delay = 0 }
  for k, v in pairs(more or {}) do
    o[k] = v
  end
  return o
end

local function client_case(name, answers, more, body, fails)
  return {
    name = name,
    fails = fails,
    before = function(t)
      server.serve(answers)
      t.client = core.new(options(t, more))
    end,
    body = body,
  }
end

local function run(t)
  t.started = 1
  t.result = t.client:run(ARGS)
end

-- Steps until every call has ended.
local function step_all(t)
  while t.client:step() > 0 do
  end
end

local function start(t, n)
  for i = 1, n do
    t.started = i
    t.calls[i] = t.client:start(ARGS)
  end
end

local function count_ends(t)
  t.ends = {}
  for i, call in ipairs(t.calls) do
    call:on_done(function(result, err)
      t.ends[i] = (t.ends[i] or 0) + 1
      assert((result == nil) ~= (err == nil))
    end)
  end
end

local cases = {
  {
    name = "load",
    before = function()
      package.loaded["codearts.build.core"] = nil
    end,
    body = function()
      require "codearts.build.core"
    end,
  },
  {
    name = "new",
    before = function(t)
      t.options = options(t, {
        endpoint = ("http://127.0.0.1:%d, https://[::1]:9/prefix"):format(t.port),
        auth = FAKE_KEYS,
        headers = { ["X-One"] = "1", ["X-Two"] = "2" },
        tls = { ca_file = "/nowhere", key_password = "fake" },
        no_proxy = "127.0.0.1",
        proxy = "http://user:fake%20password@127.0.0.1:1",
        resolve = { "example.com:443:127.0.0.1", "example.org:443:127.0.0.1" },
        on_event = function() end,
      })
    end,
    body = function(t)
      t.client = core.new(t.options)
    end,
  },
  client_case("run", "o", nil, run),
  client_case("signed", "o", { auth = FAKE_KEYS, on_event = function() end }, function(t)
    t.started = 1
    t.result = t.client:run({
      job_id = JOB,
      parameter = { { name = "a", value = true }, { name = "b", value = 2 ^ 53 } },
      scm = { build_tag = core.null, branch = "master" },
    }, { run_id = { parameter = "RUN_ID" }, headers = { ["X-Three"] = "3" }, deadline = 10 })
  end),
  client_case("refused", "e", nil, run, true),
  client_case("unknown", "5", nil, run, true),
  client_case("no_answer", "c", nil, run, true),
  client_case("half_answer", "t", nil, run, true),
  client_case("not_json", "h", nil, run, true),
  client_case("retried", "33o", { on_event = function() end }, run),
  client_case("reused", "olo", nil, function(t)
    for _ = 1, 3 do
      t.started = (t.started or 0) + 1
      t.result = t.client:run(ARGS)
    end
  end),
  {
    name = "sign_in",
    before = function(t)
      server.serve "4o"
      t.identity = core.identity()
      t.client = core.new(options(t, { auth = t.identity }))
      t.calls = { t.client:start(ARGS) }
      t.started = 1
    end,
    body = function(t)
      while not t.calls[1]:done() do
        t.client:step()
        if t.identity:wanted() then
          local answer = t.client
            :request({
              operation = "CreateToken",
              method = "POST",
              path = "/token",
              body = "{}",
              auth = false,
              answer = "raw",
            })
            :wait()
          t.identity:set { token = answer.headers["x-subject-token"], life = 3600 }
        end
      end
      t.result = t.calls[1]:wait()
    end,
  },
  {
    name = "sign_in_fails",
    before = function(t)
      server.serve "o"
      t.identity = core.identity()
      t.client = core.new(options(t, { auth = t.identity }))
      t.calls = { t.client:start(ARGS) }
      t.started = 1
      t.client:step(0)
    end,
    body = function(t)
      t.identity:fail(core.error { kind = "auth", message = "no" })
      step_all(t)
      local _, err = t.calls[1]:try_wait()
      assert(core.is_error(err) and err.message == "no")
    end,
  },
  client_case("async", "oe3o", { on_event = function() end }, function(t)
    start(t, 4)
    count_ends(t)
    step_all(t)
    t.result = t.calls[1]:try_wait()
  end),
  {
    name = "callbacks",
    before = function(t)
      server.serve "o"
      t.client = core.new(options(t))
      start(t, 2)
      count_ends(t)
    end,
    body = function(t)
      step_all(t)
      t.told = true
    end,
  },
  client_case("cancel", "o", nil, function(t)
    start(t, 3)
    t.calls[1]:cancel()
    t.client:step(0)
    t.calls[2]:cancel()
    step_all(t)
  end),
  client_case("close", "o", nil, function(t)
    start(t, 2)
    count_ends(t)
    t.client:step(0)
    t.client:close()
  end),
  client_case("stream", "o", nil, function(t)
    local pieces = {}
    t.calls[1] = t.client:request {
      path = "/stream",
      answer = "bytes",
      stream = function(piece)
        pieces[#pieces + 1] = piece
      end,
    }
    step_all(t)
    t.calls[1]:wait()
    assert(table.concat(pieces) == "one\ntwo\nthree\n")
  end),
  client_case("request", "o", nil, function(t)
    t.client
      :request({
        method = "GET",
        path = "/v1/a%20b",
        query = { { "b", "2" }, { "a", "ü" } },
        headers = { Accept = "text/plain" },
        secrets = { "fake" },
      })
      :wait()
    t.client:sleep(0):wait()
  end),
  {
    name = "json",
    before = function() end,
    body = function()
      local value = core.decode '{"a":[1,2.5,{"b":null}],"c":"\\u00e9","d":[]}'
      assert(core.encode(value) == '{"a":[1,2.5,{"b":null}],"c":"é","d":{}}')
      local masked = core.mask("the fake secret-text", { "secret-text" })
      assert(masked == "the fake ***" or masked == "***") -- without memory all is hidden
      core.sign {
        algorithm = "SDK-HMAC-SHA256",
        ak = "FAKEAK",
        sk = "fake",
        method = "GET",
        host = "example.com",
        path = "/a b",
        query = { { "x", "y" } },
        date = "20260101T000000Z",
      }
    end,
  },
  {
    name = "files",
    before = function()
      local maker = core.journal.open(FOLDER, "maker", true) -- nil: another run makes the folder
      if maker then
        maker:close()
      end
      assert(core.file.replace(FOLDER .. "/key", "{}\n"))
    end,
    body = function()
      if not core.file.names(FOLDER) then
        error("not enough memory", 0) -- told as the system's word for it
      end
      assert(core.journal.peek(FOLDER, "key", true) == "{}")
    end,
  },
  {
    name = "facade",
    before = function(t)
      server.serve "o"
      t.facade = build.new(options(t))
      t.client = core.new(options(t)) -- for `after`
    end,
    body = function(t)
      t.started = 1
      t.result = t.facade:run(ARGS)
      t.facade:close()
    end,
  },
}

local KINDS = {}
for kind in ("usage config auth api transport timeout protocol build cancelled"):gmatch "%a+" do
  KINDS[kind] = true
end

local function is_memory(err)
  return type(err) == "string" and err:find("not enough memory", 1, true) ~= nil
end

local function judge(err)
  if core.is_error(err) then
    assert(KINDS[err.kind] and err.kind ~= "usage", tostring(err))
    assert(type(err.message) == "string" and #tostring(err) > 0)
  else
    assert(is_memory(err), "ended with: " .. tostring(err))
  end
end

local function after(case, t, ok, err, reached)
  if not ok then
    assert(
      reached or case.fails and core.is_error(err),
      "failed though memory sufficed: " .. tostring(err)
    )
    judge(err)
  end
  if t.result ~= nil then
    assert(type(t.result.octopus_job_name) == "string")
  end
  assert(server.builds() <= (t.started or 0), "more builds than calls")
  if core.is_error(err) and err.outcome == "not_started" then
    assert(server.builds() == (t.started or 1) - 1, "not_started, but it was")
  end
  if not t.client then
    return
  end
  while t.identity and not t.calls[1]:done() do
    t.client:step(1)
    if t.identity:wanted() then
      t.identity:set { token = "another-fake-token" }
    end
  end
  if t.client.raised then
    t.client:raised() -- by a callback; told already, or memory's
  end
  for i, call in ipairs(t.calls) do
    local fine, why = pcall(call.wait, call, 10)
    if not fine then
      judge(why)
    end
    assert(call:done(), "a call is stuck")
    if t.ends then
      local ends = t.ends[i] or 0
      assert(ends <= 1, "a callback ran twice")
    end
  end
  assert(server.builds() <= (t.started or 0), "more builds than calls")
  if pcall(t.client.pollfd, t.client) then
    while t.client:step() > 0 do -- what a run that raised has left behind
    end
    server.serve "o"
    if case.name ~= "new" then -- its proxy is not there
      assert(t.client:run(ARGS, { auth = "a-fake-token" }).octopus_job_name == "x")
      assert(server.builds() <= (t.started or 0) + 1, "more builds than calls")
    end
    t.client:close()
  end
  t.client:close()
  assert(not pcall(t.client.pollfd, t.client), "close did not close")
end

return {
  cases = cases,
  before = function(case, t)
    t.calls = {}
    case.before(t)
  end,
  after = after,
}
