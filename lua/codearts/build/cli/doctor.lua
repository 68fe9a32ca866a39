--- codearts-build doctor: looks at everything that goes wrong in practice, in the order in which one needs the other.
-- What it prints holds no secret: credentials are never read here, and addresses lose their passwords.
local advice_for = require "codearts.build.cli.advice"
local attempt = require "codearts.build.cli.attempt"
local exit_status = require "codearts.build.cli.exit_status"
local kinds = require "codearts.build.cli.kinds"
local output = require "codearts.build.cli.output"
local rows = require "codearts.build.cli.rows"
local shown = require "codearts.build.shown"
local speaker = require "codearts.build.cli.speaker"
local text = require "codearts.build.cli.text"

local PATIENCE = 15 -- seconds for each request
local NO_JOB = ("0"):rep(32) -- a job that nobody has: an answer about it still tells who we are
local MAX_SKEW = 900 -- seconds between us and the gateway (API reference 3.1)

local Doctor = {}
Doctor.__index = Doctor

--- Notes what a check found. A failed one carries the exit status and the advice.
function Doctor:note(name, state, detail, advice, status)
  table.insert(self.checks, { name = name, state = state, detail = detail, advice = advice })
  if state == "fail" and not self.status then
    self.status = status or exit_status.usage
  end
end

function Doctor:fail(name, err)
  self:note(name, "fail", tostring(err), advice_for(err), exit_status.of_error(err))
end

