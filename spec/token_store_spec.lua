local core = require "codearts.build.core"
local read_file = require "spec.support.read_file"
local token_store = require "codearts.build.token_store"

local function remove(path)
  os.remove(path)
  os.remove(path .. ".lock")
end

-- What nginx's shared dictionaries do, as far as the store uses it.
local function dictionary()
  local values = {}
  local dict = {}
  function dict.get(_, key)
    return values[key]
  end
  function dict.set(_, key, value)
    values[key] = value
    return true
  end
  function dict.add(_, key, value)
    if values[key] ~= nil then
      return false, "exists"
    end
    values[key] = value
    return true
  end
  function dict.delete(_, key)
    values[key] = nil
  end
  return dict
end

local path

local STORES = {
  memory = function()
    return token_store.memory()
  end,
  file = function()
    return token_store.file(path)
  end,
  shared_dict = function()
    return token_store.shared_dict(dictionary())
  end,
}

for name, new in pairs(STORES) do
  describe("token store " .. name, function()
    local store

    before_each(function()
      path = os.tmpname()
      remove(path)
      store = new()
    end)
    after_each(function()
      remove(path)
    end)

    it("keeps texts by key", function()
      assert.is_nil(store.get "a")
      assert.is_true(store.set("a", "text of a", 60))
      assert.is_true(store.set("b", "text of b", 60))
      assert.equal("text of a", store.get "a")
      assert.equal("text of b", store.get "b")
      assert.is_true(store.set("a", "newer", 60))
      assert.equal("newer", store.get "a")
    end)

    it("locks once", function()
      local unlock = assert(store.lock("a", 60))
      assert.same({}, { store.lock("a", 60) })
      unlock()
      unlock = assert(store.lock("a", 60))
      unlock()
    end)
  end)
end

describe("token store memory", function()
  it("drops a lock whose time is over", function()
    local store = token_store.memory()
    local late = assert(store.lock("a", -1))
    local unlock = assert(store.lock("a", 60))
    late()
    assert.is_nil(store.lock("a", 60))
    unlock()
  end)
end)

describe("token store shared_dict", function()
  it("tells problems of the dictionary", function()
    local dict = dictionary()
    function dict.set()
      return nil, "no memory"
    end
    function dict.add()
      return nil, "broken"
    end
    local store = token_store.shared_dict(dict)
    assert.same({ nil, "no memory" }, { store.set("a", "b", 1) })
    assert.same({ nil, "broken" }, { store.lock("a", 1) })
  end)

  it("wants a dictionary", function()
    local ok, err = pcall(token_store.shared_dict, nil)
    assert.is_false(ok)
    assert.equal("config", err.kind)
    assert.equal("token_store", err.field)
  end)
end)

