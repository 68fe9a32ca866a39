-- The file behind a key: one holder, whole lines, on the disk before anybody acts on them.

local core = require "codearts.build.core"
local read_file = require "spec.support.read_file"

local function sh(command, ...)
  local ok = os.execute(command:format(...))
  assert(ok == true or ok == 0, command)
end

local function write(path, text, mode)
  local file = assert(io.open(path, mode or "wb"))
  file:write(text)
  file:close()
end

describe("a journal", function()
  local base, folder, client
  local journal

  before_each(function()
    base = os.tmpname()
    os.remove(base)
    folder = base .. "/state/keys"
    sh("mkdir -m 700 %s", base)
    client = core.new { endpoint = "http://127.0.0.1:1", auth = "a-token" }
    journal = nil
  end)
  after_each(function()
    if journal then
      journal:close()
    end
    client:close()
    sh("rm -rf %s", base)
  end)

  local function open(name)
    journal = assert(core.journal.open(folder, name or "k", true))
    return journal
  end
  local function append(line)
    local _, version = journal:read()
    return client:perform(assert(journal:append(line, version))):wait()[1]
  end

  it("keeps the line that was written last, and where it ends", function()
    open()
    assert.same({ nil, 0 }, { journal:read() })
    assert.equal(6, append "first")
    assert.equal(13, append "second")
    assert.same({ "second", 13 }, { journal:read() })
    assert.same({ "second", 13 }, { core.journal.peek(folder, "k", true) })
    assert.equal("first\nsecond\n", read_file(folder .. "/k"))
    local pipe = io.popen(("stat -c %%a %s %s/k"):format(folder, folder))
    assert.equal("700\n600\n", pipe:read "*a")
    pipe:close()
  end)

  it("has one holder", function()
    open()
    local other, err = core.journal.open(folder, "k", true)
    assert.same({ nil, nil }, { other, err })
    assert(core.journal.open(folder, "another", true)):close()
    journal:close()
    journal:close()
    assert.is_false(pcall(journal.read, journal))
    other = assert(core.journal.open(folder, "k", true))
    other:close()
    sh("rm %s/k", folder) -- who comes then holds what is there, not what was
    open()
    append "new"
    assert.equal("new\n", read_file(folder .. "/k"))
  end)

  it("is not the forked child's: its lock ends with the parent", function()
    open()
    append "first"
    local told = require("spec.support.probe").fork(function()
      local pipe = io.popen(("ls -l /proc/%d/fd"):format(core.process().pid))
      local files = pipe:read "*a"
      pipe:close()
      local line, err = journal:read()
      return tostring(files:find(base, 1, true)) .. tostring(line) .. err.reason
    end)
    assert.equal("nilnilstore", told)
    assert.same({ nil, nil }, { core.journal.open(folder, "k", true) })
    assert.equal(13, append "second")
  end)

  local ways = {
    ["was removed"] = "rm K",
    ["was moved"] = "mv K K.bak",
    ["was replaced"] = "cp K K.new; mv K.new K",
    ["has a second name and was removed"] = "ln K K.bak; rm K",
    ["was moved with a folder above"] = "mv BASE/state BASE/bak; mkdir -p -m 700 BASE/state/keys",
  }
  for what, how in pairs(ways) do
    it("takes no line when the file " .. what, function()
      open()
      append "first"
      sh((how:gsub("%u+", { K = folder .. "/k", BASE = base })))
      local line, err = journal:append("second", 6):run()
      assert.is_nil(line)
      assert.same({ "key", "store" }, { err.kind, err.reason })
      assert.truthy(err.message:find("moved or removed", 1, true))
    end)
  end

  it("takes no line when somebody writes without its lock", function()
    for _, how in ipairs { "printf x >>%s/k", "truncate -s 0 %s/k" } do
      open()
      local version = append "first"
      local work = assert(journal:append("second", version))
      sh(how, folder)
      local before = read_file(folder .. "/k")
      local line, err = work:run()
      assert.same({ nil, "key", "store" }, { line, err.kind, err.reason })
      assert.truthy(err.message:find("was changed while", 1, true))
      assert.equal(before, read_file(folder .. "/k"))
      journal:close()
      os.remove(folder .. "/k")
    end
  end)

  it("takes a line after the one of that version only", function()
    open()
    assert.same(
      { n = 1 },
      { n = select("#", journal:append("first", 1)), journal:append("first", 1) }
    )
    append "first"
    for _, version in ipairs { 0, 5, 7 } do
      assert.is_nil((journal:append("second", version)))
    end
    assert.is_nil((journal:append "second"))
    assert.same({ "first", 6 }, { journal:read() })
  end)

  it("takes another line after one that nobody has written", function()
    open()
    assert(journal:append("dropped", 0))
    collectgarbage()
    assert.equal(5, append "line")
    assert.equal("line\n", read_file(folder .. "/k"))
  end)

  it("lets go only when the work under way is done", function()
    open()
    local call = client:perform(assert(journal:append "line"))
    journal:close()
    call:wait()
    assert.equal("line\n", read_file(folder .. "/k"))
    open()
    -- Nor is it lost when the client closes.
    call = client:perform(assert(journal:append("last", 5)))
    client:close()
    assert.is_table((call:try_wait()))
    assert.equal("line\nlast\n", read_file(folder .. "/k"))
  end)

  it("cuts off what a crash left of a line", function()
    open()
    append "whole"
    journal:close()
    write(folder .. "/k", '{"torn', "ab")
    assert.same({ "whole", 6 }, { core.journal.peek(folder, "k", true) })
    open()
    assert.same({ "whole", 6 }, { journal:read() })
    append "next"
    assert.equal("whole\nnext\n", read_file(folder .. "/k"))
  end)

  it("takes a line, and one at a time", function()
    open()
    for _, bad in ipairs { "a\nb", ("x"):rep(65537) } do
      local work, err = journal:append(bad)
      assert.same({ nil, "key", "store" }, { work, err.kind, err.reason })
    end
    assert.is_false(pcall(journal.append, journal, ""))
    assert.is_false(pcall(journal.append, journal, "a\0b"))
    local call = client:perform(assert(journal:append "first"))
    local work, err = journal:append "second"
    assert.same({ nil, "key", "store" }, { work, err.kind, err.reason })
    call:wait()
    assert.equal(6 + 65537, append(("x"):rep(65536)))
    assert.equal(65536, #journal:read())
    assert.is_false(pcall(client.perform, client, work))
  end)

  it("refuses what others may touch, and what is no journal", function()
    local function problem()
      local opened, err = core.journal.open(folder, "k", true)
      assert.is_nil(opened)
      assert.same({ "key", "store", "key_store" }, { err.kind, err.reason, err.field })
      return err.message
    end
    open():close()
    sh("chmod 720 %s", folder)
    assert.truthy(problem():find "chmod 700")
    sh("chmod 700 %s; chmod 640 %s/k", folder, folder)
    assert.truthy(problem():find "chmod 600")
    sh("rm %s/k; ln -s /dev/null %s/k", folder, folder)
    problem()
    sh("rm %s/k; mkdir %s/k", folder, folder)
    problem()
    sh("rmdir %s/k; mkfifo -m 600 %s/k", folder, folder)
    problem()
    sh("rm %s/k", folder)
    write(folder .. "/k", ("x"):rep(200000))
    sh("chmod 600 %s/k", folder)
    assert.truthy(problem():find "another kind")
    assert.equal(200000, #read_file(folder .. "/k"))
    sh("rm -r %s; touch %s", folder, folder)
    problem()
    local line, err = core.journal.peek(folder, "k", true)
    assert.same({ nil, "store" }, { line, err.reason })
    assert.same({ nil, 0 }, { core.journal.peek(base .. "/none", "k", true) })
  end)

  it("is not kept where it would vanish, unless that was asked for", function()
    local vanishing = "/dev/shm/codearts-build-journal"
    sh("mkdir -m 700 %s", vanishing)
    finally(function()
      sh("rm -r %s", vanishing)
    end)
    local opened, err = core.journal.open(vanishing, "k")
    assert.is_nil(opened)
    assert.truthy(err.message:find("tmpfs", 1, true))
    assert(core.journal.open(vanishing, "k", true)):close()
  end)
end)
