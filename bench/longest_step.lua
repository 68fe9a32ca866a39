-- The longest step of each host and what it was: lua5.4 bench/longest_step.lua [host …] [-- case …]
-- (after `eval "$(make -s env)"`). Hosts: plain, love, luv, nvim, nginx; a case is named by words of its
-- title. BENCH_QUICK=1: a log of 64 MiB and one round.
--
-- Of some rounds the least counts, since a neighbour can only add; what the step was is told by a
-- round more, with the trace of states on, which takes time of its own.

local cjson = require "cjson"
local cases = require "bench.steps.cases"
local display = require "spec.support.display"
local host = require "spec.support.host"
local measure = require "bench.measure"
local report = require "bench.report"
local server_of = require "bench.server"
local service = require "bench.steps.service"

local quick = os.getenv "BENCH_QUICK" == "1"
local ROUNDS = quick and 1 or 3
local LIMIT = 4 -- ms
local LOG_MIB = quick and 64 or 1024
local words = measure.words

local folder = host.folder()
local trace_file, place_file = folder .. "/trace", folder .. "/place.json"

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

-- Reads the line that a client prints.
local function parse(text)
  local longest, busiest, steps, what, states =
    text:match "calls=1 longest=([%d.]+) busiest=([%d.]+) steps=(%d+) what=(%w+) states=([^\n]*)"
  if not longest then
    error(text .. measure.output("tail -n 20 " .. trace_file))
  end
  return {
    longest = tonumber(longest),
    busiest = tonumber(busiest),
    steps = tonumber(steps),
    what = what,
    states = states,
  }
end

local JIT_PATHS = "package.path = package.path .. ';./?.lua' "
local RUN = "require('bench.steps.client').run(%q, %d, %q)"

local function shell(command)
  return measure.output("exec </dev/null 2>" .. words(trace_file) .. "; " .. command)
end

-- How a case is run in each host; answers what it printed.
local RUNNERS = {}

function RUNNERS.plain(number)
  return shell(words("lua5.4", "bench/steps/client.lua", "plain", number, place_file))
end

function RUNNERS.love(number)
  local game = words("love", "bench/steps/love", measure.output "pwd", number, place_file)
  return shell("export " .. host.for_luajit() .. "; " .. display.command(game))
end

function RUNNERS.luv(number)
  return shell(words("lua5.4", "bench/steps/client.lua", "luv", number, place_file))
end

function RUNNERS.nvim(number)
  local code = JIT_PATHS
    .. "local ok, line = pcall(function() return "
    .. RUN:format("nvim", number, place_file)
    .. " end) io.stdout:write(tostring(line), '\\n') io.stdout:flush() vim.cmd 'qall!'"
  write(folder .. "/nvim.lua", code)
  return shell(
    host.for_luajit()
      .. words("nvim", "--clean", "--headless", "-c", "luafile " .. folder .. "/nvim.lua")
  )
end

function RUNNERS.nginx(number)
  local nginx = require("spec.support.nginx").start {
    server = ([[
      location = /run {
        content_by_lua_block {
          %s
          local ok, line = pcall(function() return %s end)
          ngx.print(tostring(line))
        }
      }]]):format(
      JIT_PATHS:gsub("%./", measure.output "pwd" .. "/"),
      RUN:format("nginx", number, place_file)
    ),
  }
  local _, text = nginx:get "/run"
  nginx:stop()
  return text
end

local NAMES = { "plain", "love", "luv", "nvim", "nginx" }
local MISSING = {
  love = "command -v love && " .. display.PROBE,
  luv = "lua5.4 -e 'require \"luv\"'",
  nvim = "command -v nvim",
  nginx = "command -v nginx",
}

local function measured(name, number, place)
  place.trace = nil
  write(place_file, cjson.encode(place))
  local best
  for _ = 1, ROUNDS do
    local run = parse(RUNNERS[name](number))
    best = best or run
    best.longest = math.min(best.longest, run.longest)
    best.busiest = math.min(best.busiest, run.busiest)
  end
  if name ~= "nginx" then
    place.trace = trace_file
    write(place_file, cjson.encode(place))
    best.states = parse(RUNNERS[name](number)).states
  end
  return best
end

local function main(servers, hosts, wanted)
  local place = {
    http = servers.http,
    https = servers.https,
    h2 = servers.h2,
    mute = servers.mute,
    ca = servers.ca,
    folder = folder,
    log_mib = LOG_MIB,
  }
  local proxy = require("spec.support.proxy").start {}
  place.proxy = proxy.url
  for _, name in ipairs(hosts) do
    local rows = {}
    for number, case in ipairs(cases) do
      if wanted(case.name) then
        local run = measured(name, number, place)
        local row =
          { case.name, ("%.2f"):format(run.longest), ("%.2f"):format(run.busiest), run.steps }
        row[5] = run.what .. (run.states ~= "" and ": " .. run.states or "")
        rows[#rows + 1] = row
        if not case.whole then
          report.target(name .. ", " .. case.name .. ", ms", run.longest, "<=", LIMIT)
        end
      end
    end
    local head = { "what is done", "longest, ms", "busiest, ms of CPU", "steps", "what it was" }
    report.show("The longest step, " .. name, head, rows)
  end
  proxy:stop()
  report.verdict()
end

local hosts, words_of_cases, after = {}, {}, false
for _, word in ipairs(arg) do
  if word == "--" then
    after = true
  elseif after then
    words_of_cases[#words_of_cases + 1] = word
  else
    hosts[#hosts + 1] = word
  end
end
if #hosts == 0 then
  for _, name in ipairs(NAMES) do
    if not MISSING[name] or not host.missing(MISSING[name]) then
      hosts[#hosts + 1] = name
    end
  end
end

service.write(folder)
local servers = server_of.start { locations = service.locations(folder, LOG_MIB) }
local ok, err = xpcall(main, debug.traceback, servers, hosts, function(name)
  for _, word in ipairs(words_of_cases) do
    if name:find(word, 1, true) then
      return true
    end
  end
  return #words_of_cases == 0
end)
servers.stop()
host.remove(folder)
if not ok then
  io.stderr:write(tostring(err), "\n")
  os.exit(1)
end
