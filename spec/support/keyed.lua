-- Scripts with a key in processes of their own, and the builds that they start at a sandbox.

local sandboxes = require "spec.support.sandbox_client"

---@class spec.Keyed
---@field box spec.SandboxClient
---@field folder string
local Keyed = {}
Keyed.__index = Keyed

local SCRIPT = "spec/support/keyed_run.lua"
local PAST_FENCE = 900 + 120 + 60

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function interpreter()
  local first = 0
  while arg and arg[first - 1] do
    first = first - 1
  end
  return first < 0 and arg[first]:find "lua[%w%.%-]*$" and arg[first] or "lua5.4"
end

local M = { quote = quote, interpreter = interpreter }

---@param options? table of the sandbox
---@return spec.Keyed
function M.start(options)
  local all = { ak = "AK", sk = "SK", max_builds = 8 }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  local self = setmetatable({ box = sandboxes.start(all), number = 0 }, Keyed)
  self.base = os.tmpname()
  os.remove(self.base)
  return self:fresh()
end

--- Another key in another folder.
function Keyed:fresh()
  self.number = self.number + 1
  self.folder = ("%s/%d/keys"):format(self.base, self.number)
  self.key = ("key-%d"):format(self.number)
  self.before = self:builds()
  return self
end

--- How many builds were started ever.
function Keyed:builds()
  return self.box:request("GET", "/__sandbox/stats").json.builds_started
end

--- How many were started since `fresh`.
function Keyed:started()
  return self:builds() - self.before
end

--- Moves the sandbox's clock, in seconds ahead of ours.
function Keyed:move_clock(ahead)
  assert(self.box:request("POST", "/__sandbox/clock?ahead=" .. ahead).status == 200)
end

--- The shell's command that runs the script. `opts`: prefix, auth ("token" or signed), and names of the
--- script's environment.
function Keyed:command(opts)
  local env = {
    ENDPOINT = opts.endpoint or self.box.box.endpoint,
    FOLDER = self.folder,
    KEY = self.key,
    AUTH = opts.auth == "token" and "token:" .. self.box.box.token or "AK:SK",
    WHEN_LOST = opts.when_lost,
    KEY_WAIT = opts.key_wait or "1",
    RUN_ID = opts.run_id,
  }
  local words = { "env" }
  for name, value in pairs(env) do
    words[#words + 1] = name .. "=" .. quote(value)
  end
  words[#words + 1] = opts.prefix
  words[#words + 1] = quote(interpreter())
  words[#words + 1] = SCRIPT
  return table.concat(words, " ")
end

--- Runs the script to its end. Answers what it printed.
---@return string
function Keyed:run(opts)
  local pipe = assert(io.popen(self:command(opts or {}) .. " 2>/dev/null", "r"))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

--- Runs the script again until the key is settled, as the documents say; raises unless that is one build.
function Keyed:settle()
  local text = self:run {}
  assert(self:started() <= 1, "two builds")
  if not text:find "^build" then
    assert(text:find "^key\tin_doubt\tunknown", "neither a build nor doubt: " .. text)
    self:move_clock(PAST_FENCE)
    local ok, again = pcall(self.run, self, { auth = "token", when_lost = "resend" })
    self:move_clock(0)
    assert(ok and again:find "^build", "in doubt for ever: " .. tostring(again))
  end
  assert(self:started() == 1, ("%d builds"):format(self:started()))
end

function Keyed:stop()
  self.box.box.stop()
  os.execute("rm -rf " .. quote(self.base))
end

return M
