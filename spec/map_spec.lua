-- Which specs a source concerns.

local map = require "spec.map"

local function files(command)
  local pipe, list = assert(io.popen(command)), {}
  for line in pipe:lines() do
    list[#list + 1] = line
  end
  pipe:close()
  return list
end

describe("the map of specs", function()
  it("names specs that exist", function()
    assert.same({}, map.unknown())
  end)

  it("knows specs for each source", function()
    for _, file in ipairs(files "find csrc lua -name '*.[ch]' -o -name '*.lua'") do
      local specs = map.specs_of { file }
      local more = 0
      for _, spec in ipairs(specs) do
        more = more + (spec:find "layers" == nil and spec:find "docs" == nil and 1 or 0)
      end
      assert(more > 0, file .. " concerns no spec")
    end
  end)

  it("takes a spec for its own, and the fast ones alone when asked", function()
    assert.same({ "spec/retry_spec.lua" }, map.specs_of { "spec/retry_spec.lua" })
    local all, fast = map.specs_of { "csrc/cab/call.c" }, map.specs_of({ "csrc/cab/call.c" }, true)
    assert.is_true(#fast < #all and #fast > 0)
  end)
end)
