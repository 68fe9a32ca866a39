local caller = require "spec.support.caller"
local core = require "codearts.build.core"
local regions = require "codearts.build.regions"
local servers = require "spec.support.server"

local function env(variables)
  return function(name)
    return variables[name]
  end
end

describe("regions", function()
  it("knows the endpoint of each", function()
    assert.equal(12, #regions.known)
    for _, region in ipairs(regions.known) do
      assert.equal(
        "https://cloudbuild-ext." .. region .. ".myhuaweicloud.com",
        regions.endpoint(region, env {})
      )
      assert.equal(
        "https://iam." .. region .. ".myhuaweicloud.com",
        regions.iam_endpoint(region, env {})
      )
    end
  end)

  it("answers nothing for others", function()
    assert.is_nil(regions.endpoint("eu-west-0", env {}))
    assert.is_nil(regions.endpoint("", env {}))
  end)

  it("takes the official override, also for regions that it does not know", function()
    local variables = env {
      HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4 = "a.example,https://b.example",
      HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_XX_NEW_1 = "c.example",
      HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_1 = "",
    }
    assert.equal("a.example,https://b.example", regions.endpoint("cn-north-4", variables))
    assert.equal("c.example", regions.endpoint("xx-new-1", variables))
    assert.equal(
      "https://cloudbuild-ext.cn-north-1.myhuaweicloud.com",
      regions.endpoint("cn-north-1", variables)
    )
  end)

  it("finds the IAM endpoint: override, region, global", function()
    assert.equal(
      "https://x",
      regions.iam_endpoint("cn-north-4", env { HUAWEICLOUD_SDK_IAM_ENDPOINT = "https://x" })
    )
    assert.equal(
      "https://iam.eu-west-0.myhuaweicloud.com",
      regions.iam_endpoint("eu-west-0", env {})
    )
    assert.equal("https://iam.myhuaweicloud.com", regions.iam_endpoint("xx-new-1", env {}))
    assert.equal("https://iam.myhuaweicloud.com", regions.iam_endpoint(nil, env {}))
  end)
end)

describe("the regions file", function()
  local path

  before_each(function()
    path = os.tmpname()
  end)
  after_each(function()
    os.remove(path)
  end)

  local function write(text)
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
  end

  local function look_up(text, region, more)
    write(text)
    local variables = { HUAWEICLOUD_SDK_REGIONS_FILE = path }
    for name, value in pairs(more or {}) do
      variables[name] = value
    end
    return regions.endpoint(region, env(variables))
  end

  local function refused(text, ...)
    local ok, err = pcall(look_up, text, "cn-north-4", ...)
    assert.is_false(ok)
    assert.is_true(core.is_error(err), tostring(err))
    assert.equal("config", err.kind)
    assert.equal("region", err.field)
    assert.is_nil(err.message:find("hidden", 1, true))
    local prefix = ("regions file %s: "):format(path)
    assert.equal(prefix, err.message:sub(1, #prefix))
    return err.message:sub(#prefix + 1)
  end

  local FILE = [[
# Service names count no case.
ECS:
  - {id: cn-north-4, endpoint: "https://ecs.example"}
codeartsBuild:
  - id: 'cn-north-4'
    endpoint: 'https://build.example/prefix'
  - id: xx_private.1
    endpoints:
      - https://first.example
      - "second.example"
    endpoint: third.example
    remark: ~
  - id: cn-east-3
    endpoint: ''
  - id: cn-north-4
    endpoint: "http://127.0.0.1:8080"
  - endpoint: of.nothing.example
]]

  it("goes before the table and behind the official override, and knows private regions", function()
    local endpoint, source = look_up(FILE, "cn-north-4")
    assert.equal("http://127.0.0.1:8080", endpoint) -- the last of an id, as in the official SDKs
    assert.equal(("regions file %s, line 16"):format(path), source)
    endpoint, source = look_up(FILE, "xx_private.1")
    assert.equal("https://first.example,second.example,third.example", endpoint)
    assert.equal(("regions file %s, line 9"):format(path), source)
    for _, region in ipairs { "cn-east-3", "cn-north-1" } do
      endpoint, source = look_up(FILE, region)
      assert.equal("https://cloudbuild-ext." .. region .. ".myhuaweicloud.com", endpoint)
      assert.is_nil(source)
    end
    assert.is_nil((look_up(FILE, "xx-none-1")))
    assert.equal("over.example", (look_up(FILE, "cn-north-4", {
      HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_CN_NORTH_4 = "over.example",
    })))
  end)

  it("lies in the home directory", function()
    local home = os.tmpname()
    os.remove(home)
    os.execute(("mkdir -p %s/.huaweicloud"):format(home))
    path = home .. "/.huaweicloud/regions.yaml"
    write(FILE)
    local endpoint = regions.endpoint("cn-north-4", env { HOME = home })
    os.execute("rm -r " .. home)
    assert.equal("http://127.0.0.1:8080", endpoint)
  end)

  it("may be empty, hold anchors, a byte order mark and other line ends", function()
    for _, text in ipairs {
      "",
      "# nothing\n",
      "---\n...\n",
      "CodeArtsBuild:\n",
      "CodeArtsBuild: ~\nECS: 7\n",
      "CodeArtsBuild: []\n",
    } do
      local endpoint, source, warning = look_up(text, "cn-north-4")
      assert.equal("https://cloudbuild-ext.cn-north-4.myhuaweicloud.com", endpoint)
      assert.is_nil(source)
      assert.is_nil(warning)
    end
    assert.equal(
      "a.example",
      (
        look_up(
          "\239\187\191common: &all\r\n  - id: cn-north-4\r\n    endpoint: &one a.example\r\nCODEARTSBUILD: *all\r\n",
          "cn-north-4"
        )
      )
    )
  end)

  -- Each level has nine of the level below: 9^9 nodes if they were written out.
  local function bomb(service)
    local lines =
      { "a0: &a0 [hidden, hidden, hidden, hidden, hidden, hidden, hidden, hidden, hidden]" }
    for level = 1, 9 do
      local below = ("*a%d"):format(level - 1)
      lines[#lines + 1] = ("a%d: &a%d [%s]"):format(level, level, (below .. ", "):rep(8) .. below)
    end
    lines[#lines + 1] = service
    return table.concat(lines, "\n")
  end

  for _, case in ipairs {
    { bomb "CodeArtsBuild: *a9", "line 5: too many nodes for a list of regions, aliases counted" },
    { bomb "x: 1", "line 5: too many nodes for a list of regions, aliases counted" },
    { "a: &a [*a]\n", "line 1: an alias inside of what it stands for" },
    { "a: *hidden\n", "line 1: an alias of nothing" },
    { "a:\n  - " .. ("["):rep(40) .. ("]"):rep(40), "line 2: nested too deeply" },
    { "a:\n\t- hidden\n", "line 2: a tab, where only blanks may indent" },
    { "a:\n  - id: b\n  \tendpoint: hidden\n", "line 3: a tab, where only blanks may indent" },
    { "a: 1\nhidden: 2\nhidden: 3\n", "line 3: a key that was there before" },
    {
      "CodeArtsBuild:\n  - id: a\n    endpoint: hidden\n    endpoint: hidden\n",
      "line 4: a key that was there before",
    },
    {
      "CodeArtsBuild: []\nCODEARTSBUILD: []\n",
      "line 2: the service CodeArtsBuild was there before",
    },
    { "a:\n  - 1\nb: \255\n", "line 3: not UTF-8" },
    { "\255\254a\0:\0 \0b\0\n\0", "line 1: not UTF-8" },
    { "a\0:\0 \0b\0\n\0", "line 1: not UTF-8 text" },
    { "a: 1\nb: caf\233\n", "line 2: not UTF-8" },
    { "a: 1\nb: \27[0m\n", "line 2: a control character" },
    { "a: 1\nb: [hidden\n", "line 3: did not find expected ',' or ']'" },
    { "a: 1\n? [hidden]\n: 1\n", "line 2: a key that is no text" },
    {
      "a: &x {}\nb:\n  <<: *x\n",
      "line 3: a merge (<<), which is not read here: write the keys out",
    },
    { "a: !!python/object:hidden {}\n", "line 1: a tag that is not read here" },
    { "a: 1\n---\nb: 1\n", "line 2: a second document" },
    { "hidden", "line 1: the file must be a map from services to lists of regions" },
    { "- hidden", "line 1: the file must be a map from services to lists of regions" },
    {
      "CodeArtsBuild: hidden\n",
      "line 1: the service CodeArtsBuild must hold a list of regions",
    },
    { "CodeArtsBuild:\n  - hidden\n", "line 2: an entry must be a map with id and endpoint" },
    { "CodeArtsBuild:\n  - id: [hidden]\n", "line 2: id must be a text" },
    { "CodeArtsBuild:\n  - id: a\n    endpoint: {hidden: 1}\n", "line 3: endpoint must be a text" },
    { "CodeArtsBuild:\n  - endpoints: hidden\n", "line 2: endpoints must be a list" },
    { "CodeArtsBuild:\n  - endpoints: [[hidden]]\n", "line 2: each of endpoints must be a text" },
  } do
    it("is refused: " .. case[2], function()
      assert.equal(case[2], refused(case[1]))
    end)
  end

  it("that was named must be readable; another gives a warning", function()
    os.remove(path)
    local function ask(variables)
      return regions.endpoint("cn-north-4", env(variables))
    end
    local ok, err = pcall(ask, { HUAWEICLOUD_SDK_REGIONS_FILE = path })
    assert.is_false(ok)
    assert.equal("config", err.kind)
    assert.equal(("regions file %s: No such file or directory"):format(path), err.message)
    ok, err = pcall(ask, { HUAWEICLOUD_SDK_REGIONS_FILE = "hidden" })
    assert.is_false(ok)
    assert.equal("regions file a value that is no path: No such file or directory", err.message)
    os.execute(("mkdir -p %s/.huaweicloud/regions.yaml"):format(path))
    local endpoint, source, warning = ask { HOME = path }
    os.execute("rm -r " .. path)
    assert.equal("https://cloudbuild-ext.cn-north-4.myhuaweicloud.com", endpoint)
    assert.is_nil(source)
    assert.equal(
      ("regions file %s/.huaweicloud/regions.yaml is not used: Is a directory"):format(path),
      warning
    )
  end)

  -- A program of its own, because the file is named by the environment.
  local PROGRAM = [[
    local build = require "codearts.build"
    local function tell(ok, value) print(ok and "ok" or value.kind .. " " .. tostring(value.field) .. " " .. value.message) end
    %s
    local made, client = pcall(build.new, {
      region = "xx-private-1", auth = "token-hidden", proxy = false, allow_http = %s, retry = false,
      on_event = function(event) if event.type == "warning" then print("warning " .. event.message) end end,
    })
    if not made then return tell(made, client) end
    local result, err = client:try_run { job_id = ("0"):rep(32) }
    client:close()
    tell(result ~= nil, err)
  ]]

  local function elsewhere(text, before, allow_http, file)
    write(text)
    return caller.elsewhere(
      PROGRAM:format(before or "", tostring(allow_http or false)),
      function(command)
        return ("env %s %s"):format(file or "HUAWEICLOUD_SDK_REGIONS_FILE=" .. path, command)
      end
    )
  end

  it("is where a client's builds go", function()
    local server = servers.start()
    local told =
      elsewhere(("codeartsbuild:\n  - id: xx-private-1\n    endpoint: %s\n"):format(server.url))
    local stats = server:stats()
    server:stop()
    assert.equal("ok\n", told)
    assert.equal(1, stats.processed)
  end)

  it("is named when its endpoint cannot be right, and nothing of it is shown", function()
    local told =
      elsewhere "CodeArtsBuild:\n  - id: xx-private-1\n    endpoint: https://hidden:hidden@a.example\n"
    assert.equal(
      ("config endpoint regions file %s, line 3: the endpoint must not hold a user or password\n"):format(
        path
      ),
      told
    )
    told = elsewhere "CodeArtsBuild:\n  - id: xx-private-1\n    endpoint: http://a.example\n"
    local begin = ("config endpoint regions file %s, line 3: "):format(path)
    assert.equal(begin, told:sub(1, #begin))
  end)

  it("gives a warning that names lyaml where that is missing", function()
    local without = 'package.preload.yaml = function() error "not here" end'
    local text = "CodeArtsBuild:\n  - id: xx-private-1\n    endpoint: http://127.0.0.1:1\n"
    local warning = ("regions file %s is not used: reading it needs lyaml (Debian package lua-yaml)"):format(
      path
    )
    local told = elsewhere(text, without)
    assert.equal("config region region xx-private-1 is not known", told:match "^[^;]*")
    assert.truthy(told:find("; " .. warning .. "\n", 1, true), told)
    -- Where the table knows the region, the way goes on and the warning comes once.
    told = caller.elsewhere(without .. [[

      local build = require "codearts.build"
      local client = build.new {
        region = "cn-north-4", auth = "token-hidden", proxy = false, retry = false,
        resolve = { "cloudbuild-ext.cn-north-4.myhuaweicloud.com:443:127.0.0.1" },
        on_event = function(event) if event.type == "warning" then print("warning " .. event.message) end end,
      }
      print "made"
      for _ = 1, 2 do print(select(2, client:try_run { job_id = ("0"):rep(32) }).kind) end
      client:close()
    ]], function(command)
      return ("env HUAWEICLOUD_SDK_REGIONS_FILE=%s %s"):format(path, command)
    end)
    assert.equal(("made\nwarning %s\ntransport\ntransport\n"):format(warning), told)
  end)
end)