--- Of a proxy its host and port alone, or nil: nobody has checked it, so a password may stand
--- anywhere else, and another secret there.
local function place_of(proxy)
  local scheme = proxy:match "^https?://" or proxy:match "^socks%d[a-z]?://" or ""
  local user, host = proxy:sub(#scheme + 1):match "^(.-)([^@]*)$"
  local port = host:match "^[A-Za-z0-9._-]+:?(%d*)/?$" or host:match "^%[[%x:.]+%]:?(%d*)/?$"
  if port and (tonumber(port) or 0) <= 65535 and shown.is_address(scheme .. host) then
    return scheme .. (user ~= "" and "...@" or "") .. host
  end
end

local function first_line(value)
  return tostring(value):match("^[^\n]*")
end

function Doctor:check_library()
  local jit = rawget(_G, "jit")
  self:note("lua", "ok", _VERSION .. (jit and " (" .. jit.version .. ")" or ""))
  local ok, build = attempt(require, "codearts.build")
  if not ok then
    self:note(
      "library",
      "fail",
      first_line(build),
      "the core must be built for this Lua and be on package.cpath: `make LUA=...`, `make -s env`"
    )
    return false
  end
  self.build, self.core = build, require "codearts.build.core"
  output.use(self.core)
  local names, parts = {}, {}
  local versions = build.versions()
  for name in pairs(versions) do
    names[#names + 1] = name
  end
  table.sort(names)
  for index, name in ipairs(names) do
    parts[index] = ("%s %s"):format(name, tostring(versions[name]))
  end
  self:note("library", "ok", table.concat(parts, ", "))
  return true
end

function Doctor:check_configuration()
  local config = require "codearts.build.config"
  local connection = require "codearts.build.cli.connection"(self.values)
  local ok, options, sign_in, told = pcall(config.resolve, connection)
  if not ok then
    self:fail("configuration", options)
    return false
  end
  connection.timeout, connection.connect_timeout, connection.retry = PATIENCE, PATIENCE, false
  connection.on_event = function(event)
    if event.type == "warning" then
      self:note("warning", "warn", first_line(event.message))
    end
  end
  local made
  made, self.client = pcall(self.build.new, connection)
  if not made then
    self:fail("configuration", self.client)
    return false
  end
  local region = sign_in.region and shown.name(sign_in.region)
  self:note("region", "ok", region or "none, only an endpoint")
  local source = told.endpoint_source and (" (%s)"):format(told.endpoint_source) or ""
  self:note("endpoint", "ok", shown.address(options.endpoint) .. source)
  local proxy = options.proxy and place_of(options.proxy)
  if options.proxy and not proxy then
    local advice = "write it as http://host:port, and a long name with a dot at its end"
    self:note("proxy", "warn", "set to what is no address", advice)
  else
    self:note("proxy", "ok", proxy or "none")
  end
  return true
end

--- Waits for a call; answers result or nil, err.
function Doctor:await(call)
  while not call:done() do
    if self.core.ending() then
      error("interrupted!", 0)
    end
    self.client:step(0.25)
  end
  return call:try_wait()
end

local function milliseconds(seconds)
  return seconds and ("%d ms"):format(math.floor(seconds * 1000 + 0.5)) or "?"
end

--- Name, connection and certificate, by a request that anybody may send.
function Doctor:check_way()
  local answer, err = self:await(self.client:request({
    operation = "doctor",
    method = "GET",
    path = "/",
    auth = false,
    answer = "raw",
  }))
  if not answer then
    self:fail("connection", err)
    return false
  end
  local meta = self.core.meta(answer) or {}
  local timings = meta.timings or {}
  self:note(
    "connection",
    "ok",
    ("HTTP/%s, name %s, connected %s, TLS %s, answer %s"):format(
      tostring(meta.http_version or "?"),
      milliseconds(timings.dns),
      milliseconds(timings.connect),
      milliseconds(timings.tls),
      milliseconds(timings.total)
    )
  )
  self:check_clock(meta)
  return true
end

function Doctor:check_clock(meta)
  if not meta.date then
    self:note("clock", "warn", "the service sent no date to compare with")
    return
  end
  local skew = self.core.time() - (meta.date + (meta.age or 0))
  local detail = ("%d s %s the service"):format(
    math.floor(math.abs(skew) + 0.5),
    skew < 0 and "behind" or "ahead of"
  )
  if math.abs(skew) > MAX_SKEW then
    self:note(
      "clock",
      "fail",
      detail,
      "set this machine's clock: signatures more than 15 minutes off are refused"
    )
  elseif math.abs(skew) > 60 then
    self:note(
      "clock",
      "warn",
      detail,
      "set this machine's clock: beyond 15 minutes signatures are refused"
    )
  else
    self:note("clock", "ok", detail)
  end
end

--- The id of the job that was asked for; nil and the error.
function Doctor:find(job)
  local app = { core = self.core }
  function app.client()
    return self.client
  end
  function app.await(_, call)
    local result, err = self:await(call)
    if err then
      error(err, 0)
    end
    return result
  end
  local ok, id = pcall(require("codearts.build.cli.target").job, app, job, self.values.project)
  if ok then
    return id
  elseif self.core.is_error(id) then
    return nil, id
  end
  error(id, 0)
end

--- Where the credentials came from, and how they were used.
function Doctor:source()
  local who = self.client.sign_in_options.signed_in
  if not who then
    return "not signed in"
  end
  return ("from %s%s%s"):format(
    who.source,
    who.file and " " .. who.file or "",
    who.algorithm and ", signed by " .. who.algorithm or ""
  )
end

--- Asks how a job stands, and answers what is wrong with the answer.
function Doctor:ask_about(job)
  local call = self.client:call("ShowJobStatus", { job_id = job }, { async = true })
  local body, err = self:await(call)
  if not err and (type(body) ~= "table" or body.result == nil) then
    err = self.core.error {
      kind = "protocol",
      operation = "ShowJobStatus",
      message = "the answer is not one of the service",
    }
  end
  return err
end

--- Whether an error shows that the credentials were accepted: the service says something else than that it knows nobody, and
--- its gateway lets through to it only whom it knows; of a job that is not among those of its project, these were listed.
local function shows_accepted(err)
  return err.field == "JOB"
    or speaker(err) == "service" and (err.kind == "api" or err.status == 403)
end

-- What the gateway says with 403 of those who call it: user, project, region (API reference 6.4).
local OF_CALLERS = { ["0302"] = true, ["0310"] = true, ["0802"] = true }

--- Whether an error of kind "auth" shows that somebody has looked at the credentials. What the gateway says of the address
--- that a call comes from, or a proxy or a stranger says, shows nothing.
local function shows_refused(err)
  local who, number = speaker(err)
  local asked = not err.status or err.status == 401 and who or who == "iam" or who == "sign_in"
  return asked or OF_CALLERS[number]
end

--- What the answer to a signed call shows of the credentials, and of the job where one was named.
function Doctor:note_answer(job, err)
  local source = self:source()
  if not err or shows_accepted(err) then
    self:note("credentials", "ok", source .. ", accepted")
    if err and (job or (err.status or 0) >= 500) then
      self:fail(job and "job" or "service", err)
    end
  elseif
    err.kind == "api"
    or err.kind == "protocol"
    or err.kind == "auth" and not shows_refused(err)
  then
    self:note(
      "credentials",
      "warn",
      source .. "; nothing shows that anybody has looked at them",
      "check region and endpoint, and what is on the way there"
    )
    self:fail("service", err)
  else
    self:note("credentials", "fail", first_line(err), advice_for(err), exit_status.of_error(err))
  end
end

--- A signed call that reads: whether credentials are found, accepted and, with --job, allowed.
function Doctor:check_sign_in()
  local job = self.values.job
  local id, err = NO_JOB, nil
  if job then
    id, err = self:find(job)
  end
  err = err or self:ask_about(id)
  self:note_answer(job, err)
  if job and not err then
    self:note("job", "ok", id .. " can be read")
  end
end

--- The key store: where none is named, the folder that a first key would make.
function Doctor:check_key_store()
  local key_store = require "codearts.build.key_store"
  local address = self.values.key_store
  local found, store
  if address then
    found, store = pcall(key_store.from_address, address)
  else
    found, store = pcall(key_store.file)
  end
  local answer, err
  if found then
    local Shelf = require "codearts.build.keys.shelf"
    answer, err = self:await(self.client:task(function(await)
      return Shelf.new(store, "", self.client, await):ask "check"
    end))
  else
    err = store
  end
  if not err then
    self:note("key store", answer:find "vanishes" and "warn" or "ok", answer)
  elseif address then
    self:fail("key store", err)
  else
    self:note("key store", "warn", first_line(err), "only starts with --key need one: --key-store")
  end
end

function Doctor:print_text()
  local signs = { ok = "ok  ", warn = "WARN", fail = "FAIL" }
  for _, check in ipairs(self.checks) do
    local detail = text.clean(check.detail)
    output.write(("%s  %-13s %s\n"):format(signs[check.state], check.name, detail))
    if check.advice then
      output.write("      -> ", check.advice, "\n")
    end
  end
end

local function examine(doctor)
  if doctor:check_library() and doctor:check_configuration() and doctor:check_way() then
    doctor:check_sign_in()
    doctor:check_key_store()
  end
end

---@param values table
---@return integer exit status
local function run(values)
  local doctor = setmetatable({ values = values, checks = {} }, Doctor)
  local ok, problem = pcall(examine, doctor)
  if not ok and tostring(problem):find "interrupted!$" then
    doctor.status = exit_status.of_ending[doctor.core and doctor.core.ending() or "INT"]
  elseif not ok then
    doctor:note(
      "doctor",
      "fail",
      first_line(problem),
      "this is a fault of doctor itself: please report it",
      exit_status.service
    )
  end
  if doctor.client and ok then
    pcall(doctor.client.close, doctor.client)
  end
  if values.json then
    local json = require "codearts.build.cli.json"
    local data = { ok = doctor.status == nil, checks = json.array(doctor.checks) }
    output.write(text.json(json.encode(data)), "\n")
  else
    doctor:print_text()
  end
  return doctor.status or exit_status.success
end

return {
  summary = "Check what goes wrong in practice, and say what to do.",
  about = "What it prints holds no secrets and may go into a bug report.",
  examples = {
    "codearts-build doctor --region cn-north-4 --job f9d6c8466d614a9788e9a0acf6c15f46",
  },
  rows = rows.list({
    name = "--job",
    word = "JOB",
    help = "Job id or address, to try a call that reads it.",
    kind = kinds.job,
  }, rows.project, rows.key_store, rows.json, rows.connection),
  run = run,
}
