-- The shell script of one build. It goes through the steps and says on its output where it stands, in lines that begin with a random
-- mark; everything else on the output is the build's log.

local quote = require("codearts.build.sandbox.reaper").quote

local M = {}

local function write(path, text)
  local handle = assert(io.open(path, "wb"))
  handle:write(text)
  handle:close()
end

local function exports(environment)
  local names, out = {}, {}
  for name in pairs(environment) do
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do
    out[i] = ("export %s=%s\n"):format(name, quote(environment[name]))
  end
  return table.concat(out)
end

-- In place of a checkout the source is copied, so that a build never changes it.
local function checkout(job, path)
  return job.source and ("cp -R -- %s/. %s"):format(quote(job.source), quote(path)) or ":"
end

---Writes the script and its steps. It holds the values of the parameters, so nobody else may read it.
---@param base string absolute, in a private folder; the paths of what is written begin with it
---@param path string absolute, of the working folder, which the script makes
---@param job codearts.build.sandbox.Job
---@param environment table<string, string>
---@param mark string
---@return string command for `io.popen`; the environment of the server stays out, but for where its programs and its user's home are
function M.write(base, path, job, environment, mark)
  local parts = {
    exports(environment),
    "mark=",
    quote(mark),
    "\n",
    'say() { printf \'%s %s\\n\' "$mark" "$*"; }\n',
    "say group $$\n",
    ("say begin 0\nmkdir -m 700 %s && %s\ncode=$?\n"):format(quote(path), checkout(job, path)),
    ("cd %s || exit\nsay end 0 $code\n"):format(quote(path)),
  }
  for i, step in ipairs(job.steps) do
    write(base .. ".step" .. i, step.run .. "\n")
    parts[#parts + 1] = ("if [ $code = 0 ]; then say begin %d; sh -e %s; code=$?; say end %d $code; fi\n"):format(
      i,
      quote(base .. ".step" .. i),
      i
    )
  end
  parts[#parts + 1] = "say done\n"
  write(base .. ".sh", table.concat(parts))
  return ('exec env -i PATH="$PATH" HOME="$HOME" ${TMPDIR:+TMPDIR="$TMPDIR"} setsid sh %s </dev/null 2>&1'):format(
    quote(base .. ".sh")
  )
end

---Removes what `write` wrote.
---@param base string
---@param job codearts.build.sandbox.Job
function M.remove(base, job)
  os.remove(base .. ".sh")
  for i = 1, #job.steps do
    os.remove(base .. ".step" .. i)
  end
end

return M
