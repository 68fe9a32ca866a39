--- Every order of events that two or three actors with one key can meet, over the very transition of
--- the product (codearts.build.keys.transition): what it must never do is looked for in each state.
---
--- The world: a store that swaps, whose answers are lost and whose swaps may come late; a service that
--- accepts or refuses each POST whenever it arrives, also after its sender's death, unless its signature
--- is too old, and that lists builds late, but not later than `settle` says. An actor makes calls; each
--- step of one may be its last (a crash), and any other may come first (a pause). What holds:
---
---   one     at most one POST is accepted, unless a person forced it
---   true_   a success tells the build of this key and these arguments
---   honest  of a call that told `not_started` none was accepted, nor will be; and of its key none was, nor may any be,
---           be it another call's, unless its store failed before it had told anything
---   free    who follows the documents comes to an end: whatever has happened, when all have died and time
---           has passed, a new call succeeds, or names what differs; at most after a person has resolved
---           the key
---
--- The driver here stands for codearts.build.keys.flow and shelf: one step for each thing that they ask of
--- the world.
local record = require "codearts.build.keys.record"
local transition = require "codearts.build.keys.transition"

local M = {}

local SETTLE, EPOCH = 120, 1100 -- an epoch is longer than fence and settle

-- Hashing is most of the work, and there are few arguments.
local difference, differences = record.difference, setmetatable({}, { __mode = "k" })
local function remembered(kept, arguments)
  local of = differences[kept] or {}
  differences[kept] = of
  if of[arguments] == nil then
    of[arguments] = difference(kept, arguments) or false
  end
  return of[arguments] or nil
end

-- ---- states: tables that are copied before they are changed ---------------------------------------

local function copy(t)
  local new = {}
  for name, value in next, t do
    new[name] = value
  end
  return new
end

local function copy_state(s)
  local new = copy(s)
  new.actors, new.posts, new.late = {}, {}, {}
  for i, a in ipairs(s.actors) do
    new.actors[i] = copy(a)
    new.actors[i].facts = a.facts and setmetatable(copy(a.facts), getmetatable(a.facts))
  end
  for i, p in ipairs(s.posts) do
    new.posts[i] = copy(p)
  end
  for i, l in ipairs(s.late) do
    new.late[i] = l
  end
  return new
end

--- States that differ only in names (of nonces and versions), or in what matters no more, are one: names
--- are told by the order in which they appear.
local names, named = {}, 0
local function name_of(value)
  if value == nil then
    return "-"
  end
  local name = names[value]
  if not name then
    named = named + 1
    name = named
    names[value] = name
  end
  return name
end

local parts, size
local function write(value)
  size = size + 1
  parts[size] = value
end

local function write_record(kept)
  if not kept then
    return write "-"
  end
  write(kept.state)
  write(name_of(kept.nonce))
  write(kept.attempt)
  write(kept.fence_at or "-")
  write(kept.started_at or "-")
  write(kept.fingerprint.of)
  write(kept.build and kept.build.actual_build_number or "-")
end

local FACTS =
  { "sent", "own", "pending", "resend", "looked", "started_at", "stopped", "seen", "held" }
local ACTOR = { "unread", "waits", "attempts", "post", "date", "newest", "read_at_end" }

local function write_actor(a)
  write(a.facts and a.pc or "idle")
  write(a.calls)
  if a.facts then
    write(name_of(a.version))
    for _, name in ipairs(ACTOR) do
      write(tostring(a[name]))
    end
    write_record(a.kept)
    write_record(a.put)
    write(name_of(a.facts.nonce))
    for _, name in ipairs(FACTS) do
      write(tostring(rawget(a.facts, name)))
    end
  end
end

local function write_post(p)
  if p.state == "refused" then
    return write "r"
  end
  write(p.state)
  write(p.call)
  if p.state == "accepted" then
    write(tostring(p.listed))
  else
    write(p.date)
    write(tostring(p.honest))
  end
end

