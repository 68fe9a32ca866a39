-- Times as the service prints them, and what it prints for none.
local times = require "codearts.build.lifecycle.times"

describe("times", function()
  it("are read as the service prints them", function()
    for _, case in ipairs {
      { "2022-10-11T08:28:42.000+00:00", 1665476922, true },
      { "2020-12-30T17:33:11+08:00", 1609320791, true },
      { "2020-12-30T09:33:11.250Z", 1609320791.25, true },
      { "2020-12-30 09:33:11", 1609320791, false },
      { "2020/12/30 09:33:11", 1609320791, false },
      { 1609320791250, 1609320791.25, true },
      { "1609320791250", 1609320791.25, true },
    } do
      local seconds, zoned = times.parse(case[1])
      assert.are.same({ case[2], case[3] }, { seconds, zoned })
    end
    for _, bad in ipairs {
      "",
      "yesterday",
      "2022-13-11T08:28:42+00:00",
      "1970-01-01T00:00:00.000+00:00", -- and what else is written for no time
      "1970-01-01 08:00:00",
      "0001-01-01T00:00:00Z",
      "0000-00-00 00:00:00",
      "0",
      0,
      -1,
      0 / 0,
      math.huge,
      {},
      true,
    } do
      assert.is_nil(times.parse(bad))
    end
    assert.is_nil(times.parse(nil))
  end)
end)
