-- Ids and addresses, and exit statuses.

local exit_status = require "codearts.build.cli.exit_status"
local reference = require "codearts.build.cli.reference"

local JOB = "f9d6c8466d614a9788e9a0acf6c15f46"
local PROJECT = "54bc5ae8ca3e43e19d3ba0f7dc9e2a3c"
local TICKET = ("0123456789abcdef"):rep(2)

describe("cli reference", function()
  it("takes a job id or an address that ends with it", function()
    local host = "https://devcloud.cn-north-4.example.com"
    local cases = {
      JOB,
      ("%s/codeci/project/%s/codeci/%s"):format(host, PROJECT, JOB),
      ("%s/codeci/project/%s/codeci/%s/"):format(host, PROJECT, JOB),
      ("%s/codeci/project/%s/edit?from=list#/%s"):format(host, PROJECT, JOB),
      ("%s/codeci/project/%s/edit?jobId=%s"):format(host, PROJECT, JOB),
      "project/" .. PROJECT .. "/" .. JOB,
      ("%s/codeci/project/%s/codeci/detail/%s?authToken=%s"):format(host, PROJECT, JOB, TICKET),
      ("%s/codeci/project/%s/codeci/detail/%s?next=/x/%s"):format(host, PROJECT, JOB, TICKET),
      ("%s/codeci/project/%s/codeci/detail/%s#state=%s"):format(host, PROJECT, JOB, TICKET),
      ("%s/codeci?ticket=%s&id=%s#/x?sid=%s"):format(host, TICKET, JOB, TICKET),
      ("%s/codeci/detail/%s?job_token=%s"):format(host, JOB, TICKET),
      ("%s/codeci/detail/%s#projectTicket=%s"):format(host, JOB, TICKET),
    }
    for _, case in ipairs(cases) do
      assert.are.same({ id = JOB }, reference.job(case), case)
    end
  end)

  it("takes a name for a name", function()
    for _, case in ipairs {
      "abc",
      JOB .. "0",
      JOB:sub(1, 31) .. "-",
      "web/app",
      "编译 程序",
      "-x",
    } do
      assert.are.same({ name = case }, reference.job(case))
    end
    assert.are.same({ name = JOB }, reference.job("name:" .. JOB))
    assert.are.same({ name = "name:x" }, reference.job "name:name:x")
  end)

  it("refuses what can be neither", function()
    for _, case in ipairs { "", "name:", "https://example.com/codeci/project/" .. PROJECT } do
      local found, problem = reference.job(case)
      assert.is_nil(found)
      assert.is_truthy(problem:find "expected a job id" or problem:find "holds no job id")
    end
  end)

  it("repeats nothing of a parameter whose option was forgotten", function()
    local HOOK = "HOOK=https://x.example/" .. JOB
    for _, case in ipairs {
      "PASSWORD=Pa55word",
      "=Pa55word",
      "UGE1NXdvcmQ=",
      "A=b/c",
      "A=b:c",
      "A:=b",
      HOOK,
    } do
      local found, problem = reference.job(case)
      assert.is_nil(found)
      assert.equal(
        "a parameter is given by --param NAME=VALUE; a job whose name holds = is name:NAME",
        problem
      )
      assert.same({ name = case }, reference.job("name:" .. case))
      assert.equal("name:" .. case, reference.word(case))
    end
  end)

  it("repeats of an address nothing but the host", function()
    for text, told in pairs {
      ["https://x.example/Pa55word"] = "the address 'https://x.example/…' holds",
      ["https://x.example:8443/y;token=Pa55word"] = "the address 'https://x.example:8443/…' holds",
      ["http://[::1]:80?ticket=Pa55word"] = "the address 'http://[::1]:80/…' holds",
      ["https://x.example#/a?x=Pa55word"] = "the address 'https://x.example/…' holds",
      ["https://x.example/y?x=a@b&y=Pa55word"] = "the address holds",
      ["https://me:Pa55word@x.example/y"] = "the address holds",
      ["https://me:Pa55/word@x.example/y"] = "the address holds",
      ["https://me:5555/Pa55word@x.example/y"] = "the address holds",
      ["https://me:5555/Pa55word%40x.example/y"] = "the address holds",
      ["https://Pa55word@x.example/y"] = "the address holds",
      ["https://me:Pa55word%40x.example/y"] = "the address holds",
      ["me:Pa55word@x.example/y?next=http://z"] = "the address holds",
      ["Pa55word://x.example/y"] = "the address holds",
    } do
      for _, parse in ipairs { reference.job, reference.project } do
        local _, problem = parse(text)
        assert.is_nil(problem:find("Pa55", 1, true), problem)
        assert.equal(told, problem:sub(1, #told))
      end
    end
  end)

  it("takes a project id or an address in the project", function()
    local address = ("https://example.com/codeci/project/%s/codeci/%s"):format(PROJECT, JOB)
    assert.are.equal(PROJECT, reference.project(PROJECT))
    assert.are.equal(PROJECT, reference.project(address))
    assert.is_nil(reference.project("https://example.com/projects?token=" .. TICKET))
    assert.are.equal(PROJECT, reference.project("https://example.com/" .. PROJECT .. "/home"))
    assert.is_nil(reference.project "https://example.com/home")
    assert.is_nil(reference.project "x")
  end)
end)

describe("cli exit status", function()
  it("follows the error", function()
    local cases = {
      { 2, { kind = "usage" } },
      { 2, { kind = "config" } },
      { 4, { kind = "auth" } },
      { 6, { kind = "api", status = 500 } },
      { 6, { kind = "transport", outcome = "not_started" } },
      { 5, { kind = "transport", outcome = "unknown" } },
      { 5, { kind = "timeout", reason = "timeout", outcome = "unknown" } },
      { 5, { kind = "cancelled", outcome = "unknown" } },
      { 6, { kind = "protocol", outcome = "started" } },
      { 6, { kind = "timeout", reason = "deadline" } },
      { 124, { kind = "timeout", reason = "wait" } },
      { 1, { kind = "build", verdict = "failure" } },
      { 3, { kind = "build", verdict = "cancelled" } },
      { 3, { kind = "cancelled" } },
    }
    for _, case in ipairs(cases) do
      assert.are.equal(case[1], exit_status.of_error(case[2]))
    end
  end)

  it("of several builds is 0 only if all are", function()
    assert.are.equal(0, exit_status.of_all { 0, 0 })
    assert.are.equal(1, exit_status.of_all { 0, 1, 0 })
    assert.are.equal(3, exit_status.of_all { 1, 3 })
    assert.are.equal(124, exit_status.of_all { 3, 124, 1 })
    assert.are.equal(5, exit_status.of_all { 6, 5, 124 })
    assert.are.equal(130, exit_status.of_all { 124, 130, 3 })
    assert.are.equal(143, exit_status.of_all { 1, 143 })
    assert.are.equal(141, exit_status.of_all { 124, 141 })
    assert.are.equal(6, exit_status.of_all { 129, 6, 1 })
    assert.are.equal(5, exit_status.of_all { 141, 5 })
    assert.are.equal(0, exit_status.of_all {})
  end)
end)
