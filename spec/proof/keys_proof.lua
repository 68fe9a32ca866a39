--- make keys-proof: visits every state of the worlds of keys (keys_model.lua), of two actors; `3` as the
--- argument adds those of three, which take an hour. The last line is `N passed, N failed`.
local model = require "spec.proof.keys_model"

local function world(configs, more)
  local w = {
    configs = configs,
    hold = false,
    legible = true,
    epochs = 2,
    attempts = 1,
    calls = 1,
    waits = 1,
    faults = 0,
    stops = 0,
  }
  for name, value in next, more or {} do
    w[name] = value
  end
  return w
end

--- A caller: "id" gives run_id, "resend" when_lost, "token" is not signed, "other" has other arguments,
--- "ahead" a clock that goes 800 s too fast.
local function caller(words)
  local has = {}
  for word in words:gmatch "%S+" do
    has[word] = true
  end
  local name = (has.other and "B" or "A") .. ((has.id or has.resend) and "_ID" or "")
  return {
    arguments = model[name],
    run_id_parameter = model[name].run_id_parameter,
    signed = not has.token,
    when_lost = has.resend and "resend" or "stop",
    skew = has.ahead and 800 or 0,
  }
end

local function callers(...)
  local list = {}
  for i, words in ipairs { ... } do
    list[i] = caller(words)
  end
  return list
end

local WORLDS = {
  { "two without a run id", world(callers("", ""), { attempts = 2, faults = 1, stops = 1 }) },
  {
    "two that swap without a look",
    world(callers("", ""), { attempts = 2, faults = 1, stops = 1, unread = true }),
  },
  { "two that stop", world(callers("id", "id"), { faults = 1, epochs = 1 }) },
  { "two that send again", world(callers("resend", "resend")) },
  {
    "two that send again, and a store that loses answers",
    world(callers("resend", "resend"), { faults = 1, waits = 0, epochs = 1 }),
  },
  {
    "two that try twice and send again",
    world(callers("resend", "resend"), { attempts = 2, waits = 0, epochs = 1 }),
  },
  {
    "one that stops, one that sends again",
    world(callers("id", "resend"), { stops = 1, faults = 1, waits = 0, epochs = 1 }),
  },
  {
    "a token, and one that sends again",
    world(callers("id token", "resend"), { faults = 1, waits = 0 }),
  },
  {
    "one that sends again, by a token",
    world(callers("id", "resend token"), { faults = 1, waits = 0 }),
  },
  { "a clock ahead", world(callers("id ahead", "resend"), { epochs = 3, waits = 0 }) },
  { "other arguments", world(callers("id", "resend other"), { faults = 1, waits = 0 }) },
  { "with and without a run id", world(callers("", "resend"), { faults = 1, waits = 0 }) },
  {
    "ids that are not shown",
    world(callers("resend", "resend"), { legible = false, faults = 1, waits = 0, epochs = 1 }),
  },
  { "a lock, and calls again", world(callers("id", ""), { hold = true, calls = 2, epochs = 1 }) },
  {
    "a lock, and sending again",
    world(callers("resend", "resend"), { hold = true, waits = 0 }),
  },
  {
    "a lock, and a store in trouble",
    world(
      callers("resend", "resend"),
      { hold = true, faults = 1, stops = 1, waits = 0, epochs = 1 }
    ),
  },
}

local THREE = {
  { "three without a run id", world(callers("", "", ""), { attempts = 2, faults = 1 }) },
  {
    "two attempts each, lost answers",
    world(callers("resend", "resend"), {
      attempts = 2,
      faults = 1,
    }),
  },
  { "three that send again", world(callers("resend", "resend", "resend"), { waits = 0 }) },
  { "three of all kinds", world(callers("id token", "resend", "id other"), { waits = 0 }) },
  { "three and a lock", world(callers("resend", "resend", "resend"), { hold = true, waits = 0 }) },
}

local M = { world = world, callers = callers }

--- Visits the worlds; answers how many failed.
function M.run(deep)
  local list, states, failed = {}, 0, 0
  for _, each in ipairs(WORLDS) do
    list[#list + 1] = each
  end
  for _, each in ipairs(deep and THREE or {}) do
    list[#list + 1] = each
  end
  for _, each in ipairs(list) do
    local began = os.clock()
    local count, violated, way = model.explore(each[2])
    if count then
      states = states + count
      print(("%9d states, %4.0f s: %s"):format(count, os.clock() - began, each[1]))
    else
      failed = failed + 1
      print(("VIOLATED %s: %s\n  %s"):format(violated, each[1], way))
    end
    io.stdout:flush()
  end
  print(("%d states\n%d passed, %d failed"):format(states, #list - failed, failed))
  return failed
end

if arg and (arg[0] or ""):find "keys_proof" then
  os.exit(M.run(arg[1] == "3") == 0 and 0 or 1)
end
return M
