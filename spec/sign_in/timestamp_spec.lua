local life = require "codearts.build.sign_in.life"
local timestamp = require "codearts.build.sign_in.timestamp"

describe("timestamp", function()
  it("reads what IAM writes", function()
    assert.equal(0, timestamp.iso "1970-01-01T00:00:00.000000Z")
    assert.equal(1578128722.701, timestamp.iso "2020-01-04T09:05:22.701000Z")
    assert.equal(951782400, timestamp.iso "2000-02-29T00:00:00Z")
    assert.equal(1709164800, timestamp.iso "2024-02-29T00:00:00.5Z" - 0.5)
    assert.equal(4107542399, timestamp.iso "2100-02-28T23:59:59Z")
  end)

  for _, text in ipairs {
    "",
    "tomorrow",
    "2020-01-04 09:05:22Z",
    "2020-01-04T09:05:22",
    "2020-13-04T09:05:22Z",
    "2021-02-29T00:00:00Z",
    "2100-02-29T00:00:00Z",
    "2020-00-01T00:00:00Z",
    "2020-01-00T00:00:00Z",
    "2020-01-01T24:00:00Z",
    "2020-01-01T00:60:00Z",
    "2020-01-01T00:00:61Z",
    "2020-01-04T09:05:22+08:00",
  } do
    it("does not read " .. text, function()
      assert.is_nil(timestamp.iso(text))
    end)
  end

  it("does not read other types", function()
    assert.is_nil(timestamp.iso(nil))
    assert.is_nil(timestamp.iso(1578128722))
    assert.is_nil(timestamp.http(nil))
  end)

  it("reads a Date header", function()
    assert.equal(784111777, timestamp.http "Sun, 06 Nov 1994 08:49:37 GMT")
    assert.is_nil(timestamp.http "Sun, 06 Foo 1994 08:49:37 GMT")
    assert.is_nil(timestamp.http "1994-11-06")
  end)
end)

describe("life", function()
  local answer = { headers = { date = "Sun, 06 Nov 1994 08:49:37 GMT" } }

  it("is told by the service's clock alone", function()
    assert.equal(
      86400,
      life.left("2020-01-02T00:00:00.000000Z", answer, "2020-01-01T00:00:00.000000Z")
    )
    assert.equal(3600, life.left("1994-11-06T09:49:37Z", answer))
  end)

  it("is not longer for an answer that a cache has kept", function()
    for age, left in pairs { ["600"] = 3000, ["600, 601"] = 3000, soon = 3600 } do
      local kept = { headers = { date = answer.headers.date, age = age } }
      assert.equal(left, life.left("1994-11-06T09:49:37Z", kept))
    end
  end)

  it("needs a readable expiry in the future", function()
    assert.same({ nil, "gave an expiry that cannot be read" }, { life.left("soon", answer) })
    assert.same({ nil, "gave an expiry that cannot be read" }, { life.left(nil, answer) })
    assert.same(
      { nil, "gave credentials that have expired" },
      { life.left("1994-11-06T08:49:37Z", answer) }
    )
  end)

  for _, case in ipairs {
    { "token", 86400, 85800 },
    { "token", 3600, 3000 },
    { "token", 100, 80 },
    { "key", 21600, 19200 },
    { "key", 2401, 1 },
    { "key", 2400, 1200 },
    { "key", 10, 5 },
  } do
    it(("of a %s with %d s left"):format(case[1], case[2]), function()
      assert.equal(case[3], life.until_renewal { kind = case[1], expires_in = case[2] })
    end)
  end

  it("never ends without an expiry", function()
    assert.is_nil(life.until_renewal { kind = "key" })
  end)
end)
