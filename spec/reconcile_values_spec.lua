-- What one value of the parameter says, which may be the id, another one, or what somebody made of it for display.

local judge = require "codearts.build.reconcile.judge"

local ID = "550e8400-e29b-41d4-a716-446655440000"

local function sight(value, secret)
  return judge.sight({ { name = "RUN_ID", value = value, secret = secret } }, "RUN_ID", ID)
end

local function check(expected, values)
  for _, value in ipairs(values) do
    assert.equal(expected, sight(value), value)
  end
end

describe("a value of the run id's parameter", function()
  it("is the call's own, in capitals, too", function()
    check("own", { ID, ID:upper() })
  end)

  it("is another one", function()
    check("other", {
      "0",
      "00",
      "none",
      "manual",
      "v1.2.3",
      "release-55",
      "release [1]",
      "master",
      "5b1c7a30-9f2e-4d61-8c3b-7e0a4f9d2c11",
      "aaaabbbb-0000-4000-8000-ffffffffffff", -- as chance has it
    })
    assert.is_nil(sight "")
    assert.equal("other", sight("", false))
  end)

  it("is no other one where it is a piece of the id", function()
    check("hidden", {
      "550e8400",
      "550E8400…",
      "55",
      "446655440000",
      "…440000",
      "...440000",
      "550e84...0000",
      "550e84_0000",
      "{550e8400…}",
      "e29b-41d4",
      "550e8400e29b41d4a716446655440000",
    })
  end)

  it("nor where it is shortened, from whatever that was", function()
    check("hidden", {
      "550e8400-e29b-41d4-a... [truncated]",
      "'550e8400-e29b-41d4-a'... 16 more characters",
      "550e8400-e29b-41d4-a (truncated)",
      "550e8400 (28 more)",
      "550e8401…",
      "550e84...0001",
    })
  end)

  it(
    "nor where it shows the id within something else, or with the escapes of JSON, URLs or HTML",
    function()
      check("hidden", {
        "run 550e8400-e29b-41d4-a716-446655440000",
        "550e8400\\u002De29b\\u002D41d4\\u002Da716\\u002D446655440000",
        "run%20550E8400%2De29b%2d41d4%2Da716%2D446655440000",
        "550e8400&#45;e29b&#45;41d4&#x2d;a716&#45;446655440000",
      })
    end
  )

  it("nor where it stands for what is not shown", function()
    local values = {
      "[REDACTED]",
      "[secure]",
      "<hidden>",
      "(not shown)",
      "xxxx0000",
      "XXXXXXXX",
      "550exxxxxxxxxxxx0000",
      "550e####",
      "••••0000",
      "########",
      "••••",
      "xxx",
      "MASKED",
      "Value redacted",
      "Protected parameter",
      "null",
      "00000000-0000-0000-0000-000000000000",
      "${RUN_ID}",
      "{{ run_id }}",
    }
    check("hidden", values)
    for _, value in ipairs(values) do
      assert.equal("hidden", sight(value, false), value)
    end
  end)
end)
