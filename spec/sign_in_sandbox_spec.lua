-- Every way to sign in, through the public interface, against the sandbox, which checks tokens,
-- passwords and signatures by code of its own.
local build = require "codearts.build"
local sandbox = require "codearts.build.sandbox"
local quote = require "spec.support.quote"

local JOB = { job_id = "samplejob00000000000000000000001" }
local USER = { user = "ci", password = "p w-hidden", domain = "acme", project = "cn-north-4" }
local AK, SK, POD, ID = "EXAMPLEKEY", "sk-hidden", "pod-hidden", "id-hidden"

local cloud, plain, client

setup(function()
  cloud = sandbox.start {
    user = USER.user,
    password = USER.password,
    domain = USER.domain,
    ak = AK,
    sk = SK,
    metadata = true,
    pod_token = POD,
    idp_id = "idp",
    id_token = ID,
  }
  plain = sandbox.start() -- only its token opens it
end)

teardown(function()
  cloud:stop()
  plain:stop()
end)

after_each(function()
  if client then
    client:close()
  end
  client = nil
end)

local function new(auth)
  client = build.new { endpoint = cloud.endpoint, iam_endpoint = cloud.endpoint, auth = auth }
  return client
end

local function file_with(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

-- Runs a build in a process that has these variables and no other; answers what it prints.
local function run_with(variables)
  local line = { "env -i" }
  for _, name in ipairs { "PATH", "LUA_PATH", "LUA_CPATH" } do
    line[#line + 1] = name .. "=" .. quote(os.getenv(name) or "")
  end
  for name, value in pairs(variables) do
    line[#line + 1] = name .. "=" .. quote(value)
  end
  local first = 0
  while arg[first - 1] do
    first = first - 1
  end
  line[#line + 1] = "timeout 300 " .. arg[first] .. " spec/support/default_run.lua " .. JOB.job_id
  local pipe = assert(io.popen(table.concat(line, " ") .. " 2>&1"))
  local text = pipe:read "*a"
  pipe:close()
  assert.is_nil(text:find("hidden", 1, true), text)
  return text
end

describe("auth", function()
  for name, auth in pairs {
    ["of a token in a table"] = function()
      return { token = cloud.token }
    end,
    ["of a token"] = function()
      return cloud.token
    end,
    ["of a password"] = function()
      return USER
    end,
    ["of a password and a project id"] = function()
      return {
        user = USER.user,
        password = USER.password,
        domain = USER.domain,
        project_id = cloud.project_id,
      }
    end,
    ["of a key"] = function()
      return { ak = AK, sk = SK, project_id = cloud.project_id }
    end,
    ["of a function"] = function()
      return function()
        return USER
      end
    end,
  } do
    it(name .. " is accepted", function()
      assert.is_string(new(auth()):run(JOB).actual_build_number)
    end)
  end

  it("is refused with the service's words", function()
    local _, err = new("no-such-token"):try_run(JOB)
    assert.equal("auth", err.kind)
    assert.equal(401, err.status)
    client:close()
    _, err = new({ ak = AK, sk = "wrong-hidden", project_id = cloud.project_id }):try_run(JOB)
    assert.equal("auth", err.kind)
    assert.truthy(err.message:find("secret key", 1, true), err.message)
    assert.is_nil(tostring(err):find("hidden", 1, true))
    client:close()
    _, err = new({
      user = USER.user,
      password = "wrong-hidden",
      domain = USER.domain,
      project = "cn-north-4",
    }):try_run(JOB)
    assert.equal("auth", err.kind)
    assert.equal("not_started", err.outcome)
    assert.truthy(err.message:find("The username or password is wrong", 1, true), err.message)
  end)

  it("that cannot be right is refused at once", function()
    for _, auth in ipairs { "", "a\r\nX-Evil: hidden", { ak = "hidden" }, { user = "hidden" } } do
      local ok, err = pcall(new, auth)
      assert.is_false(ok)
      assert.equal("config", err.kind)
      assert.truthy(err.field:find "^auth%.")
      assert.is_nil(tostring(err):find("hidden", 1, true))
    end
  end)

  it("of one call goes before the client's", function()
    new "no-such-token"
    assert(client:try_run(JOB, { auth = USER }))
    assert(client:try_run(JOB, { auth = cloud.token }))
    assert.is_nil((client:try_run(JOB)))
  end)
end)

describe("the environment alone", function()
  local files

  before_each(function()
    files = {}
  end)
  after_each(function()
    for _, path in ipairs(files) do
      os.remove(path)
    end
  end)

  local function temporary(text)
    files[#files + 1] = file_with(text)
    return files[#files]
  end

  for name, variables in pairs {
    ["has a token"] = function()
      return { CODEARTS_BUILD_TOKEN = cloud.token }
    end,
    ["has a key"] = function()
      return {
        HUAWEICLOUD_SDK_AK = AK,
        HUAWEICLOUD_SDK_SK = SK,
        HUAWEICLOUD_SDK_PROJECT_ID = cloud.project_id,
      }
    end,
    ["has a key, and a region in which it must be"] = function()
      return {
        CODEARTS_BUILD_ENDPOINT = "",
        CODEARTS_BUILD_REGION = "cn-north-4",
        HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4 = cloud.endpoint,
        HUAWEICLOUD_SDK_AK = AK,
        HUAWEICLOUD_SDK_SK = SK,
      }
    end,
    ["has a credentials file"] = function()
      local text = ("[basic]\nak = %s\nsk = %s\nproject_id = %s\n"):format(AK, SK, cloud.project_id)
      return { HUAWEICLOUD_SDK_CREDENTIALS_FILE = temporary(text) }
    end,
    ["has an identity provider"] = function()
      return { HUAWEICLOUD_SDK_IDP_ID = "idp", HUAWEICLOUD_SDK_ID_TOKEN_FILE = temporary(ID) }
    end,
    ["is that of a cloud server"] = function()
      return { CODEARTS_BUILD_METADATA_ENDPOINT = cloud.endpoint }
    end,
    ["is that of a pod"] = function()
      return {
        CODEARTS_BUILD_METADATA_ENDPOINT = plain.endpoint,
        HC_CONTAINER_CREDENTIALS_FULL_URI = cloud.endpoint .. "/__sandbox/pod-identity",
        HC_CONTAINER_AUTHORIZATION_TOKEN_FILE = temporary(POD),
      }
    end,
  } do
    it(name, function()
      local given = variables()
      given.CODEARTS_BUILD_ENDPOINT = given.CODEARTS_BUILD_ENDPOINT or cloud.endpoint
      given.HUAWEICLOUD_SDK_IAM_ENDPOINT = cloud.endpoint
      local text = run_with(given)
      assert.truthy(text:find "^build %d+\n$", text)
    end)
  end

  it("has nothing, and that is said", function()
    local text = run_with {
      CODEARTS_BUILD_ENDPOINT = plain.endpoint,
      CODEARTS_BUILD_METADATA_ENDPOINT = plain.endpoint,
    }
    assert.truthy(
      text:find(
        "auth error: no build was started: found no credentials: CODEARTS_BUILD_TOKEN: not set; ",
        1,
        true
      ),
      text
    )
    assert.truthy(text:find("ECS metadata: the metadata service answered 404", 1, true), text)
  end)

  it("has no region, and that is said", function()
    assert.truthy(
      run_with({}):find(
        "config error: no build was started: neither region nor endpoint is given",
        1,
        true
      )
    )
  end)
end)
