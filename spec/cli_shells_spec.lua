-- Completion in real shells, manual pages, and the command in its own tree.

local arguments = require "codearts.build.cli.arguments"
local command = require "spec.support.command"
local exit_status = require "codearts.build.cli.exit_status"
local manual = require "codearts.build.cli.manual"
local names = require "codearts.build.cli.names"
local tmux = require "spec.support.tmux"

local PROJECT = "54bc5ae8ca3e43e19d3ba0f7dc9e2a3c"
local JOB = "f9d6c8466d614a9788e9a0acf6c15f46"

local function output_of(line)
  local pipe = assert(io.popen(line))
  local output = pipe:read "*a"
  pipe:close()
  return output
end

local function has(program)
  return output_of("command -v " .. program) ~= ""
end

describe("codearts-build in a shell", function()
  local cache, env

  setup(function()
    cache = os.tmpname()
    os.remove(cache)
    names.remember(
      PROJECT,
      {
        { id = JOB, job_name = "nightly build" },
        { id = ("a"):rep(32), job_name = "web:app" },
        { id = ("b"):rep(32), job_name = "编译" },
      },
      true,
      function(name)
        return name == "XDG_CACHE_HOME" and cache or nil
      end
    )
    env = { XDG_CACHE_HOME = cache, CODEARTS_BUILD_PROJECT = PROJECT }
  end)

  teardown(function()
    os.execute("rm -r " .. cache)
  end)

  --- What is offered, without the descriptions.
  local function offered(shell, words, more)
    local given = { XDG_CACHE_HOME = cache, CODEARTS_BUILD_PROJECT = PROJECT }
    for name, value in pairs(more or {}) do
      given[name] = value
    end
    local result = command.run(("--complete %s %s"):format(shell, words), given)
    assert.are.equal(0, result.status, result.err)
    assert.are.equal("", result.err)
    local list = {}
    for line in result.out:gmatch "[^\n]+" do
      list[#list + 1] = line:match "^[^\t]*"
    end
    return table.concat(list, " ")
  end

  it("offers what its own rows say", function()
    for _, case in ipairs {
      { "st", "status stop" },
      { "--v", "--version" },
      { "nonsense ''", "" },
      { "run --on-", "--on-interrupt" },
      { "run --on-interrupt ''", "detach stop" },
      { "run --on-interrupt=s", "--on-interrupt=stop" },
      { "run --tag x --ta", "" },
      { "run --param a=b --par", "--param --param-env" },
      { "run n", "nightly build" },
      { "run x y ''", "nightly build web:app 编译" },
      { "run --tag ''", "" },
      { "run --project ''", PROJECT },
      { "status web:app ''", "" },
      { "doctor --job 编", "编译" },
      { "completion ''", "bash fish zsh" },
      { "call --to ''", ":files" },
      { "sandbox --folder ''", ":files" },
      { "call ShowJobSt", "ShowJobStatus ShowJobStepStatus" },
    } do
      assert.are.equal(case[2], offered("fish", case[1]), case[1])
    end
    assert.are.equal("stop", offered("bash", "run --on-interrupt = s"))
    assert.are.equal("stop", offered("bash", "run --on-interrupt=s"))
    local everything = offered("zsh", "''")
    for _, name in ipairs(arguments.commands) do
      assert.is_truthy(everything:find("%f[%w]" .. name .. "%f[%W]"), name)
    end
    local ids = offered("zsh", "run ''", { CODEARTS_BUILD_PROJECT = "" })
    assert.is_truthy(ids:find(JOB, 1, true), "ids where no project says which names are meant")
  end)

  it("offers nothing where nothing is known", function()
    assert.are.equal("", offered("bash", "run ''", { XDG_CACHE_HOME = "/nonexistent" }))
    assert.is_truthy(offered("bash", ""):find "status")
    local result = command.run("--complete", env)
    assert.are.equal(0, result.status)
  end)

  --- Types in a shell and looks at what stands in its line.
  local function complete(shell, source, cases)
    local page = tmux.start(120, 40, ("env %s %s"):format(command.shell_environment(env), shell))
    page:type(source .. "\n")
    page:expect "ready:"
    for _, case in ipairs(cases) do
      page:type(case[1])
      page:expect(case[2])
      page:type "\21" -- Ctrl-U
    end
    page:stop()
  end

  if tmux.is_here() then
    it("completes in bash, with set -u", function()
      complete("bash --norc --noprofile -i", "set -u; source <(codearts-build completion bash)", {
        { "codearts-build \t\t", "artifacts" },
        { "codearts-build comp\t", "completion " },
        { "codearts-build run --on-int\t", "--on-interrupt " },
        { "codearts-build run --output=nd\t", "--output=ndjson" },
        { "codearts-build log ni\t", "nightly\\ build" },
        { "codearts-build log 'ni\t", "'nightly build' " },
        { "codearts-build call --to /etc/host\t", "/etc/host" },
        { "codearts-build run ''\t", "" },
      })
    end)

    if has "zsh" then
      it("completes in zsh", function()
        complete("zsh -f", "source <(codearts-build completion zsh)", {
          { "codearts-build comp\t", "completion " },
          { "codearts-build run --on-int\t", "--on-interrupt " },
          { "codearts-build run --output=nd\t", "--output=ndjson" },
          { "codearts-build log ni\t", "nightly\\ build" },
          { "codearts-build log we\t", "web:app" },
        })
      end)

      it("completes in zsh, installed", function()
        local folder = os.tmpname()
        os.remove(folder)
        os.execute(
          ("mkdir %s && %s >%s/_codearts-build"):format(
            folder,
            command.line("completion zsh", env),
            folder
          )
        )
        complete(
          "zsh -f",
          ("fpath=(%s $fpath); autoload -Uz compinit && compinit -u -D"):format(folder),
          {
            { "codearts-build comp\t", "completion " },
            { "codearts-build log ni\t", "nightly\\ build" },
          }
        )
        os.execute("rm -r " .. folder)
      end)
    end

    if has "fish" then
      it("completes in fish", function()
        complete(
          "fish -N -C 'function fish_prompt; echo -n ready:; end'",
          "codearts-build completion fish | source",
          {
            { "codearts-build comp\t", "completion " },
            { "codearts-build run --on-int\t", "--on-interrupt " },
            { "codearts-build log ni\t", "nightly\\ build" },
          }
        )
      end)
    end
  end

  it("runs from its own tree, from any folder and by a symbolic link", function()
    local folder = os.tmpname()
    os.remove(folder)
    local here = output_of "pwd":match "[^\n]+"
    local lua = command.line("", {}):match "(%S+) %S*bin/codearts%-build"
    for _, path in ipairs {
      here .. "/bin/codearts-build",
      folder .. "/absolute",
      folder .. "/relative",
    } do
      os.execute(
        ("rm -rf %s; mkdir %s; ln -s %s/bin/codearts-build %s/absolute; ln -s absolute %s/relative"):format(
          folder,
          folder,
          here,
          folder,
          folder
        )
      )
      local out = output_of(
        ("cd / && env -u LUA_PATH -u LUA_CPATH LUA=%s %s doctor --endpoint http://127.0.0.1:1 2>&1"):format(
          lua,
          path
        )
      )
      assert.is_truthy(out:find("ok    library", 1, true), path .. ": " .. out)
    end
    os.execute("rm -r " .. folder)
  end)
end)

describe("the manual", function()
  local folder

  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir " .. folder)
    manual.write(folder)
  end)

  teardown(function()
    os.execute("rm -r " .. folder)
  end)

  local function read(name)
    local file = assert(io.open(("%s/%s.1"):format(folder, name)))
    local content = file:read "*a"
    file:close()
    return (content:gsub("\\%-", "-"):gsub("\\e", "\\"):gsub("\\&", ""))
  end

  it("has what the help has", function()
    local page = read "codearts-build"
    for _, name in ipairs(arguments.commands) do
      local described = arguments.command(name)
      assert.is_truthy(page:find(described.summary, 1, true), name)
      local own = read("codearts-build-" .. name)
      for _, row in ipairs(described.rows) do
        assert.is_truthy(own:find(row.help, 1, true), name .. " " .. row.name)
        assert.is_truthy(own:find(row.word or row.name, 1, true), name .. " " .. row.name)
      end
      for _, example in ipairs(described.examples) do
        assert.is_truthy(own:find(example, 1, true), example)
      end
    end
    for _, meaning in ipairs(exit_status.meanings) do
      assert.is_truthy(page:find(meaning[2], 1, true))
    end
  end)

  if has "groff" then
    it("is good roff", function()
      for path in output_of("ls " .. folder):gmatch "%S+" do
        local problems = output_of(("groff -man -Tutf8 -ww -z %s/%s 2>&1"):format(folder, path))
        assert.are.equal("", problems, path)
      end
    end)
  end
end)
