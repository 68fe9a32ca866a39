-- Signing against the vectors, step by step. They follow API reference 3.2 to 3.7.
local core = require "codearts.build.core"
local read_file = require "spec.support.read_file"

local function read_vectors()
  return assert(core.decode(read_file "spec/data/sign_vectors.json"))
end

local base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function decode_base64(text)
  local bits, count, out = 0, 0, {}
  for c in text:gmatch "[%w+/]" do
    bits, count = bits * 64 + base64:find(c, 1, true) - 1, count + 6
    if count >= 8 then
      local unit = 2 ^ (count - 8)
      out[#out + 1] = string.char(math.floor(bits / unit))
      bits, count = bits % unit, count - 8
    end
  end
  return table.concat(out)
end

local function optional(value)
  if value ~= core.null then
    return value
  end
end

local function body_of(body)
  if body == core.null then
    return nil
  end
  if body.base64 then
    return decode_base64(body.base64)
  end
  local r = body["repeat"]
  return r and (r.prefix or "") .. r.unit:rep(r.count) .. (r.suffix or "") or body.text
end

local function arguments(vector)
  local input = vector.input
  return {
    algorithm = vector.algorithm,
    ak = input.ak,
    sk = input.sk,
    security_token = optional(input.security_token),
    project_id = optional(input.project_id),
    method = input.method,
    host = input.host,
    path = input.path,
    query = input.query,
    headers = input.headers,
    body = body_of(input.body),
    date = input.x_sdk_date,
    region = input.region_id,
    service = input.derived_auth_service_name,
  }
end

local function fields(changes)
  local args = {
    ak = "EXAMPLEKEY",
    sk = "not-a-secret",
    method = "POST",
    host = "127.0.0.1:8080",
    path = "/v3/jobs/build",
    date = "20240102T030405Z",
  }
  for name, value in pairs(changes) do
    args[name] = value
  end
  return args
end

local function refused(changes)
  local ok, err = pcall(core.sign, fields(changes))
  assert.is_false(ok)
  assert.equal("usage", err.kind)
  assert.is_nil(tostring(err):find("not-a-secret", 1, true))
  return err
end

describe("core.sign", function()
  local data = read_vectors()

  it("reads all vectors", function()
    assert.equal(data.count, #data.vectors)
  end)

  local all = {}
  for _, list in ipairs { data.vectors, data.extra_vectors } do
    for _, vector in ipairs(list) do
      all[#all + 1] = vector
    end
  end
  for _, vector in ipairs(all) do
    describe(vector.name, function()
      local answer
      setup(function()
        answer = core.sign(arguments(vector))
      end)
      for _, step in ipairs {
        "canonical_request",
        "signed_headers",
        "string_to_sign",
        "signature",
        "authorization",
        "request_target",
      } do
        it("gives the " .. step, function()
          assert.equal(vector[step], answer[step])
        end)
      end
      it("gives the headers", function()
        assert.same(vector.final_headers, answer.headers)
      end)
    end)
  end

  it("refuses other algorithms by name", function()
    for _, name in ipairs { "SDK-ECDSA-P256-SHA256", "SDK-SM2-SM3", "sdk-hmac-sha256" } do
      local err = refused { algorithm = name }
      assert.equal("algorithm", err.field)
      assert.truthy(err.message:find(name .. " is not supported", 1, true))
    end
    local err = refused { algorithm = ("hidden"):rep(10) }
    assert.is_nil(err.message:find("hidden", 1, true))
  end)

  it("derives the key of V11 for a region and a service", function()
    local function v11(changes)
      local args =
        { algorithm = "V11-HMAC-SHA256", region = "cn-north-4", service = "codeartsbuild" }
      for name, value in pairs(changes) do
        args[name] = value or nil
      end
      return args
    end
    assert.equal("region", refused(v11 { region = false }).field)
    assert.equal("service", refused(v11 { service = false }).field)
    for _, bad in ipairs { "a/b", "a,b", "a b", "\195\164" } do
      assert.equal("region", refused(v11 { region = bad }).field)
      assert.equal("service", refused(v11 { service = bad }).field)
    end
    local signatures = {}
    local answer
    for _, changes in ipairs {
      {},
      { region = "cn-north-1" },
      { service = "other" },
      { date = "20240103T030405Z" },
      { ak = "OTHERKEY" },
      { sk = "another-secret" },
    } do
      answer = core.sign(fields(v11(changes)))
      assert.is_nil(signatures[answer.signature])
      signatures[answer.signature] = true
    end
    local scope = "/20240102/" .. ("r"):rep(3000) .. "/" .. ("s"):rep(3000)
    answer = core.sign(fields(v11 { region = ("r"):rep(3000), service = ("s"):rep(3000) }))
    assert.truthy(answer.authorization:find("Credential=EXAMPLEKEY" .. scope .. ", ", 1, true))
    assert.is_nil(answer.authorization:find("not-a-secret", 1, true))
  end)

  it("tells a body that is left out by a header of SM3's own", function()
    local function content(headers, body)
      local answer = core.sign(fields {
        algorithm = "SDK-HMAC-SM3",
        headers = headers,
        body = body or "x",
      })
      return answer.signed_headers, answer.canonical_request:match "[^\n]*$"
    end
    local _, signed, payload
    signed, payload = content { { "Content-Type", "text/plain" } }
    assert.equal("content-type;host;x-sdk-content-sm3;x-sdk-date", signed)
    assert.equal("UNSIGNED-PAYLOAD", payload)
    _, payload = content({ { "Content-Type", "text/plain" } }, "")
    assert.equal("1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b", payload)
    _, payload = content { { "X-Sdk-Content-Sm3", "abc" } }
    assert.equal("abc", payload)
    -- SHA-256's is a header as any other here.
    _, payload = content { { "X-Sdk-Content-Sha256", "abc" } }
    assert.equal(64, #payload)
  end)

  it("takes a method in any case", function()
    assert.equal(core.sign(fields {}).signature, core.sign(fields { method = "post" }).signature)
  end)

  it("keeps a host and a payload hash that are given as headers", function()
    local answer = core.sign(fields {
      body = "{}",
      headers = { { "host", "a.example" }, { "X-Sdk-Content-Sha256", "UNSIGNED-PAYLOAD" } },
    })
    assert.truthy(answer.canonical_request:find("\nhost:a.example\n", 1, true))
    assert.truthy(answer.canonical_request:find "\nUNSIGNED%-PAYLOAD$")
    assert.equal(4, #answer.headers)
  end)

  it("does not change its input", function()
    local args =
      fields { query = { { "b", "1" }, { "a", "2" } }, headers = { { "Accept", " x " } } }
    core.sign(args)
    assert.same({ { "b", "1" }, { "a", "2" } }, args.query)
    assert.same({ { "Accept", " x " } }, args.headers)
    assert.is_nil(getmetatable(args))
  end)

  it("refuses headers that it adds itself, and ones given twice", function()
    for _, headers in ipairs {
      { { "authorization", "x" } },
      { { "x-sdk-date", "20240102T030405Z" } },
      { { "X-PROJECT-ID", "x" } },
      { { "x-security-token", "x" } },
      { { "Accept", "a" }, { "accept", "b" } },
    } do
      assert.equal(
        "headers",
        refused { headers = headers, project_id = "p", security_token = "t" }.field
      )
    end
  end)

  it("refuses more headers than it can sign", function()
    local headers = {}
    for i = 1, 81 do
      headers[i] = { "X-" .. i, "v" }
    end
    assert.equal("headers", refused { headers = headers }.field)
  end)

  it("signs long values of every kind", function()
    local long = ("x"):rep(100000)
    local answer = core.sign(fields {
      security_token = long,
      path = "/" .. ("%"):rep(5000),
      query = { { long, long } },
      headers = { { "X-" .. long, long } },
      ak = long,
      sk = long,
      host = long,
      project_id = long,
    })
    assert.equal(64, #answer.signature)
  end)

  it("names the member that it refuses", function()
    for field, value in pairs {
      ak = "",
      sk = 1,
      method = "GET\n",
      host = "a b",
      date = "2024-01-02",
      body = {},
      security_token = "a\r\nb",
      path = "/a\nb",
      region = true,
      query = "a=b",
      colour = "red",
    } do
      assert.equal(field, refused { [field] = value }.field)
    end
    assert.equal("path", refused { path = "v3/jobs/build" }.field)
    for _, date in ipairs { "20240102T03040xZ", "20240102 030405Z", "20240102T030405z" } do
      assert.equal("date", refused({ date = date }).field)
    end
    assert.equal("query[2]", refused { query = { { "a", "b" }, { "a" } } }.field)
    assert.equal("query[1]", refused { query = { { "a", 1 } } }.field)
    assert.equal("headers[1]", refused { headers = { { "a b", "c" } } }.field)
    assert.equal("headers[1]", refused { headers = { { "a", "b\nc: d" } } }.field)
    assert.equal("headers[1]", refused { headers = { { "", "b" } } }.field)
    assert.equal("usage", select(2, pcall(core.sign)).kind)
    assert.equal("usage", select(2, pcall(core.sign, { "POST" })).kind)
  end)
end)
