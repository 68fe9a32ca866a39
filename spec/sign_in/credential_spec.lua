local credential = require "codearts.build.sign_in.credential"

describe("credential.read", function()
  it("takes each shape", function()
    assert.same({ kind = "token", token = "abc" }, credential.read "abc")
    assert.same({ kind = "token", token = "abc" }, credential.read { token = "abc" })
    assert.same(
      { kind = "key", ak = "a", sk = "s", security_token = "t", project_id = "p" },
      credential.read { ak = "a", sk = "s", security_token = "t", project_id = "p" }
    )
    assert.same(
      { kind = "password", user = "u é", password = " p w ", domain = "d", project = "x" },
      credential.read { user = "u é", password = " p w ", domain = "d", project = "x" }
    )
  end)

  it("answers a copy", function()
    local given = { token = "abc" }
    assert.are_not.equal(given, credential.read(given))
    assert.same({ token = "abc" }, given)
  end)

  local cases = {
    { "", "token is empty", "token" },
    { "hidden\nhidden", "token holds a line break", "token" },
    { "hidden hidden", "token holds blanks or characters that no header may hold", "token" },
    { "hidden\0", "token holds blanks or characters that no header may hold", "token" },
    { "h\195\169dden", "token holds blanks or characters that no header may hold", "token" },
    { { token = 12345 }, "token must be a string, not a number", "token" },
    { 12345, "must be a token, a table or a function, not a number" },
    { {}, "holds no credentials: neither token, nor ak and sk, nor user, password and domain" },
    { { ak = "hidden" }, "sk is missing beside ak", "sk" },
    { { sk = "hidden" }, "ak is missing beside sk", "ak" },
    { { ak = "a", sk = " hidden" }, "sk holds blanks or characters that no header may hold", "sk" },
    { { user = "u", password = "hidden" }, "domain is missing beside user and password", "domain" },
    { { password = "hidden" }, "user is missing beside password", "user" },
    {
      { user = "u", password = "hid\tden", domain = "d" },
      "password holds control characters",
      "password",
    },
    { { token = "hidden", ak = "a" }, "ak does not go with token", "ak" },
    { { ak = "a", sk = "hidden", user = "u" }, "user does not go with ak", "user" },
    {
      { user = "u", password = "hidden", domain = "d", project = "a", project_id = "b" },
      "project and project_id are both given",
      "project_id",
    },
    { { tokn = "hidden" }, "tokn is not known; did you mean token?", "tokn" },
    {
      { "hidden" },
      "holds a member that is not known; known are token, ak, sk, security_token, "
        .. "project_id, algorithm, user, password, domain, project",
    },
    {
      { [("hidden"):rep(9)] = true },
      "holds a member that is not known; known are token, ak, sk, "
        .. "security_token, project_id, algorithm, user, password, domain, project",
    },
  }
  for _, case in ipairs(cases) do
    it("refuses what " .. case[2], function()
      local found, problem, member = credential.read(case[1])
      assert.is_nil(found)
      assert.equal(case[2], problem)
      assert.equal(case[3], member)
    end)
  end

  it("hands the core what requests are sent with", function()
    local key = credential.read { ak = "a", sk = "s", project_id = "p" }
    key.expires_in = 5
    assert.same({ ak = "a", sk = "s", project_id = "p" }, credential.for_core(key))
    assert.same({ token = "t" }, credential.for_core(credential.read "t"))
  end)
end)
