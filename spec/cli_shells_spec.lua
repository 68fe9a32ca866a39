-- Completion in real shells, manual pages, and the command in its own tree.

local arguments = require "codearts.build.cli.arguments"
local command = require "spec.support.command"
local exit_status = require "codearts.build.cli.exit_status"
local manual = require "codearts.build.cli.manual"
local names = require "codearts.build.cli.names"
local read_file = require "spec.support.read_file"
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
  local marks = os.tmpname() -- a folder in which a name's command would leave a file
  os.remove(marks)
  local hostile = {
    ("dollar $(touch %s/a)"):format(marks),
    ("ticks `touch %s/b`"):format(marks),
    ([[double " ; touch %s/c ; "]]):format(marks),
    ([[single ' ; touch %s/d ; ']]):format(marks),
    ([[slash \\" ; touch %s/e ; "\\]]):format(marks),
    "bang !! $HOME",
    ("semicolon ; touch %s/f"):format(marks),
  }

  setup(function()
    os.execute("mkdir " .. marks)
    cache = os.tmpname()
    os.remove(cache)
    local jobs = {
      { id = JOB, job_name = "nightly build" },
      { id = ("a"):rep(32), job_name = "web:app" },
      { id = ("b"):rep(32), job_name = "编译" },
    }
    for index, name in ipairs(hostile) do
      jobs[#jobs + 1] = { id = ("%032d"):format(index), job_name = name }
    end
    for index, name in ipairs { "--endpoint=http://127.0.0.1:1", ("c"):rep(32), "a/b=c" } do
      jobs[#jobs + 1] = { id = ("%032d"):format(index + 100), job_name = name }
    end
    names.remember(PROJECT, jobs, true, function(name)
      return name == "XDG_CACHE_HOME" and cache or nil
    end)
    env = { XDG_CACHE_HOME = cache, CODEARTS_BUILD_PROJECT = PROJECT }
  end)

  teardown(function()
    os.execute(("rm -r %s %s"):format(cache, marks))
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
      { "run ni", "nightly build" },
      { "run x y w", "web:app" },
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
    local awkward = ("name:--endpoint=http://127.0.0.1:1 name:a/b=c name:%s"):format(("c"):rep(32))
    for _, shell in ipairs { "bash", "zsh", "fish" } do
      assert.are.equal(awkward, offered(shell, "run x name:"))
    end
    for typed, name in pairs {
      ["'ni"] = "nightly build",
      ['"ni'] = "nightly build",
      ["nightly\\ b"] = "nightly build",
      ['"dollar \\$('] = hostile[1],
      ['"slash \\\\'] = hostile[5],
      ["'slash \\"] = hostile[5],
    } do
      assert.are.equal(name, offered("bash", "run '" .. typed:gsub("'", "'\\''") .. "'"), typed)
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

  local REPORT = marks .. "/told"
  local POSIX = [[codearts-build() {
    if [ "$1" = --complete ]; then command codearts-build "$@";
    else printf %s "$3" >]] .. REPORT .. [[; echo told:$#; fi; }]]
  local FISH = [[function codearts-build;
    if test "$argv[1]" = --complete; command codearts-build $argv;
    else; printf %s "$argv[3]" >]] .. REPORT .. [[; echo told:(count $argv); end; end]]

  --- Completes each of the hostile names, behind each quote, and runs the line.
  local function run_completed(shell, source, stand_in)
    local page = tmux.start(200, 60, ("env %s %s"):format(command.shell_environment(env), shell))
    page:type(source .. "\n")
    page:expect "ready:"
    page:type(stand_in:gsub("\n *", " ") .. "\n")
    page:expect "ready:"
    for _, quote in ipairs { "", '"', "'" } do
      for _, name in ipairs(hostile) do
        page:type(("codearts-build run x %s%s\t\n"):format(quote, name:match "%a+"))
        page:expect "told:3"
        local file = assert(io.open(REPORT))
        assert.are.equal(name, file:read "*a", quote)
        file:close()
      end
    end
    page:stop()
    assert.are.equal("told\n", output_of("ls " .. marks))
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

    it("runs nothing of a name in bash", function()
      run_completed("bash --norc --noprofile -i", "source <(codearts-build completion bash)", POSIX)
    end)

    if has "zsh" then
      it("runs nothing of a name in zsh", function()
        run_completed("zsh -f", "source <(codearts-build completion zsh)", POSIX)
      end)

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
      it("runs nothing of a name in fish", function()
        run_completed(
          "fish -N -C 'function fish_prompt; echo -n ready:; end'",
          "codearts-build completion fish | source",
          FISH
        )
      end)

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

describe("LUA in the environment", function()
  it("is the Lua that runs the tree's command, whatever was built, and no other", function()
    local folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir " .. folder)
    local file = assert(io.open(folder .. "/mylua", "w"))
    file:write '#!/bin/sh\necho "mine runs $2"\n'
    file:close()
    os.execute("chmod +x " .. folder .. "/mylua")
    for _, case in ipairs {
      { "mylua", "^mine runs status\n0$" },
      { folder .. "/mylua", "^mine runs status\n0$" },
      { "mylua-9", "^codearts%-build: LUA=mylua%-9: there is no such program\n2$" },
    } do
      local line = "PATH=%s:$PATH LUA=%s bin/codearts-build status 2>&1; echo $?"
      local pipe = io.popen(line:format(folder, case[1]))
      assert.matches(case[2], (pipe:read("*a"):gsub("\n$", "")))
      pipe:close()
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
    return (
      read_file(("%s/%s.1"):format(folder, name))
        :gsub("\\%-", "-")
        :gsub("\\e", "\\")
        :gsub("\\&", "")
    )
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
