local config = require "codearts.build.config"
local core = require "codearts.build.core"

local function resolve(options, variables)
  return config.resolve(options, function(name)
    return (variables or {})[name]
  end)
end

local function refused(options, variables)
  local ok, err = pcall(resolve, options, variables)
  assert.is_false(ok)
  assert.is_true(core.is_error(err))
  return err
end

describe("config.resolve", function()
  it("needs a region or an endpoint", function()
    local err = refused(nil)
    assert.equal("config", err.kind)
    assert.equal("region", err.field)
  end)

  it("lists the known regions for an unknown one", function()
    local err = refused { region = "mars-1" }
    assert.equal("config", err.kind)
    assert.equal("region", err.field)
    assert.truthy(err.message:find("mars-1", 1, true))
    assert.truthy(err.message:find("tr-west-1", 1, true))
    assert.truthy(err.message:find("HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_MARS_1", 1, true))
  end)

  it("repeats no long one, which may be a secret", function()
    local secret = "SkSecret1234567890abcdefghijklmnopqrstuv"
    local message = refused(nil, { CODEARTS_BUILD_REGION = secret }).message
    assert.truthy(message:find("^region a value of 40 bytes is not known; "), message)
    assert.truthy(message:find("HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_… or", 1, true), message)
    assert.is_nil(message:upper():find(secret:upper(), 1, true), message)
  end)

  it("takes options before the environment", function()
    local variables = {
      CODEARTS_BUILD_REGION = "cn-north-1",
      HUAWEICLOUD_SDK_REGION = "cn-east-2",
      CODEARTS_BUILD_ENDPOINT = "",
    }
    local given, sign_in = resolve({ region = "cn-north-4" }, variables)
    assert.equal("https://cloudbuild-ext.cn-north-4.myhuaweicloud.com", given.endpoint)
    assert.equal("cn-north-4", sign_in.region)
    assert.equal(
      "https://cloudbuild-ext.cn-north-1.myhuaweicloud.com",
      resolve({}, variables).endpoint
    )
    variables.CODEARTS_BUILD_REGION = nil
    assert.equal(
      "https://cloudbuild-ext.cn-east-2.myhuaweicloud.com",
      resolve({}, variables).endpoint
    )
    variables.CODEARTS_BUILD_ENDPOINT = "http://127.0.0.1:1"
    assert.equal("http://127.0.0.1:1", resolve({}, variables).endpoint)
    assert.equal("b.example", resolve({ endpoint = "b.example" }, variables).endpoint)
  end)

  it("looks project ids up for a region alone", function()
    assert.is_true(select(2, resolve { region = "cn-north-4" }).find_project)
    assert.is_false(select(2, resolve { region = "cn-north-4", endpoint = "a" }).find_project)
    assert.is_false(select(2, resolve { endpoint = "a" }).find_project)
  end)

  it("names the nearest option", function()
    local err = refused { endpoint = "a", tiemout = 3 }
    assert.equal("usage", err.kind)
    assert.equal("tiemout", err.field)
    assert.truthy(err.message:find('"timeout"', 1, true))
    assert.equal("usage", refused({ [1] = "a" }).kind)
    assert.equal("usage", refused("cn-north-4").kind)
  end)

  it("refuses values that cannot be right", function()
    for field, row in pairs {
      endpoint = { "", "config" },
      region = { "cn north", "config" },
      iam_endpoint = { 1, "usage" },
      token_store = { true, "usage" },
      ["token_store.lock"] = { { get = print, set = print }, "usage", "token_store" },
    } do
      local err = refused { endpoint = "a.example", [row[3] or field] = row[1] }
      assert.equal(row[2], err.kind)
      assert.equal(field, err.field)
    end
  end)

  it("passes the core's options on and copies nothing else", function()
    local retry = { max_attempts = 2 }
    local given = resolve {
      endpoint = "a",
      auth = "x",
      iam_endpoint = "b",
      timeout = 3,
      retry = retry,
      allow_http = true,
    }
    assert.same({ endpoint = "a", timeout = 3, retry = retry, allow_http = true }, given)
  end)

  it("takes the wish for a trace from the environment, unless it is given", function()
    local cases = {
      { nil, "1", true },
      { nil, "0", nil },
      { nil, "", nil },
      { nil, nil, nil },
      { false, "1", false },
      { true, nil, true },
    }
    for _, case in ipairs(cases) do
      local options = resolve(
        { endpoint = "a", trace = case[1] },
        { CODEARTS_BUILD_TRACE = case[2] }
      )
      assert.equal(case[3], options.trace)
    end
  end)

  it("does not write to the options and runs no metamethod of them", function()
    local options = setmetatable({ endpoint = "a" }, {
      __index = function()
        error "touched"
      end,
      __newindex = function()
        error "written"
      end,
      __pairs = function()
        error "listed"
      end,
    })
    assert.equal("a", resolve(options).endpoint)
  end)
end)

describe("proxies from the environment", function()
  local HTTPS, HTTP = { endpoint = "a.example" }, { endpoint = "http://127.0.0.1:1" }
  local cases = {
    { HTTPS, { https_proxy = "p1", HTTPS_PROXY = "p2", all_proxy = "p3" }, "p1" },
    { HTTPS, { https_proxy = "", HTTPS_PROXY = "p2", all_proxy = "p3" }, "p2" },
    { HTTPS, { all_proxy = "p3", ALL_PROXY = "p4" }, "p3" },
    { HTTPS, { ALL_PROXY = "p4" }, "p4" },
    { HTTPS, { http_proxy = "p5" }, nil },
    { HTTP, { http_proxy = "p5", https_proxy = "p1" }, "p5" },
    { HTTP, { HTTP_PROXY = "p6" }, nil },
    { HTTP, { all_proxy = "p3" }, "p3" },
    { { endpoint = "a", proxy = false }, { https_proxy = "p1" }, false },
    { { endpoint = "a", proxy = "mine" }, { https_proxy = "p1" }, "mine" },
  }
  for number, case in ipairs(cases) do
    it("case " .. number, function()
      assert.equal(case[3], resolve(case[1], case[2]).proxy)
    end)
  end

  it("is not for the hosts of no_proxy", function()
    assert.equal("a", resolve(HTTPS, { https_proxy = "p", no_proxy = "a" }).no_proxy)
    assert.equal("b", resolve(HTTPS, { https_proxy = "p", NO_PROXY = "b" }).no_proxy)
    assert.equal("c", resolve({ endpoint = "a", no_proxy = "c" }, { no_proxy = "d" }).no_proxy)
    assert.is_nil(resolve(HTTPS).no_proxy)
  end)
end)

describe("a region that is asked for", function()
  it("is not overruled by an endpoint in the environment", function()
    local function getenv(name)
      return name == "CODEARTS_BUILD_ENDPOINT" and "https://elsewhere.example" or nil
    end
    local options = config.resolve({ region = "cn-north-4" }, getenv)
    assert.equal("https://cloudbuild-ext.cn-north-4.myhuaweicloud.com", options.endpoint)
    assert.equal("https://elsewhere.example", config.resolve({}, getenv).endpoint)
  end)
end)
