-- JSON in a Neovim that finds no lua-cjson: its own vim.json serves, with the verdicts of json_spec.

local host = require "spec.support.host"
local missing = host.missing "command -v nvim"
if missing then
  pending("JSON in Neovim: " .. missing)
  return
end
local server = require("spec.support.server").start()

local folder = host.folder()

-- Runs code in a Neovim that finds our core and no other module in C; answers its output.
local function nvim(code)
  local path = folder .. "/code.lua"
  local file = assert(io.open(path, "w"))
  file:write(code)
  file:close()
  local cpath = host.for_luajit():match "LUA_CPATH='([^;']+)"
  local command = host.service(server.url)
    .. "LUA_PATH=%s LUA_CPATH=%s nvim --clean --headless -c %s -c 'qall!'"
  return (
    host
      .run(
        command:format(
          host.quote "./?.lua;./lua/?.lua;./lua/?/init.lua",
          host.quote(cpath),
          host.quote("luafile " .. path)
        )
      )
      :gsub("\r", "")
  )
end

teardown(function()
  server:stop()
  host.remove(folder)
end)

describe("Neovim without lua-cjson", function()
  it("reads JSON by vim.json with the verdicts that lua-cjson gets", function()
    local output = nvim [[
      assert(not pcall(require, "cjson"))
      local core = require "codearts.build.core"
      local wrong, count = {}, 0
      local function see(case, expected)
        local value, message = core.decode(case[2])
        local text = message == nil and core.encode(value)
        count = count + 1
        if text ~= expected or (not text and type(message) ~= "string") then
          wrong[#wrong + 1] = ("%s: %s"):format(case[1], tostring(text or message):sub(1, 60))
        end
      end
      for _, case in ipairs(require "spec.data.json.accepted") do
        see(case, case[3] or case[2])
      end
      for _, case in ipairs(require "spec.data.json.rejected") do
        see(case, false)
      end
      for _, case in ipairs(require "spec.data.json.either") do
        see(case, case[3])
      end
      io.stdout:write(count > 150 and "all" or count, "\n", table.concat(wrong, "\n"))]]
    assert.equal("all\n", output)
  end)

  it(
    "gives core.null for null, no metatables, and tells what is wrong without repeating it",
    function()
      local output = nvim [=[
      local core = require "codearts.build.core"
      local value = core.decode '{"a":null,"b":[null,[null]],"c":{},"d":[]}'
      local same = value.a == core.null and value.b[1] == core.null and value.b[2][1] == core.null
      same = same and core.decode "null" == core.null
      for _, name in ipairs { "b", "c", "d" } do
        same = same and getmetatable(value[name]) == nil
      end
      for _, text in ipairs { '{"a":"hidden" hidden}', "[hidden]", '"hidden', "hidden", "[0hidden]" } do
        local nothing, message = core.decode(text)
        same = same and nothing == nil and not message:find "hidden"
      end
      io.stdout:write(tostring(same))]=]
      assert.equal("true", output)
    end
  )

  it("runs a build, and says which reader serves", function()
    local output = nvim [[
      local build = require "codearts.build"
      local client = require("codearts.build.nvim").new()
      io.stdout:write(client:run({ job_id = os.getenv "JOB_ID" }).octopus_job_name, "\n")
      io.stdout:write(build.versions().cjson)
      client:close()]]
    assert.equal(host.NAME .. "\nnone, vim.json serves", output)
  end)

  it("takes lua-cjson where it is to be had", function()
    local chunk = [[lua io.stdout:write(require("codearts.build").versions().cjson)]]
    local output = host.run(
      host.for_luajit() .. "nvim --clean --headless -c " .. host.quote(chunk) .. " -c 'qall!'"
    )
    assert.matches("^%d", output)
  end)
end)
