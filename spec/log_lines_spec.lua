-- Log text that arrives in pieces.

local LogLines = require "codearts.build.lifecycle.log_lines"
local Pause = require "codearts.build.lifecycle.pause"
local characters = require "codearts.build.lifecycle.characters"
local work = require "spec.support.work"

-- The lines that are complete now.
local function complete(lines)
  local all = {}
  for line in lines.next, lines do
    if line then
      all[#all + 1] = line
    end
  end
  return all
end

local function cut(...)
  local lines, all = LogLines.new(), {}
  local function take()
    for _, line in ipairs(complete(lines)) do
      all[#all + 1] = line
    end
  end
  for _, piece in ipairs { ... } do
    lines:add(piece)
    take()
  end
  lines:finish()
  take()
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
      time .. "first\\r\\n" .. time .. "second\\n",
      'printf "a\\nb"\nthen\n',
      time .. 'sed "s/x/\\n/" | printf "%s\\n"\n' .. time .. "more\n",
    } do
      local expected = cut(whole)
      for at = 1, #whole - 1 do
        assert.are.same(
          expected,
          cut(whole:sub(1, at), whole:sub(at + 1)),
          ("cut after byte %d"):format(at)
        )
        for second = at + 1, #whole - 1, 7 do
          assert.are.same(
            expected,
            cut(whole:sub(1, at), whole:sub(at + 1, second), whole:sub(second + 1)),
            ("cut after bytes %d and %d"):format(at, second)
          )
        end
      end
    end
  end)

  it("come as soon as they are complete", function()
    for _, case in ipairs {
      { "a\nb", { "a" }, "c", {}, "\n", { "bc" } },
      { "one\\n", {}, "two\\n", { "one", "two" }, "three\\n", { "three" } },
    } do
      local lines = LogLines.new()
      for index = 1, #case, 2 do
        lines:add(case[index])
        assert.are.same(case[index + 1], complete(lines))
      end
      lines:finish()
      assert.are.same({}, complete(lines))
    end
  end)

  it("are cut a bit at a time, however much came at once", function()
    local expected = {}
    for number = 1, 5000 do
      expected[number] = ("line %d %s"):format(number, ("编"):rep(number % 7))
    end
    for _, separator in ipairs { "\n", "\\n" } do
      local lines = LogLines.new(characters.joiner())
      lines:add(table.concat(expected, separator) .. separator)
      lines:finish()
      local first = work.of(lines.next, lines)
      assert.is_true(first < 100000, first)
      assert.are.same(expected, complete(lines))
    end
    local lines, most = LogLines.new(characters.joiner()), 0
    lines:add(("x"):rep(100000) .. "\n")
    for _ = 1, 10 do
      most = math.max(most, work.of(lines.next, lines))
    end
    assert.is_true(most < 100000, most)
    assert.are.same({ ("x"):rep(100000) }, complete(lines))
  end)

  it("take work in proportion to the log, however it is cut", function()
    for _, piece in ipairs { "no end", "\\", "\\n", "a\n", "a\\n[2023/12/21", "\r" } do
      local function feed(count)
        local lines = LogLines.new()
        for _ = 1, count do
          lines:add(piece)
          complete(lines)
        end
        lines:finish()
        complete(lines)
      end
      local small, large = work.of(feed, 500), work.of(feed, 4000)
      assert.is_true(large < small * 10, ("%q: %d and %d"):format(piece, small, large))
    end
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

  it("is as long as the service asked for, but never beyond an hour", function()
    local pause = Pause.new(1)
    assert.are.equal(30, pause:next { retry_after = 30 })
    assert.are.equal(3600, pause:next { retry_after = 1e20 })
    assert.are.equal(3600, pause:next { retry_after = 31536000 })
    assert.are.equal(7, Pause.asked { retry_after = "7" })
    assert.are.equal(0, Pause.asked {})
    assert.are.equal(0, Pause.asked())
  end)

  it("is never shorter than asked for", function()
    local pause = Pause.new(60)
    pause:next()
    assert.are.equal(60, pause:next())
  end)
end)
