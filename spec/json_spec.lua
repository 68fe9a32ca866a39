-- JSON as the core reads and writes it: the same on every Lua, with both variants of lua-cjson, and with none in Neovim.

local accepted = require "spec.data.json.accepted"
local either = require "spec.data.json.either"
local rejected = require "spec.data.json.rejected"
local locale = require "spec.support.locale"
local run_job = require "spec.support.run_job"

local JOB = { job_id = run_job.JOB_ID }
local math_type = math.type or type

-- The core with another lua-cjson beneath it. Loading it again is what a host does that wants that.
local function core_with(cjson, vim)
  local loaded = package.loaded
  local before, ours = loaded.cjson, loaded["codearts.build.core"]
  loaded.cjson, loaded["codearts.build.core"] = cjson, nil
  rawset(_G, "vim", vim)
  local ok, core = pcall(require, "codearts.build.core")
  ok = ok and pcall(core.decode, "0") -- which loads it
  loaded.cjson, loaded["codearts.build.core"] = before, ours
  rawset(_G, "vim", nil)
  assert(ok, core)
  return core
end

-- A value with the type of each number, for comparing.
local function dump(value)
  if type(value) == "number" then
    return math_type(value) .. " " .. ("%.17g"):format(value)
  elseif type(value) ~= "table" then
    return type(value) .. " " .. tostring(value)
  end
  local parts = {}
  for k, v in pairs(value) do
    parts[#parts + 1] = dump(k) .. ": " .. dump(v)
  end
  table.sort(parts)
  return "{ " .. table.concat(parts, ", ") .. " }"
end

local VARIANTS = {
  { "lua-cjson", require "cjson" },
  { "OpenResty's lua-cjson", require "spec.support.openresty_cjson" },
  { "Neovim's vim.json", {}, require "spec.support.vim_json" },
}

for _, variant in ipairs(VARIANTS) do
  describe("JSON through " .. variant[1], function()
    local core
    setup(function()
      core = core_with(variant[2], variant[3])
    end)
    teardown(function()
      core_with(require "cjson")
    end)

    describe("is read:", function()
      for _, case in ipairs(accepted) do
        it(case[1], function()
          local value, message = core.decode(case[2])
          assert.is_nil(message)
          assert.equal(case[3] or case[2], core.encode(value))
        end)
      end
    end)

    describe("is not read:", function()
      for _, case in ipairs(rejected) do
        it(case[1], function()
          local value, message = core.decode(case[2])
          assert.is_nil(value)
          assert.equal("string", type(message))
        end)
      end
    end)

    describe("that readers may take or leave is always", function()
      for _, case in ipairs(either) do
        it(("%s: %s"):format(case[3] and "taken" or "left", case[1]), function()
          local value, message = core.decode(case[2])
          if case[3] then
            assert.is_nil(message)
            assert.equal(case[3], core.encode(value))
          else
            assert.is_nil(value)
          end
        end)
      end
    end)

    it("gives integers up to 2^53 where Lua has them, and floats for all other numbers", function()
      local whole, broken = math_type(1), math_type(0.5)
      for text, kind in pairs {
        ["1"] = whole,
        ["1.0"] = whole,
        ["1e2"] = whole,
        ["-7"] = whole,
        ["9007199254740992"] = whole,
        ["-9007199254740992"] = whole,
        ["9007199254740993"] = whole, -- rounded to 2^53
        ["9007199254740994"] = broken,
        ["9223372036854775807"] = broken,
        ["1e300"] = broken,
        ["0.5"] = broken,
      } do
        local nested = core.decode(('{"a":[%s],"b":{"c":%s}}'):format(text, text))
        assert.equal(kind, math_type(core.decode(text)), text)
        assert.equal(kind, math_type(nested.a[1]), text)
        assert.equal(kind, math_type(nested.b.c), text)
        assert.equal(locale.number(text) + 0.0, core.decode(text) + 0.0, text)
        assert.equal(dump(nested.a[1]), dump(nested.b.c))
      end
    end)

    -- An object of nothing but plain texts takes another way than the same within an array.
    it("reads an object of texts as it does within an array, whatever its bytes", function()
      local text = ' { "a" : "b c" ,\n"":"", "a":"\195\164/" }\t'
      local lists = '{"a":[ "b" , {"c":"d","e" : ["f"] } ] ,"g":{"h":"i"} }'
      local function same(changed)
        local alone, problem = core.decode(changed)
        local within = core.decode("[" .. changed .. "]")
        assert.equal(dump(within and within[1]), dump(alone), ("%q"):format(changed))
        assert.equal(alone == nil, problem ~= nil)
      end
      same(text)
      same('{"a":"' .. ("x"):rep(100000) .. '"}')
      for depth = 1, 9 do
        same('{"a":' .. ("["):rep(depth) .. '"b"' .. ("]"):rep(depth) .. "}")
        same(('{"a":'):rep(depth) .. '"b"' .. ("}"):rep(depth))
      end
      for _, whole in ipairs { text, lists } do
        for at = 1, #whole do
          same(whole:sub(1, at))
          for byte in ('"{}[]:,\\ n1\127\31\0\195'):gmatch "." do
            same(whole:sub(1, at - 1) .. byte .. whole:sub(at + 1))
            same(whole:sub(1, at - 1) .. byte .. whole:sub(at))
          end
        end
      end
    end)

    it("gives core.null for null, and no metatables", function()
      local value = core.decode '{"a":null,"b":[null],"c":{},"d":[]}'
      assert.equal(core.null, value.a)
      assert.equal(core.null, value.b[1])
      assert.equal(require("cjson").null, core.null)
      for _, name in ipairs { "b", "c", "d" } do
        assert.is_nil(getmetatable(value[name]))
      end
    end)

    it(
      "is read in spite of broken characters, which are kept or replaced, when asked for",
      function()
        local FF = "\239\191\189"
        for _, case in ipairs {
          { "\\ud83d\\ude80 \\u00e9", "🚀 é" },
          { "a\\ud83d", "a\237\160\189", "a" .. FF },
          { "\\uD83Db\\ude80", "\237\160\189b\237\186\128", FF .. "b" .. FF },
          { "\\ud83d\\ud83d\\uDE80", "\237\160\189🚀", FF .. "🚀" },
          { "\237\160\189\237\186\128", "\237\160\189\237\186\128", "🚀" },
          { "\\\\ud83d\\n", "\\ud83d\n" },
          { "编\231\188", "编\231\188", "编" .. FF .. FF },
          { "\255\128é", "\255\128é", FF .. FF .. "é" },
          {
            "\244\143\191\191\244\144\128\128",
            "\244\143\191\191\244\144\128\128",
            "\244\143\191\191" .. FF:rep(4),
          },
        } do
          local text = ('{"%s":["%s"]}'):format(case[1], case[1])
          assert.same({ [case[2]] = { case[2] } }, core.decode(text, "keep"))
          local replaced = case[3] or case[2]
          assert.same({ [replaced] = { replaced } }, core.decode(text, "replace"))
          assert.equal(case[3] == nil, core.decode(text) ~= nil)
        end
        for _, text in ipairs {
          "",
          "\\",
          '"\\',
          '"\\ud8',
          '"\\ud83d',
          '"\\udxyz"',
          '"a\0"',
          "\255",
          '"\\ud83d\\',
        } do
          for _, how in ipairs { "keep", "replace" } do
            assert.is_nil((core.decode(text, how)))
          end
        end
      end
    )

    it("tells what is wrong without repeating it", function()
      for _, text in ipairs {
        '{"a":"hidden-value" hidden}',
        "[hidden-value]",
        '"hidden-value',
        "hidden-value",
      } do
        local _, message = core.decode(text)
        assert.is_nil(message:find("hidden", 1, true), message)
      end
    end)
  end)
end

describe("the JSON of the core", function()
  local core = require "codearts.build.core"
  local cjson = require "cjson"

  it("is not touched by settings that others give to lua-cjson", function()
    cjson.decode_max_depth(2)
    cjson.encode_max_depth(2)
    cjson.encode_number_precision(3)
    cjson.decode_invalid_numbers(true)
    local value = core.decode '{"a":{"b":{"c":0.123456}}}'
    local nan = core.decode "[NaN]"
    local text = value and core.encode(value)
    cjson.decode_max_depth(1000)
    cjson.encode_max_depth(1000)
    cjson.encode_number_precision(14)
    assert.equal('{"a":{"b":{"c":0.123456}}}', text)
    assert.is_nil(nan)
  end)

  it("touches no settings of others", function()
    assert.equal(1000, cjson.decode_max_depth())
    assert.is_true(cjson.decode_invalid_numbers())
    assert.is_not_nil(cjson.decode "[NaN]"[1])
  end)

  it("sorts the members, so that equal values give equal bytes", function()
    assert.equal(
      '{"":0,"A":1,"a":2,"a1":3,"b":4}',
      core.encode { b = 4, a1 = 3, a = 2, A = 1, [""] = 0 }
    )
  end)

  it("writes what it reads", function()
    local text = '{"a":[1,0.5,"x",true,null,{"b":[[]]}],"c":"\\u0000\\"/"}'
    assert.equal((text:gsub("%[%[%]%]", "[{}]")), core.encode(core.decode(text)))
  end)

  it("runs no metamethods", function()
    local function trap()
      error "a metamethod ran"
    end
    local meta = {
      __index = trap,
      __len = trap,
      __pairs = trap,
      __ipairs = trap,
      __tostring = trap,
      __newindex = trap,
    }
    local value = setmetatable({ a = setmetatable({ 1, 2 }, meta) }, meta)
    assert.equal('{"a":[1,2]}', core.encode(value))
    assert.equal("{}", core.encode(setmetatable({}, { __index = { a = 1 }, __jsontype = "array" })))
  end)

  local cyclic = {}
  cyclic.a = cyclic
  local function does_not_write(value)
    local ok, err = pcall(core.encode, value)
    assert.is_false(ok)
    assert.is_true(core.is_error(err), tostring(err))
    assert.equal("usage", err.kind)
  end
  for name, value in pairs {
    ["NaN"] = 0 / 0,
    ["an infinity"] = 1 / 0,
    ["minus infinity in a table"] = { a = { -1 / 0 } },
    ["a function"] = print,
    ["a userdata"] = { io.stdout },
    ["a thread"] = coroutine.create(function() end),
    ["a mixed table"] = { 1, a = 2 },
    ["a table with a hole"] = { [1] = 1, [3] = 3 },
    ["a table of index 0"] = { [0] = 1 },
    ["a table with a fraction as key"] = { [1.5] = 1 },
    ["a table with a boolean as key"] = { [true] = 1 },
    ["bad UTF-8"] = "\255",
    ["bad UTF-8 in a name"] = { ["\255"] = 1 },
    ["a table in itself"] = cyclic,
  } do
    it("does not write " .. name, function()
      does_not_write(value)
    end)
  end

  -- Made here: the collector goes through all of it after each example.
  it("does not write a very deep table", function()
    local deep = {}
    for _ = 1, 100000 do
      deep = { deep }
    end
    does_not_write(deep)
  end)
end)

describe("an answer that is JSON by its looks only", function()
  local bench
  setup(function()
    bench = run_job.start()
  end)
  teardown(function()
    bench:stop()
  end)

  -- As answers of the service: an object that cannot be read is no proof of a build.
  it("is kind protocol, reason bad_json, and a build may have been started", function()
    for _, case in ipairs(rejected) do
      if #case[2] < 100000 then
        for _, text in ipairs { case[2], '{"octopus_job_name":"j_1","more":' .. case[2] .. "}" } do
          bench.server:script { { "answer", body = text } }
          local result, err = bench.client:try_run(JOB)
          -- What is no value by itself may be one in an object: "1}" is.
          if not (result and text ~= case[2]) then
            assert.is_nil(result, case[1])
            assert.equal("protocol", err.kind, case[1])
            assert.equal("bad_json", err.reason, case[1])
            assert.equal("unknown", err.outcome, case[1])
          end
        end
      end
    end
  end)
end)
