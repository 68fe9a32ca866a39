-- `:CodeArts` and a service that repeats the credentials: what of it a person sees.
local core = require "codearts.build.core"
local editor = require "spec.support.editor"

local missing = editor.missing()
if missing then
  pending("secrets in Neovim: " .. missing)
  return
end

local WALK = "walkjob0000000000000000000000001"
local VIEW = "require'codearts.build.nvim.buffer'.view()"

describe("Neovim and a service that repeats the token", function()
  local TOKEN = "MIIFtoken-0123456789abcdef"
  local server, nvim, body

  setup(function()
    server = require("spec.support.server").start()
    body = [[{
      "result":{"status":"FAILURE","err_msg":"bad @","build_record_id":"r1",
        "parameters":[{"params":[{"name":"name","value":"P@"}]}],
        "build_stages":{"s":{"display_name":"stage @"}},"content":"the log has @\n","offset":9,"has_more_data":false},
      "history_records":[{"build_number":20,"result":"@"}],
      "jobs":[{"id":"]] .. WALK .. [[","job_name":"called @","last_build_status":"@"}],
      "total":1}]]
    server:script({}, { "answer", body = (body:gsub("@", TOKEN)) })
  end)

  after_each(function()
    nvim:stop()
  end)

  teardown(function()
    server:stop()
  end)

  -- As codearts-build: see SECURITY.md.
  it("hides it in what is told of builds, and shows a log as it came", function()
    nvim = editor.start {
      CODEARTS_BUILD_ENDPOINT = server.url,
      CODEARTS_BUILD_TOKEN = TOKEN,
      CODEARTS_BUILD_PROJECT = ("p"):rep(32),
    }
    local function seen()
      return nvim:ask [[
        local texts = vim.api.nvim_buf_get_lines(0, 0, -1, false)
        local space = vim.api.nvim_create_namespace "codearts"
        for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true })) do
          for _, part in ipairs(mark[4].virt_text or {}) do
            texts[#texts + 1] = part[1]
          end
        end
        return table.concat(texts, "|")]]
    end
    for command, shown in pairs { jobs = "called %*%*%*", ["history " .. WALK] = "20 +%*%*%*" } do
      nvim:command("CodeArts " .. command)
      nvim:wait "vim.api.nvim_buf_get_lines(0, 1, 2, false)[1] ~= nil"
      assert.matches(shown, seen())
      assert.is_nil(seen():find(TOKEN, 1, true), seen())
    end
    nvim:command(("CodeArts status %s 20"):format(WALK))
    nvim:expect "called *** #20: FAILURE, bad ***"
    nvim:command(("CodeArts log %s 20"):format(WALK))
    nvim:wait(VIEW .. " and " .. VIEW .. ".complete")
    assert.matches("^the log has " .. TOKEN:gsub("%-", "%%-") .. "|.*FAILURE: bad %*%*%*$", seen())
  end)

  it("hides a request's signature in lists and what is completed, too", function()
    server:script({}, { "echo_anywhere", status = 200, body = body })
    nvim = editor.start {
      CODEARTS_BUILD_ENDPOINT = server.url,
      CODEARTS_BUILD_PROJECT = ("p"):rep(32),
      HUAWEICLOUD_SDK_AK = "AKEXAMPLE1234567",
      HUAWEICLOUD_SDK_SK = "Sk-secret-123456789",
      HUAWEICLOUD_SDK_PROJECT_ID = "p",
    }
    for _, line in ipairs { "run " .. WALK .. " P", "run ", "log " .. WALK .. " " } do
      nvim:wait(("vim.fn.getcompletion('CodeArts %s', 'cmdline')[1] ~= nil"):format(line))
    end
    local told = {
      nvim:ask(
        ("return table.concat(vim.fn.getcompletion('CodeArts run %s ', 'cmdline'))"):format(WALK)
      ),
      nvim:ask "return table.concat(vim.fn.getcompletion('CodeArts run ', 'cmdline'))",
    }
    for _, command in ipairs { "jobs", "history " .. WALK } do
      nvim:command("CodeArts " .. command)
      nvim:wait "vim.api.nvim_buf_get_lines(0, 1, 2, false)[1] ~= nil"
      told[#told + 1] = nvim:ask "return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false))"
    end
    local signatures = {}
    for _, request in ipairs(server:stats().requests) do
      signatures[#signatures + 1] = (request.headers.authorization or ""):match "Signature=(%x+)"
    end
    for _, text in ipairs(told) do
      assert.truthy(text:find("***", 1, true), text)
      for _, signature in ipairs(signatures) do
        assert.is_nil(text:find(signature, 1, true), text)
      end
    end
    assert.is_true(#signatures >= 5)
  end)

  local WORD = "hunter2-Pa55word-secret"

  it("hides what a parameter was given from a file, too", function()
    local text = core.encode {
      octopus_job_name = "o " .. WORD,
      actual_build_number = "20",
      build_number = 20,
      build_steps = { { name = "STEP " .. WORD, status = "RUNNING" } },
      result = { status = WORD, err_msg = "bad " .. WORD, is_running = true },
      history_records = { { build_number = 20, result = WORD } },
      total = 1,
    }
    server:script({}, { "answer", body = text })
    nvim = editor.start(
      { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = TOKEN },
      { files = { word = WORD .. "\n" } }
    )
    local STATUS = "require'codearts.build.nvim'.status()"
    nvim:command(("CodeArts run %s WORD=@word"):format(WALK))
    nvim:wait(STATUS .. ":find 'STEP'")
    local told = { nvim:ask("return " .. STATUS) }
    nvim:command(("CodeArts status %s 20"):format(WALK))
    nvim:command("CodeArts history " .. WALK)
    nvim:wait "(vim.api.nvim_buf_get_lines(0, 1, 2, false)[1] or ''):find '20'"
    told[2] = nvim:ask "return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false))"
    for _, each in ipairs(told) do
      assert.truthy(each:find("***", 1, true), each)
      assert.is_nil(each:find("hunter2", 1, true), each)
    end
  end)

  it("hides it in a log whose colours cut it", function()
    local cut = WORD:gsub("Pa55", "\27[01;31m\27[K%0\27[m\27[K")
    server:script({}, {
      "answer",
      body = core.encode {
        actual_build_number = "20",
        result = {
          status = "FAILURE",
          content = "word=" .. cut .. "\n",
          offset = 9,
          has_more_data = false,
        },
      },
    })
    nvim = editor.start(
      { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = TOKEN },
      { files = { word = WORD .. "\n" } }
    )
    nvim:command(("CodeArts run %s WORD=@word"):format(WALK))
    nvim:expect "#20"
    nvim:command(("CodeArts log %s 20"):format(WALK))
    nvim:wait(VIEW .. " and " .. VIEW .. ".complete")
    assert.equal("word=***", nvim:ask "return vim.api.nvim_buf_get_lines(0, 0, 1, false)[1]")
  end)

  it("finds a job whose name a parameter was given", function()
    server:script({}, {
      "answer",
      body = core.encode {
        actual_build_number = "20",
        jobs = { { id = WALK, job_name = "nightly-build" } },
        history_records = { { build_number = 20, result = "SUCCESS" } },
        result = { status = "SUCCESS" },
        total = 1,
      },
    })
    nvim = editor.start({
      CODEARTS_BUILD_ENDPOINT = server.url,
      CODEARTS_BUILD_TOKEN = TOKEN,
      CODEARTS_BUILD_PROJECT = ("p"):rep(32),
    }, { files = { word = "nightly-build\n" } })
    nvim:command "CodeArts run nightly-build WORD=@word"
    nvim:wait "require'codearts.build.nvim'.status():find 'SUCCESS'"
    nvim:command "CodeArts history nightly-build"
    nvim:wait(("vim.api.nvim_buf_get_name(0) == 'codearts://%s'"):format(WALK))
  end)

  it("tells and keeps the names of jobs as they are, whatever a parameter was given", function()
    server:script({}, {
      "answer",
      body = core.encode {
        actual_build_number = "20",
        jobs = {
          { id = WALK, job_name = "frontend-release" },
          { id = ("2"):rep(32), job_name = "frontend" },
        },
        result = { status = "SUCCESS" },
        total = 2,
      },
    })
    nvim = editor.start({
      CODEARTS_BUILD_ENDPOINT = server.url,
      CODEARTS_BUILD_TOKEN = TOKEN,
      CODEARTS_BUILD_PROJECT = ("p"):rep(32),
    }, { files = { word = "frontend\nfrontend: fix login\n" } })
    nvim:command "CodeArts run frontend-release WORD=@word"
    nvim:expect "frontend-release #20: SUCCESS"
    nvim:command "CodeArts jobs"
    nvim:wait "vim.api.nvim_buf_get_lines(0, 1, 2, false)[1] ~= nil"
    local told = nvim:ask "return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '|')"
    assert.matches("|frontend%-release .*|frontend ", told)
    assert.equal(
      "frontend-release|frontend",
      nvim:ask "return table.concat(vim.fn.getcompletion('CodeArts run front', 'cmdline'), '|')"
    )
  end)

  it("shows all builds of a list that repeats a parameter's value many times", function()
    local records = {}
    for number = 1, 100 do
      records[number] = { build_number = number, result = "SUCCESS" }
      for member = 1, 12 do
        records[number]["member" .. member] = WORD
      end
    end
    server:script({}, {
      "answer",
      body = core.encode {
        actual_build_number = "20",
        result = { status = "SUCCESS" },
        history_records = records,
        total = 100,
      },
    })
    nvim = editor.start(
      { CODEARTS_BUILD_ENDPOINT = server.url, CODEARTS_BUILD_TOKEN = TOKEN },
      { files = { word = WORD } }
    )
    nvim:command(("CodeArts run %s WORD=@word"):format(WALK))
    nvim:wait "require'codearts.build.nvim'.status():find 'SUCCESS'"
    nvim:command("CodeArts history " .. WALK)
    nvim:wait "vim.api.nvim_buf_get_lines(0, 1, 2, false)[1] ~= nil"
    local lines = "table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false))"
    assert.equal("100", nvim:ask(("return select(2, %s:gsub('SUCCESS', ''))"):format(lines)))
  end)
end)
