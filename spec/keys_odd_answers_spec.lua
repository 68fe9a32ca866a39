-- What a start with a key makes of answers that are no builds: whatever stands where, its end is a result, or an
-- error that tells the key's outcome.

local build = require "codearts.build"
local core = require "codearts.build.core"
local record = require "codearts.build.keys.record"
local servers = require "spec.support.server"

local JOB = ("a"):rep(32)
local ARGS = { job_id = JOB, parameter = { A = "1" } }
local RUN_ID = { parameter = "RUN_ID" }

-- What stands in the place of another value, as JSON.
local OTHERS = { "null", "3", "-1.5", "1e300", "true", '"*"', '""', "[]", "[null,3,true]", "{}" }

--- All bodies in which one value is another: the whole, a member, an element.
local function each_odd(value, f, whole)
  whole = whole or { value }
  local function visit(at, name)
    local kept = at[name]
    for _, other in ipairs(OTHERS) do
      at[name] = core.decode(("[%s]"):format(other))[1]
      f(core.encode(whole[1]))
    end
    at[name] = kept
    if type(kept) == "table" then
      local names = {}
      for member in pairs(kept) do
        names[#names + 1] = member
      end
      for _, member in ipairs(names) do
        visit(kept, member)
      end
    end
  end
  visit(whole, 1)
end

describe("a start with a key, whose service answers oddly,", function()
  local server, client, kept, run_id, shown

  setup(function()
    server = servers.start()
  end)
  teardown(function()
    server:stop()
  end)
  before_each(function()
    server:reset()
    kept = nil
    client = build.new {
      endpoint = server.url,
      auth = "token",
      retry = false,
      key_store = {
        get = function()
          return kept, kept
        end,
        put = function(_, text, version)
          if version ~= kept then
            return nil, kept, kept
          end
          kept = text
          return text
        end,
      },
    }
    run_id = record.run_id(record.scope(client.addresses[1], JOB, "k"))
    shown = { { name = "A", value = "1" }, { name = "RUN_ID", value = run_id } }
  end)
  after_each(function()
    client:close()
  end)

  --- What the service says of build 7, which is the key's. A place that shows parameters is asked when those
  --- before it are not there.
  local function truth()
    return {
      { "/v3/jobs/build$", { octopus_job_name = "job", actual_build_number = "8" } },
      {
        "/build%-info%-records",
        {
          result = {
            total_page = 1,
            total_record = 1,
            job_build_states = { { number = 7, start_time = 1795814700000 } },
          },
        },
      },
      { "/history%-parameters", { result = shown } },
      { "/history%-details", { build_number = 7, parameters = { A = "1", RUN_ID = run_id } } },
      {
        "/record%-info",
        {
          result = {
            build_no = 7,
            daily_build_num = "d",
            execution_id = "j",
            build_record_id = "r",
          },
        },
      },
      { "/v1/record/", { result = { build_no = 7, parameters = shown } } },
    }
  end

  --- Starts with what the service answers by path, as JSON.
  local function start(bodies, args)
    local rows = {}
    for i, body in ipairs(bodies) do
      rows[i] = { path = body[1], body = body[2], status = body[3] }
    end
    server:behave("by_path", { rows = rows })
    kept = nil
    return client:try_run(args or ARGS, { key = "k", key_wait = 0, run_id = RUN_ID })
  end

  local function encoded(places)
    local bodies = {}
    for i, place in ipairs(places) do
      bodies[i] = { place[1], core.encode(place[2]) }
    end
    return bodies
  end

  it("is told its build though null stands among the parameters", function()
    for _, odd in ipairs { core.null, 3, true, { name = core.null, value = 3 } } do
      shown[3] = shown[2]
      shown[2] = odd
      local result = assert(start(encoded(truth())))
      assert.equal("7", result.actual_build_number)
      table.remove(shown, 2)
    end
  end)

  it("is told its build though its values are shown without the blanks at their ends", function()
    local places, args = truth(), { job_id = JOB, parameter = { A = "two words \t\n" } }
    for _, value in ipairs { "two words", " two words", "two words \t\n" } do
      shown[1].value = value
      assert.equal("7", assert(start(encoded(places), args)).actual_build_number)
    end
    for _, value in ipairs { "two  words", "two word", "Two words" } do
      shown[1].value = value
      local result, err = start(encoded(places), args)
      assert.is_nil(result)
      assert.same({ "mismatch", "parameter.A" }, { err.reason, err.field })
    end
  end)

  -- 3 to 6: the places that are asked for parameters; those before are not there then.
  for place = 1, 6 do
    it("never raises what is no error, whatever stands where: place " .. place, function()
      local places, seen = truth(), 0
      if place == 1 then
        places[2][2].result = { total_page = 0, total_record = 0, job_build_states = core.null }
      end
      each_odd(places[place][2], function(text)
        local bodies = encoded(places)
        for before = 3, place - 1 do
          if not (place == 6 and before == 5) then -- which names the record
            bodies[before][3] = 404
          end
        end
        bodies[place][2] = text
        local result, err = start(bodies)
        seen = seen + 1
        if not result then
          assert.is_true(core.is_error(err), ("%s: %s"):format(text, tostring(err)))
          assert.is_string(err.outcome, text)
        end
      end)
      assert.is_true(seen >= 24)
    end)
  end

  --- Two records of the key, as a start puts them: in doubt, and done.
  local function records()
    local open, done
    for status, answer in pairs { [200] = true, [500] = false } do
      local bodies = { { "/v3/jobs/build$", '{"octopus_job_name":"j"}', status } }
      start(bodies)
      open, done = answer and open or kept, answer and kept or done
    end
    return core.decode(open), core.decode(done)
  end

  it("never raises what is no error, whatever stands where in its record", function()
    for _, whole in ipairs { records() } do
      local seen = 0
      each_odd(whole, function(text)
        seen = seen + 1
        server:behave "not_found"
        kept = text
        local opts = { key = "k", key_wait = 0, run_id = RUN_ID, when_lost = "resend" }
        local ok, result, err = pcall(client.try_run, client, ARGS, opts)
        assert.is_true(ok, ("%s: %s"):format(text, tostring(result)))
        if not result then
          assert.is_true(core.is_error(err), ("%s: %s"):format(text, tostring(err)))
          assert.is_string(err.outcome, text)
          tostring(err)
        end
        assert.equal(text, kept) -- and it is not damaged further
      end)
      assert.is_true(seen >= 150)
    end
  end)

  it("takes no times, names or numbers from a record that no service tells", function()
    local open = records()
    local bad = {
      signed_at = 1e300,
      fence_at = 253402300800,
      started_at = -1,
      attempt = 1.5,
      fingerprint = { salt = "s", parameter = { A = "x", [1] = "y" }, scm = {} },
    }
    for name, value in pairs(bad) do
      local odd = record.copy(open)
      odd[name] = value
      if name == "fingerprint" then
        odd.fingerprint.parameter = { "x" } -- as JSON has a list
      end
      kept = core.encode(odd)
      local result, err = client:try_run(ARGS, { key = "k", key_wait = 0, run_id = RUN_ID })
      assert.is_nil(result)
      assert.same({ "store", "not_started" }, { err.reason, err.outcome })
      assert.truthy(err.message:find(name, 1, true), err.message)
    end
  end)

  it("keeps what has room of the names of its build, whole characters of it", function()
    for _, name in ipairs { ("x"):rep(70000), ("\195\164"):rep(35000), ("a\195\164"):rep(20000) } do
      local result =
        assert(start { { "/v3/jobs/build$", core.encode { octopus_job_name = name } } })
      assert.equal(name, result.octopus_job_name)
      assert.equal("done", core.decode(kept).state)
      local again = assert(client:try_run(ARGS, { key = "k", run_id = RUN_ID }))
      assert.is_true(build.meta(again).replayed)
      local short = again.octopus_job_name
      assert.is_true(#short > 190 and #short <= 200 and name:sub(1, #short) == short)
    end
  end)

  it("waits longer than a request may take", function()
    server:script { { "answer", body = '{"result":{"job_build_states":[]}}' } }
    local call = client:start(ARGS, { key = "k", run_id = RUN_ID, key_wait = 4e7 })
    assert.equal("20", call:wait(60).actual_build_number)
  end)
end)