local function key_of(s)
  parts, size, names, named = {}, 0, {}, 0
  write(s.now)
  write(name_of(s.version))
  write_record(s.kept)
  write(s.holder)
  write(s.faults)
  write(s.stops)
  for _, a in ipairs(s.actors) do
    write_actor(a)
  end
  for _, p in ipairs(s.posts) do
    write_post(p)
  end
  for _, l in ipairs(s.late) do
    write(name_of(l.version))
    write_record(l.kept)
  end
  return table.concat(parts, ";")
end

-- ---- the world ------------------------------------------------------------------------------------

local function violated(what)
  error({ violated = what }, 0)
end

local function accepted(s)
  local found, first = 0, nil
  for i, p in ipairs(s.posts) do
    if p.state == "accepted" then
      found, first = found + 1, first or i
    end
  end
  return found, first
end

local function swap(s, version, kept)
  if s.version ~= version then
    return false
  end
  s.kept, s.version, s.versions = kept, s.versions + 1, s.versions + 1
  return true
end

--- The end of a call.
local function finish(s, a, action)
  local config = getmetatable(a.facts).__index
  if action.do_ == "replay" then
    local build = s.posts[tonumber(action.build.actual_build_number)]
    if not build or build.state ~= "accepted" or build.arguments ~= config.arguments then
      violated "true_"
    end
  elseif action.outcome == "started" and accepted(s) == 0 then
    violated "true_"
  elseif action.outcome == "not_started" then
    for _, p in ipairs(s.posts) do
      -- Of what the store has told nothing about, nothing can be told.
      local is_told = action.reason ~= "store" or a.facts.seen or a.facts.held
      if p.state ~= "refused" and is_told then
        violated "honest"
      end
      if p.call == a.name .. a.calls then
        if p.state == "accepted" then
          violated "honest"
        end
        p.honest = false -- it must not be accepted later either
      end
    end
  end
  s.holder = s.holder == a.name and "-" or s.holder
  a.pc, a.told = "ended", action.do_ .. (action.reason or action.outcome or "")
  a.facts, a.kept, a.version, a.post, a.put, a.date, a.newest = nil, nil, nil, nil, nil, nil, nil
  a.waits, a.attempts, a.read_at_end = 0, 0, nil
end

local ENDS = { replay = true, tell = true, fail = true }

local function decide(s, a, event)
  a.facts.stopped = event.type == "stopped" or a.facts.stopped
  local action = transition(a.kept, a.facts, event)
  if action.do_ == "attempt" and a.read_at_end then -- which has ended before
    action = transition(a.kept, a.facts, { type = "ended", outcome = "not_started" })
  end
  if ENDS[action.do_] then
    return finish(s, a, action)
  end
  a.pc, a.put, a.newest = action.do_, action.record, action.newest
end

local function nonce(a)
  a.nonces = a.nonces + 1
  return a.name .. a.nonces
end

local function begin(s, a, config)
  a.calls = a.calls + 1
  a.pc, a.waits, a.attempts, a.told = "read", 0, 0, nil
  a.facts, a.unread = setmetatable({}, { __index = config }), config.unread or false
  return s
end

local function post(s, a, config)
  s.posts[#s.posts + 1] = {
    by = a.name,
    call = a.name .. a.calls,
    state = "under way",
    date = a.kept.signed_at,
    signed = a.kept.fence_at ~= nil,
    arguments = config.arguments,
    run_id = config.run_id,
    honest = true,
  }
  return #s.posts
end

local function listed(s, config)
  for i, p in ipairs(s.posts) do
    if p.listed and p.run_id and p.run_id == config.run_id then
      return i, p
    end
  end
end

-- ---- what an actor may do next: each adds states --------------------------------------------------

local steps = {}

--- Reading takes the lock where the store has one; it may fail.
function steps.read(w, s, i, add)
  if s.actors[i].unread then -- the first swap is tried without a look, and tells who was first
    return add(function(n, a)
      a.version = 0
      decide(n, a, { type = "read" })
    end)
  end
  for fails = 0, math.min(s.faults, 1) do
    add(function(n, a)
      if w.hold and n.holder ~= a.name then -- who held it may have written until now
        a.facts.held = a.facts.held or n.holder ~= "-"
        n.holder = n.holder == "-" and a.name or n.holder
      end
      n.faults = n.faults - fails
      if fails == 1 then
        return decide(n, a, { type = "trouble" })
      end
      a.kept, a.version, a.facts.seen = n.kept, n.version, true
      a.facts.held = w.hold and n.holder ~= a.name
      decide(n, a, { type = "read" })
    end)
  end
