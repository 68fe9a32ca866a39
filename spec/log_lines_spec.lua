-- Log text that arrives in pieces.

local LogLines = require "codearts.build.lifecycle.log_lines"
local Pause = require "codearts.build.lifecycle.pause"

local function cut(...)
  local lines, all = LogLines.new(), {}
  local function add(list)
    for _, line in ipairs(list) do
      all[#all + 1] = line
    end
  end
  for _, piece in ipairs { ... } do
    add(lines:add(piece))
  end
  add(lines:finish())
  return all
end

describe("log lines", function()
  it("are cut at line feeds", function()
    assert.are.same({ "a", "", "b", "c" }, cut("a\n\nb\n", "c"))
    assert.are.same({ "a", "b" }, cut("a\r\nb\r\n"))
    assert.are.same({}, cut(""))
    assert.are.same({ "", "" }, cut "\n\n")
  end)

  it("are cut at the two characters that documented logs have", function()
    local time = "[2023/12/21 15:44:18.743 GMT+08:00] "
    assert.are.same({ time .. "a", time .. "b" }, cut(time .. "a\\n" .. time .. "b\\n"))
    assert.are.same({ time .. "a", time .. "b" }, cut(time .. "a\\n" .. time .. "b"))
    assert.are.same({ "one", "two" }, cut "one\\ntwo")
    assert.are.same({ "one", "two" }, cut "one\\r\\ntwo\\r\\n")
  end)

  it("keep a backslash that is only text", function()
    assert.are.same({ [[printf "a\nb"]], "a", "b" }, cut('printf "a\\nb"\na\nb\n'))
    assert.are.same({ [[printf "a\nb"]], "a" }, cut('printf "a\\nb"', "\na\n"))
  end)

  it("are the same wherever the pieces end", function()
    local time = "[2023/12/21 15:44:18.743 GMT+08:00] "
    for _, whole in ipairs {
      "first\nsecond 编译\r\n\nlast",
      time .. "first\\n" .. time .. "second\\n" .. time .. "last",
    } do
      local expected = cut(whole)
      for at = 1, #whole - 1 do
        -- A piece that ends with the two characters cannot be told from a line that does.
        if whole:sub(at, at) ~= "\\" then
          assert.are.same(
            expected,
            cut(whole:sub(1, at), whole:sub(at + 1)),
            ("cut after byte %d"):format(at)
          )
        end
      end
    end
  end)

  it("come as soon as they are complete", function()
    local lines = LogLines.new()
    assert.are.same({ "a" }, lines:add "a\nb")
    assert.are.same({}, lines:add "c")
    assert.are.same({ "bc" }, lines:add "\n")
    assert.are.same({}, lines:finish())
  end)
end)

describe("pause", function()
  it("grows to a limit and starts anew when something happened", function()
    local pause = Pause.new(1)
    assert.are.equal(1, pause:next())
    assert.are.equal(1.5, pause:next())
    assert.are.equal(2.25, pause:next())
    for _ = 1, 20 do
      pause:next()
    end
    assert.are.equal(15, pause:next())
    pause:reset()
    assert.are.equal(1, pause:next())
  end)

  it("is as long as the service asked for, but never beyond the caller's limit", function()
    local pause = Pause.new(1)
    assert.are.equal(30, pause:next(nil, { retry_after = 30 }))
    assert.are.equal(10, pause:next(10, { retry_after = 30 }))
    assert.are.equal(0.25, pause:next(0.25))
    assert.are.equal(0, pause:next(-1))
  end)

  it("is never shorter than asked for", function()
    local pause = Pause.new(60)
    pause:next()
    assert.are.equal(60, pause:next())
  end)
end)
