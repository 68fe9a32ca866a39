-- The sources that are read here and now: environment and credentials file.
local credentials_file = require "codearts.build.sign_in.credentials_file"
local environment = require "codearts.build.sign_in.environment"

local function context(variables)
  local ctx = { warnings = {} }
  function ctx.getenv(name)
    return variables[name]
  end
  function ctx.warn(message)
    ctx.warnings[#ctx.warnings + 1] = message
  end
  return ctx
end

local function official(variables)
  local named = {}
  for name, value in pairs(variables) do
    named["HUAWEICLOUD_SDK_" .. name] = value
  end
  return environment.official(context(named))
end

describe("environment", function()
  it("has a token", function()
    assert.equal("abc", environment.token(context { CODEARTS_BUILD_TOKEN = "abc" }).token)
    assert.same({ nil, "not set", true }, { environment.token(context {}) })
    assert.same(
      { nil, "token is empty" },
      { environment.token(context { CODEARTS_BUILD_TOKEN = "" }) }
    )
  end)

  it("has keys", function()
    assert.same(
      { kind = "key", ak = "a", sk = "s" },
      official { AK = "a", SK = "s", SECURITY_TOKEN = "", PROJECT_ID = "" }
    )
    assert.same(
      { kind = "key", ak = "a", sk = "s", security_token = "t", project_id = "p" },
      official { AK = "a", SK = "s", SECURITY_TOKEN = "t", PROJECT_ID = "p" }
    )
  end)

  it("prefers a complete pair of an identity provider", function()
    local both = { AK = "a", SK = "s", IDP_ID = "i", ID_TOKEN_FILE = "/f" }
    assert.same({ kind = "id_token", idp_id = "i", id_token_file = "/f" }, official(both))
    both.ID_TOKEN_FILE = nil
    assert.equal("key", official(both).kind)
  end)

  local P = "HUAWEICLOUD_SDK_"
  for _, case in ipairs {
    { {}, ("neither %sAK nor %sIDP_ID is set"):format(P, P), true },
    { { AK = "hidden" }, ("%sAK is set, but %sSK is not"):format(P, P) },
    { { SK = "hidden" }, ("%sSK is set, but %sAK is not"):format(P, P) },
    { { AK = "a", SK = "" }, P .. "SK is empty" },
    { { AK = "a", SK = "hid den" }, P .. "SK holds blanks or characters that no header may hold" },
    {
      { AK = "a", SK = "s", SECURITY_TOKEN = "hid\nden" },
      P .. "SECURITY_TOKEN holds a line break",
    },
    { { IDP_ID = "i" }, ("%sIDP_ID goes with %sID_TOKEN_FILE, which is not set"):format(P, P) },
    {
      { ID_TOKEN_FILE = "f" },
      ("%sID_TOKEN_FILE goes with %sIDP_ID, which is not set"):format(P, P),
    },
    {
      { IDP_ID = "", ID_TOKEN_FILE = "f" },
      ("%sID_TOKEN_FILE goes with %sIDP_ID, which is not set"):format(P, P),
    },
    {
      { IDP_ID = "i\r", ID_TOKEN_FILE = "f" },
      P .. "IDP_ID holds blanks or characters that no header may hold",
    },
  } do
    it("says: " .. case[2], function()
      local found, problem, absent = official(case[1])
      assert.is_nil(found)
      assert.equal(case[2], problem)
      assert.equal(case[3], absent == true or nil)
    end)
  end
end)

describe("what should be the path of a file", function()
  local shown = require "codearts.build.shown"

  it("is repeated where such a file or its folder exists", function()
    for _, path in ipairs {
      "/etc/passwd",
      "/etc",
      "/etc/none",
      "./none",
      "../none",
      "./spec/none",
      "Makefile",
    } do
      assert.equal(path, shown.path(path))
    end
  end)

  it("is not where it may be what the file should hold", function()
    for _, text in ipairs {
      "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjaSJ9.c2ln",
      "/IIFu+base64==",
      "/IIFu/base64==",
      "IIFu/base64==",
      ".hidden",
      "a\nb",
      "/" .. ("x"):rep(300) .. "/x",
      "",
    } do
      assert.equal("a value that is no path", shown.path(text))
    end
  end)
end)

describe("credentials file", function()
  local path

  before_each(function()
    path = os.tmpname()
  end)
  after_each(function()
    os.remove(path)
  end)

  local function read(text, mode)
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    os.execute(("chmod %s '%s'"):format(mode or "600", path))
    local ctx = context { HUAWEICLOUD_SDK_CREDENTIALS_FILE = path }
    local found, problem, absent = credentials_file.read(ctx)
    return found, problem, absent, ctx.warnings
  end

  it("has keys in [basic]", function()
    local found, _, _, warnings = read "[global]\nak=no\n[basic]\nak = a\nsk = s\nproject_id = p\n"
    assert.same({ kind = "key", ak = "a", sk = "s", project_id = "p" }, found)
    assert.same({}, warnings)
  end)

  it("has keys where the official chain looks, and an IAM endpoint", function()
    local found = read "[basiccredentials]\nAK: a\nSK: s%%\niam_endpoint: https://iam.example\n"
    assert.same({ kind = "key", ak = "a", sk = "s%", iam_endpoint = "https://iam.example" }, found)
  end)

  it("is read as the official SDKs read it", function()
    local found = read(
      "[DEFAULT]\nak = a\nsk = s\nproject_id = p\niam_endpoint = https://iam.example\n"
        .. "[basic]\nak =\194\160b\194\160\nproject_id =\nsecurity_token =\n"
    )
    assert.same({ kind = "key", ak = "b", sk = "s", iam_endpoint = "https://iam.example" }, found)
  end)

  it("is not what stands in the place of its path", function()
    for _, value in ipairs { "[basic]\nak = a\nsk = hidden\n", "hidden", "/hidden" } do
      local _, problem, absent =
        credentials_file.read(context { HUAWEICLOUD_SDK_CREDENTIALS_FILE = value })
      assert.equal("a value that is no path: No such file or directory", problem)
      assert.falsy(absent)
    end
    local _, problem = credentials_file.read(context { HOME = "/nowhere" })
    assert.equal("/nowhere/.huaweicloud/credentials: No such file or directory", problem)
  end)

  it("has an identity provider", function()
    local found = read "[basic]\nidp_id = i\nid_token_file = /f\n"
    assert.same({ kind = "id_token", idp_id = "i", id_token_file = "/f" }, found)
  end)

  it("warns of a file that others may read", function()
    for _, mode in ipairs { "644", "640", "604" } do
      local found, _, _, warnings = read("[basic]\nak=a\nsk=s\n", mode)
      assert.equal("key", found.kind)
      assert.equal(1, #warnings)
      assert.truthy(warnings[1]:find(path, 1, true))
    end
  end)

  for text, expected in pairs {
    ["[global]\nak = hidden\n"] = "%s has no section [basic]",
    ["[basic]\nak = hidden\n"] = "%s: key ak is set, but key sk is not",
    ["[basic]\n"] = "%s: neither key ak nor key idp_id is set",
    ["[basic]\nak =\nsk = hidden\n"] = "%s: key ak is empty",
    ["[basic]\nhidden\n"] = "%s: line 2: neither a [section] nor key = value",
    ["[basic]\nsk = hid%den\n"] = "%s: line 2: a percent sign, which must be doubled",
  } do
    it("says: " .. expected:format "FILE", function()
      local found, problem, absent = read(text)
      assert.is_nil(found)
      assert.equal(expected:format(path), problem)
      assert.is_nil(absent)
    end)
  end

  it("is absent only where nobody named it", function()
    local home = os.tmpname()
    os.remove(home)
    local _, problem, absent = credentials_file.read(context { HOME = home })
    assert.equal(home .. "/.huaweicloud/credentials: No such file or directory", problem)
    assert.is_true(absent)
    _, problem, absent = credentials_file.read(context { HUAWEICLOUD_SDK_CREDENTIALS_FILE = home })
    assert.equal(home .. ": No such file or directory", problem)
    assert.is_false(absent)
    _, problem, absent = credentials_file.read(context {})
    assert.equal("HUAWEICLOUD_SDK_CREDENTIALS_FILE and HOME are not set", problem)
    assert.is_true(absent)
  end)

  it("is no folder", function()
    local _, problem = credentials_file.read(context { HUAWEICLOUD_SDK_CREDENTIALS_FILE = "/tmp" })
    assert.equal("/tmp: Is a directory", problem)
  end)
end)

describe("what should be an id or the address of a service", function()
  local shown = require "codearts.build.shown"
  local SECRET = "SkSecret1234567890abcdefghijklmnopqrstuv"

  it("is repeated where it may be one", function()
    for _, name in ipairs { "cn-nort-4", "my-kualalumpur-1", "short" } do
      assert.equal(name, shown.name(name))
    end
    for _, address in ipairs {
      "https://build.example.com:8443/a",
      "cloudbuild-ext.cn-nort-4-and-some-more.myhuaweicloud.com",
      "https://build-1,https://build-2",
      "http://localhost:1",
      "https://[2001:db8::1]:8443",
    } do
      assert.equal(address, shown.address(address))
    end
  end)

  it("is not where it may be a secret", function()
    assert.equal("a value of 40 bytes", shown.name(SECRET))
    assert.equal("a value of 3 bytes", shown.name "a b")
    assert.equal("a value of 0 bytes", shown.name "")
    for _, address in ipairs {
      SECRET,
      "https://" .. SECRET .. ":8443/a.b",
      "socks5h://" .. SECRET,
      SECRET:sub(1, 8) .. "/" .. SECRET,
    } do
      assert.equal("a value that is no address", shown.address(address))
      assert.equal("build-1,a value that is no address", shown.address("build-1," .. address))
    end
  end)
end)