end

function steps.wait(w, s, i, add)
  if s.actors[i].waits < w.waits then
    steps.read(w, s, i, function(change)
      add(function(n, a)
        a.waits = a.waits + 1
        change(n, a)
      end)
    end)
  end
  add(function(n, a)
    decide(n, a, { type = "expired" })
  end)
end

local function looked(w, s, a, date)
  local config = w.configs[a.index]
  local number, build = listed(s, config)
  local event = { type = "looked", date = date, nonce = nonce(a), fingerprint = config.print }
  if number and w.legible then
    event.verdict, event.build = "started", { actual_build_number = tostring(number) }
    event.differs = build.arguments ~= config.arguments and "parameter.p" or nil
  else
    event.verdict = a.newest and "unknown" or w.legible and "none_found" or "candidates"
  end
  return event
end

--- A look has two ends: its first answer tells the time, its last one the builds.
function steps.look(_, _, _, add)
  add(function(n, a)
    a.date, a.pc = n.now, "looking"
  end)
end

function steps.looking(w, s, _, add)
  add(function(n, a)
    local event = looked(w, n, a, a.date)
    a.date = nil
    decide(n, a, event)
  end)
  if s.faults > 0 then
    add(function(n, a)
      n.faults, a.date = n.faults - 1, nil
      decide(n, a, { type = "looked", verdict = "unknown" })
    end)
  end
end

local function ready(w, n, a)
  local config = w.configs[a.index]
  decide(n, a, {
    type = "ready",
    nonce = nonce(a),
    date = n.now + (config.skew or 0),
    signed = config.signed,
    fingerprint = config.print,
  })
end

local function ended(n, a, outcome, number)
  decide(n, a, {
    type = "ended",
    outcome = outcome,
    nonce = nonce(a),
    build = number and { actual_build_number = tostring(number) },
  })
end

--- An attempt comes to hand, or the call ends before: its deadline, no credentials.
function steps.attempt(w, _, _, add)
  add(function(n, a)
    ready(w, n, a)
  end)
  add(function(n, a)
    if a.unread or a.facts.shared and not (a.facts.sent or a.read_at_end) then
      a.unread, a.pc, a.read_at_end = false, "read", true
    else
      ended(n, a, "not_started")
    end
  end)
end

