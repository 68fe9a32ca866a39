-- What a key costs beside the same run without one: processor time and syncs with files, ways to the store
-- with etcd; and many at once. Runs inside of this process: a key is new each time.

local build = require "codearts.build"
local core = require "codearts.build.core"
local etcds = require "spec.support.etcd"
local host = require "spec.support.host"
local key_store = require "codearts.build.key_store"
local machine = require "bench.machine"
local measure = require "bench.measure"
local report = require "bench.report"

local ARGS = { job_id = "f9d6c8466d614a9788e9a0acf6c15f46", parameter = { codeBranch = "master" } }
local AT_ONCE = 1000

local function client_with(bench, store, on_event)
  return build.new {
    endpoint = bench.server.http,
    auth = { ak = "AK", sk = "SK" },
    proxy = false,
    key_store = store,
    on_event = on_event,
  }
end

--- What is compared, as functions of a number: a run; the same with its records, written by bare C around it, which is
--- the floor; the same with a new key; and these records alone.
local function kinds(bench, client, folder)
  local floor, prefix = bench.clients.floor_keys(), core.uuid()
  local place = floor.open(folder)
  return {
    plain = function()
      client:run(ARGS)
    end,
    alone = function(n)
      floor.finish(floor.begin(place, prefix .. n))
    end,
    floor = function(n)
      local record = floor.begin(place, prefix .. n)
      client:run(ARGS)
      floor.finish(record)
    end,
    keyed = function(n)
      client:run(ARGS, { key = prefix .. n })
    end,
  }
end

--- Microseconds of processor time, the least of many rounds that take turns, since the neighbours' load only adds to
--- it. All in one process: who has waited for a disk finds the processor's caches cold, whoever wrote the record.
local function beside_floor(bench, folder)
  local client = client_with(bench, key_store.file(folder))
  local rounds, runs, number = bench.quick and 10 or 100, 20, 0
  local least = { plain = math.huge, alone = math.huge, floor = math.huge, keyed = math.huge }
  local made = kinds(bench, client, folder)
  for round = 0, rounds do
    for name, f in pairs(made) do
      local began = os.clock()
      for _ = 1, runs do
        number = number + 1
        f(("%s-%d"):format(name, number))
      end
      local took = (os.clock() - began) / runs * 1e6
      least[name] = round > 0 and math.min(least[name], took) or least[name]
    end
  end
  client:close()
  least.over = least.keyed - least.floor
  return least
end

--- Where a sync costs nothing, so that what is left is ours; nil where there is no such place.
local function without_disk(bench)
  if measure.output "test -w /dev/shm && echo yes" ~= "yes" then
    return nil
  end
  local folder = measure.output "mktemp -d /dev/shm/codearts-build-bench.XXXXXX"
  local seen = beside_floor(bench, folder)
  host.remove(folder)
  return seen
end

--- Instructions of one run; they do not depend on the disk or the neighbours.
local function instructions(bench, folder, with_key)
  local code = [[
    local build = require "codearts.build"
    local client = build.new { endpoint = %q, auth = { ak = "AK", sk = "SK" }, proxy = false,
      key_store = require("codearts.build.key_store").file(%q) }
    local args = { job_id = %q, parameter = { codeBranch = "master" } }
    for i = 1, %d do
      client:run(args, %s)
    end]]
  local opts = with_key and '{ key = require("codearts.build.core").uuid() }' or "nil"
  return measure.cost(function(n)
    local text = code:format(bench.server.http, folder, ARGS.job_id, n, opts)
    return bench.clients.lua(machine.reference, text)
  end, 200, 1).instructions
end

--- How often a new key syncs a file or a folder; nil where nobody can look.
local function syncs(bench, folder)
  local code = ([[
    local build = require "codearts.build"
    local client = build.new { endpoint = %q, auth = "t", proxy = false,
      key_store = require("codearts.build.key_store").file(%q) }
    for i = 1, tonumber(os.getenv "RUNS") do
      client:run({ job_id = %q }, { key = "sync" .. i })
    end]]):format(bench.server.http, folder, ARGS.job_id)
  local function count(runs)
    local told = measure.output(
      ("RUNS=%d strace -f -e trace=fsync,fdatasync %s 2>&1 | grep -c '= 0$'"):format(
        runs,
        host.lua(code)
      )
    )
    return tonumber(told)
  end
  if measure.output "command -v strace" == "" then
    return nil
  end
  count(1) -- makes the folder
  local none = count(0)
  os.execute("rm -f " .. folder .. "/*.key")
  return (count(10) - none) / 10
end

local function show_floor(where, seen)
  report.show("A key in files " .. where .. ", processor us", { "what", "" }, {
    { "a run", ("%.0f"):format(seen.plain) },
    { "the records of a key alone, in C", ("%.0f"):format(seen.alone) },
    { "a run with these records around it", ("%.0f"):format(seen.floor) },
    { "a run with a new key", ("%.0f"):format(seen.keyed) },
    { "the key over the floor", ("%.0f"):format(seen.over) },
  })
end

local function ways(bench, run_id)
  local etcd, asked = etcds.start(), 0
  local client = client_with(bench, key_store.etcd { endpoint = etcd.endpoint }, function(event)
    asked = asked + (event.operation == "key store" and event.type == "request" and 1 or 0)
  end)
  client:run(ARGS, { key = core.uuid(), run_id = run_id })
  asked = 0
  client:run(ARGS, { key = core.uuid(), run_id = run_id })
  client:close()
  etcd:stop()
  return asked
end

return function(bench)
  local folder = host.folder()
  local on_disk, in_memory = beside_floor(bench, folder), without_disk(bench)
  local client = client_with(bench, key_store.file(folder))
  local calls, began = {}, core.now()
  for i = 1, AT_ONCE do
    calls[i] = client:start(ARGS, { key = core.uuid() })
  end
  for _, call in ipairs(calls) do
    call:wait(120)
  end
  local at_once = core.now() - began
  client:close()
  local more = instructions(bench, folder, true) - instructions(bench, folder, false)
  local synced = syncs(bench, folder)
  host.remove(folder)
  local rows = {
    { "instructions that a new key adds", ("%.0f"):format(more) },
    { "syncs of a new key", synced and ("%.1f"):format(synced) or "-" },
    { AT_ONCE .. " keys at once, s", ("%.1f"):format(at_once) },
  }
  show_floor("on a disk", on_disk)
  if in_memory then
    show_floor("without a disk", in_memory)
    report.target("a key in files over its floor, without a disk, us", in_memory.over, "<=", 100)
  end
  if synced then
    report.target("syncs of a new key: two files, one folder", synced, "<=", 3)
  end
  if not etcds.missing() then
    local without, with = ways(bench), ways(bench, { parameter = "RUN_ID" })
    rows[#rows + 1] = { "ways to etcd of a new key", ("%d"):format(without) }
    rows[#rows + 1] = { "the same with a run id", ("%d"):format(with) }
    report.target("ways to etcd of a new key", without, "<=", 2)
    report.target("ways to etcd of a new key, with a run id", with, "<=", 3)
  end
  report.show("Keys, " .. _VERSION, { "what", "" }, rows)
end