describe("token store file", function()
  local store

  before_each(function()
    path = os.tmpname()
    remove(path)
    store = token_store.file(path)
  end)
  after_each(function()
    remove(path)
  end)

  local function write(text, mode)
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    os.execute(("chmod %s '%s'"):format(mode or "600", path))
  end

  local function read()
    return read_file(path)
  end

  it("is private", function()
    store.set("a", "b", 60)
    local _, about = core.file.read(path)
    assert.equal(384, about.mode) -- 0600
    assert.is_true(about.mine)
  end)

  it("is shared through its path", function()
    store.set("a", "b", 60)
    assert.equal("b", token_store.file(path).get "a")
  end)

  it("forgets what is over", function()
    store.set("old", "x", -1)
    assert.is_nil(store.get "old")
    store.set("new", "y", 60)
    assert.is_nil(read():find("old", 1, true))
  end)

  it("refuses a file that others may touch", function()
    for _, mode in ipairs { "644", "660", "602", "610" } do
      write("", mode)
      local text, err = store.get "a"
      assert.is_nil(text)
      assert.equal("config", err.kind)
      assert.truthy(err.message:find(path, 1, true))
      assert.is_nil((store.set("a", "b", 60)))
      assert.equal("", read())
    end
  end)

  it("does not overwrite a file of another kind", function()
    for _, text in ipairs { "# my notes", "[]", '{"codearts_build_tokens":1}', "null" } do
      write(text)
      local ok, err = store.set("a", "b", 60)
      assert.is_nil(ok)
      assert.equal("config", err.kind)
      assert.equal(text, read())
    end
  end)

  it("reads past entries that make no sense", function()
    write '{"codearts_build_tokens":{"a":1,"b":{"text":5,"expires":9e9},"c":{"text":"x"}}}'
    for _, key in ipairs { "a", "b", "c" } do
      assert.is_nil(store.get(key))
    end
    assert.is_true(store.set("d", "e", 60))
    assert.equal("e", store.get "d")
  end)

  it("tells what the system refuses, with the path", function()
    write "x" -- no folder
    local nowhere = token_store.file(path .. "/x")
    for _, name in ipairs { "set", "lock" } do
      local ok, problem = nowhere[name]("a", "b", 60)
      assert.is_nil(ok)
      assert.truthy(problem:find(path, 1, true))
    end
  end)

  it("repeats nothing of what should be its path and is none", function()
    local wrong = token_store.file("/nowhere/" .. ("Pa55word"):rep(9))
    for _, name in ipairs { "set", "lock" } do
      local ok, problem = wrong[name]("a", "b", 60)
      assert.is_nil(ok)
      assert.truthy(problem:find("a value that is no path", 1, true))
      assert.is_nil(problem:find("Pa55", 1, true))
    end
  end)

  it("does not follow a link that lies where its lock should be", function()
    os.execute(("ln -s /tmp/nowhere '%s.lock'"):format(path))
    local unlock, problem = store.lock("a", 60)
    assert.is_nil(unlock)
    assert.is_string(problem)
  end)

  it("wants a path", function()
    for _, bad in ipairs { "", "a\0b", 5 } do
      local ok, err = pcall(token_store.file, bad)
      assert.is_false(ok)
      assert.equal("config", err.kind)
    end
  end)

  it("drops the lock when it is collected", function()
    store.lock("a", 60)
    collectgarbage()
    collectgarbage()
    assert(store.lock("a", 60))()
  end)

  it("keeps another process out, until that one ends", function()
    local fifo = path .. ".fifo"
    os.execute(("mkfifo '%s'"):format(fifo))
    local other =
      assert(io.popen(("flock '%s.lock' sh -c 'echo held; read line <%s'"):format(path, fifo)))
    assert.equal("held", other:read "*l")
    assert.same({}, { store.lock("a", 60) })
    local go_on = assert(io.open(fifo, "w"))
    go_on:write "\n"
    go_on:close()
    other:close()
    os.remove(fifo)
    assert(store.lock("a", 60))()
  end)
end)

describe("core.file", function()
  it("reads no pipe, no folder and nothing large", function()
    path = os.tmpname()
    os.remove(path)
    os.execute(("mkfifo '%s'"):format(path))
    assert.is_nil((core.file.read(path)))
    os.remove(path)
    assert.is_nil((core.file.read "/tmp"))
    local file = assert(io.open(path, "wb"))
    file:write(("x"):rep(262145))
    file:close()
    assert.same({ nil, "File too large", false }, { core.file.read(path) })
    os.remove(path)
    assert.same({ nil, "No such file or directory", true }, { core.file.read(path) })
  end)

  it("leaves nothing behind when it cannot replace", function()
    local folder = os.tmpname()
    os.remove(folder)
    os.execute(("mkdir -p '%s/target/full'"):format(folder))
    assert.is_nil((core.file.replace(folder .. "/target", "text")))
    local list = io.popen(("ls -A '%s'"):format(folder))
    assert.equal("target\n", list:read "*a")
    list:close()
    os.execute(("rm -rf '%s'"):format(folder))
  end)

  it("checks its arguments", function()
    for _, call in ipairs {
      { core.file.read },
      { core.file.read, "a\0b" },
      { core.file.replace, "a" },
      { core.file.lock, "" },
      { core.file.replace, "/tmp/x", 5 },
    } do
      local ok, err = pcall((table.unpack or unpack)(call))
      assert.is_false(ok)
      assert.equal("usage", err.kind)
    end
  end)
end)