--- A swap may be done or not, or come late, and its answer may be lost: then it is read back.
function steps.put(_, s, _, add)
  add(function(n, a)
    local done = swap(n, a.version, a.put)
    a.kept, a.version, a.facts.seen = n.kept, n.version, true
    a.unread = false
    decide(n, a, { type = "put", done = done })
  end)
  if s.faults > 0 then
    add(function(n, a)
      n.faults, a.pc, a.unread = n.faults - 1, "read back", false
      swap(n, a.version, a.put)
    end)
    add(function(n, a)
      n.faults, a.pc, a.unread = n.faults - 1, "read back", false
      n.late[#n.late + 1] = { version = a.version, kept = a.put }
    end)
  end
end

steps["read back"] = function(_, s, _, add)
  add(function(n, a)
    local done = n.kept ~= nil and n.kept.nonce == a.put.nonce
    local unchanged = n.version == a.version
    a.kept, a.version, a.facts.seen = n.kept, n.version, true
    if unchanged then
      decide(n, a, { type = "trouble", unchanged = true })
    else
      decide(n, a, { type = "put", done = done })
    end
  end)
  if s.faults > 0 then
    add(function(n, a)
      n.faults = n.faults - 1
      decide(n, a, { type = "trouble" })
    end)
  end
end

function steps.send(w, _, _, add)
  add(function(n, a)
    a.attempts = a.attempts + 1
    a.post, a.pc = post(n, a, w.configs[a.index]), "flight"
  end)
  add(function(n, a) -- its deadline was sooner
    ended(n, a, "not_started")
  end)
end

function steps.drop(_, _, _, add)
  add(function(n, a)
    ended(n, a, "not_started")
  end)
end

function steps.flight(w, s, i, add)
  local a = s.actors[i]
  local state = s.posts[a.post].state
  add(function(n, b)
    b.post = nil
    ended(n, b, "unknown")
  end)
  if state == "accepted" then
    add(function(n, b)
      local number = b.post
      b.post = nil
      ended(n, b, "started", number)
    end)
  elseif state == "refused" then
    add(function(n, b)
      b.post = nil
      ended(n, b, "not_started")
    end)
    if a.attempts < w.attempts then
      add(function(n, b)
        b.post = nil
        ready(w, n, b)
      end)
    end
  end
end

function steps.ended(w, s, i, add)
  if s.actors[i].calls < w.calls then
    add(function(n, a)
      begin(n, a, w.configs[a.index])
    end)
  end
end
steps.dead = steps.ended

local STOPPABLE = { read = true, wait = true, look = true, looking = true, attempt = true }

--- Adds what may happen to actor i.
local function actor_steps(w, s, i, visit)
  local function add(change)
    local n = copy_state(s)
    change(n, n.actors[i])
    visit(n)
  end
  local pc = s.actors[i].pc
  steps[pc](w, s, i, add)
  if pc == "ended" or pc == "dead" then
    return
  end
  -- A crash; what is under way stays so. Where it frees nothing and nobody comes after it, it is a pause.
  local crashes = w.hold or w.calls > 1
  local crash = crashes and add or function() end
  crash(function(n, a)
    n.holder = n.holder == a.name and "-" or n.holder
    a.pc, a.facts, a.kept, a.put, a.post, a.date = "dead", nil, nil, nil, nil, nil
    a.version, a.waits, a.attempts, a.newest = nil, 0, 0, nil
  end)
  if s.stops > 0 and pc ~= "attempt" and STOPPABLE[pc] then
    add(function(n, a)
      n.stops = n.stops - 1
      decide(n, a, { type = "stopped" })
    end)
  elseif s.stops > 0 and (pc == "put" or pc == "read back") then
    add(function(n, a)
      n.stops, a.facts.stopped = n.stops - 1, true
    end)
  end
end

--- What happens beside the actors.
local function world_steps(w, s, visit)
  for i, p in ipairs(s.posts) do
    if p.state == "under way" then
      local fresh = not p.signed or s.now <= p.date + 900
      if fresh then
        local n = copy_state(s)
        n.posts[i].state = "accepted"
        if not p.honest then
          violated "honest"
        end
        visit(n)
      end
      local n = copy_state(s)
      n.posts[i].state = "refused"
      visit(n)
    elseif p.state == "accepted" and not p.listed then
      local n = copy_state(s)
      n.posts[i].listed = true
      visit(n)
    end
  end
  if #s.late > 0 then
    local n = copy_state(s)
    local late = table.remove(n.late, 1)
    swap(n, late.version, late.kept)
    visit(n)
  end
  if s.now < w.epochs * EPOCH then
    local n = copy_state(s)
    n.now = n.now + EPOCH
    for _, p in ipairs(n.posts) do
      p.listed = p.listed or p.state == "accepted"
    end
    visit(n)
  end
end

-- ---- coming to an end -----------------------------------------------------------------------------

--- A call without any fault, long after. Answers what it told.
local function undisturbed(w, s, config)
  local a = { name = "z", index = #w.configs + 1, calls = 0, nonces = 0 }
  local world = setmetatable({ configs = copy(w.configs) }, { __index = w })
  world.configs[a.index] = config
  s.actors[#s.actors + 1] = a
  begin(s, a, config)
  for _ = 1, 40 do
    if a.pc == "ended" then
      table.remove(s.actors)
      return a.told
    elseif a.pc == "flight" then
      s.posts[a.post].state = "accepted"
      ended(s, a, "started", a.post)
    elseif a.pc == "wait" and a.waits >= w.waits then
      decide(s, a, { type = "expired" })
    else
      local taken = false
      steps[a.pc](world, s, #s.actors, function(change)
        if not taken then
          taken = true
          change(s, a)
        end
      end)
    end
  end
  violated "free"
end

local function resolve(s, w, config)
  local facts = setmetatable({}, { __index = config })
  local _, first = accepted(s)
  local action = transition(s.kept, facts, {
    type = "resolve",
    build = first and { actual_build_number = tostring(first) },
    date = s.now,
    force = true,
    nonce = "person" .. w.waits,
  })
  if action.do_ ~= "put" then
    violated "free"
  end
  swap(s, s.version, action.record)
end

--- Nothing moves any more: what can be done then?
local function check_end(w, s)
  s = copy_state(s)
  s.now, s.faults, s.late, s.holder = s.now + 10 * EPOCH, 0, {}, "-"
  for _, a in ipairs(s.actors) do
    a.pc = "dead"
  end
  for _, p in ipairs(s.posts) do
    p.state = p.state == "under way" and "refused" or p.state
    p.listed = p.state == "accepted"
  end
  local config = copy(w.configs[1])
  config.when_lost = config.run_id and "resend" or "stop"
  local told = undisturbed(w, s, config)
  if told == "failin_doubt" and (w.legible and s.kept.run_id and s.kept.fence_at) then
    violated "free"
  elseif told == "failin_doubt" then
    resolve(s, w, config)
    told = undisturbed(w, s, config)
  end
  if told ~= "tellstarted" and told ~= "replay" and told ~= "failmismatch" then
    violated "free"
  elseif accepted(s) > 1 then
    violated "one"
  end
end

-- ---- searching ------------------------------------------------------------------------------------

--- What an end depends on, everybody being dead.
local function end_key(s)
  parts, size, names, named = {}, 0, {}, 0
  write_record(s.kept)
  for _, p in ipairs(s.posts) do
    write(p.state)
  end
  return table.concat(parts, ";")
end

local function first_state(w)
  local s = {
    now = 0,
    version = 0,
    versions = 0,
    holder = "-",
    faults = w.faults,
    stops = w.stops,
    actors = {},
    posts = {},
    late = {},
  }
  for i, config in ipairs(w.configs) do
    config.arguments = config.arguments or M.A
    config.print = config.arguments.print
    config.run_id = config.run_id_parameter and "the run id"
    config.unread = w.unread and not config.run_id
    config.shared = not w.hold
    config.settle, config.when_lost = SETTLE, config.when_lost or "stop"
    config.scope, config.key, config.owner = "scope", "key", {}
    s.actors[i] = { name = ("abc"):sub(i, i), index = i, calls = 0, nonces = 0 }
    begin(s, s.actors[i], config)
  end
  return s
end

--- Arguments, with a fingerprint that is made once.
local function arguments_of(name, value, run_id_parameter)
  local arguments = { parameter = { p = value }, scm = {}, run_id_parameter = run_id_parameter }
  arguments.print = record.fingerprint(arguments)
  arguments.print.of = name
  return arguments
end
M.A, M.B = arguments_of("A", "1"), arguments_of("B", "2")
M.A_ID, M.B_ID = arguments_of("A_ID", "1", "RUN_ID"), arguments_of("B_ID", "2", "RUN_ID")

--- Visits every state of a world. Answers how many there are; or nil, what was violated and the way there.
---@param w table configs, hold, legible, epochs, attempts, calls, waits, faults, stops
---@param most? integer give up beyond so many states
---@return integer? states
---@return string? violated
---@return table[]? way
function M.explore(w, most)
  record.difference = remembered
  local seen, ends, count, stack = {}, {}, 0, { first_state(w) }
  local function visit(s)
    local key = key_of(s)
    if not seen[key] then
      seen[key], count = true, count + 1
      if accepted(s) > 1 then
        violated "one"
      end
      stack[#stack + 1] = s
    end
  end
  local at
  local ok, err = pcall(function()
    while #stack > 0 do
      at = table.remove(stack)
      if most and count > most then
        error(("more than %d states"):format(most), 0)
      end
      local quiet = end_key(at)
      if not ends[quiet] then
        ends[quiet] = true
        check_end(w, at)
      end
      for i = 1, #at.actors do
        actor_steps(w, at, i, visit)
      end
      world_steps(w, at, visit)
    end
  end)
  record.difference = difference
  if ok then
    return count
  elseif type(err) == "table" and err.violated then
    return nil, err.violated, key_of(at)
  end
  error(err, 0)
end

return M
