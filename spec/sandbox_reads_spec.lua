-- The operations that look at builds: their members are those of the API's models, their values tell what the build did.

local client = require("spec.support.sandbox_client")
local json = require("codearts.build.sandbox.json")
local routes = require("codearts.build.sandbox.routes")

local JOB, OTHER = "reader00000000000000000000000001", "other000000000000000000000000001"

local JOBS = [==[
job {
  id = "reader00000000000000000000000001",
  name = "reader",
  parameters = { codeBranch = "master", KEY = { default = "very secret", secret = true } },
  packages = { "out/reader-$BUILDNUMBER.tgz", "second.txt", "never.txt" },
  steps = {
    step { name = "Compile", run = "mkdir out; echo x >out/reader-$BUILDNUMBER.tgz; echo >second.txt\n"
      .. "echo compiling $(printf 'gr\\303\\274n')" },
    step { name = "Test", run = "echo testing; printf '\\377\\n'" },
  },
}
job {
  id = "other000000000000000000000000001",
  name = "Other One",
  parameters = { GATE = "" },
  steps = { step { name = "Wait", run = "echo waiting; read -r line <\"$GATE\"" } },
}
]==]

local function read_json(path)
  local handle = assert(io.open(path, "rb"))
  local text = handle:read("*a")
  handle:close()
  return assert(json.decode(text))
end

local api = read_json("spec/data/operations.json")
local by_name = {}
for _, operation in ipairs(api.operations) do
  by_name[operation.name] = operation
end

-- What the examples have beyond the models.
local BESIDE_MODEL = { check_stages = true }

local check

local SCALARS = {
  string = function(value)
    return type(value) == "string"
  end,
  boolean = function(value)
    return type(value) == "boolean"
  end,
  integer = function(value)
    return type(value) == "number" and value == math.floor(value)
  end,
  number = function(value)
    return type(value) == "number"
  end,
  object = function(value)
    return type(value) == "table"
  end,
}

local function check_members(fields, value, path)
  for name, kind in pairs(fields) do
    assert(value[name] ~= nil, path .. "." .. name .. " is missing")
    check(kind, value[name], path .. "." .. name)
  end
  for name in pairs(value) do
    assert(fields[name] or BESIDE_MODEL[name], path .. "." .. name .. " is not in the model")
  end
end

function check(kind, value, path)
  if value == json.null then
    return
  end
  local element = kind:match("^array<(.*)>$")
  local mapped = kind:match("^map<string,(.*)>$")
  if SCALARS[kind] then
    assert(SCALARS[kind](value), path .. " is no " .. kind)
  elseif element or mapped then
    assert(type(value) == "table", path .. " is no " .. kind)
    for key, item in pairs(value) do
      assert(type(key) == (element and "number" or "string"), path .. " is no " .. kind)
      check(element or mapped, item, path .. "." .. tostring(key))
    end
  else
    check_members(assert(api.models[kind], kind), value, path)
  end
end

describe("the sandbox's answer to", function()
  local c, jobs, record, number

  setup(function()
    jobs = client.write_file(JOBS)
    c = client.start({ jobs = jobs })
    number = c:run(JOB, nil, { build_commit_id = "0123456789abcdef" })
    record = c:finished(JOB, number)
  end)

  teardown(function()
    c.box.stop()
    os.remove(jobs)
  end)

  -- The answer to an operation, its path from operations.json, its form compared with the model.
  local function ask(name, query, params)
    local operation = by_name[name]
    local values = {
      job_id = JOB,
      build_no = number,
      build_number = number,
      record_id = record.build_record_id,
      project_id = c.box.project_id,
    }
    for key, value in pairs(params or {}) do
      values[key] = value
    end
    local path = operation.path:gsub("{([%w_]+)}", function(key)
      return tostring(assert(values[key], key))
    end)
    local answer = c:request(operation.method, path .. (query and "?" .. query or ""))
    assert.equal(200, answer.status, answer.body)
    assert.matches("^%x+$", answer.headers["x-request-id"])
    if operation.response == "json" then
      check_members(operation.response_fields, answer.json, name)
      if operation.response_fields.error then
        assert.equal("success", answer.json.status)
        assert.equal(json.null, answer.json.error)
      end
    end
    if not answer.json then
      return answer.body, answer
    elseif answer.json.result ~= nil then
      return answer.json.result, answer
    end
    return answer.json, answer
  end

  it("ShowRecordDetail and ShowJobBuildRecordDetail", function()
    for _, name in ipairs({ "ShowRecordDetail", "ShowJobBuildRecordDetail" }) do
      local result = ask(name)
      assert.equal(JOB, result.codeci_job_id)
      assert.equal(number, result.build_no)
      assert.equal("SUCCESS", result.status)
      assert.equal("0123456789abcdef", result.commit)
      assert.equal("commitId", result.build_type)
      assert.equal(c.box.project_id, result.devcloud_project_id)
      assert.equal(36, #result.build_record_id)
      assert.not_equal(result.id, result.build_record_id)
      assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%d%+00:00$", result.finish_time)
      assert.is_true(result.duration > 0)
    end
  end)

  it("ShowHistoryDetails, with a secret hidden", function()
    local result = ask("ShowHistoryDetails")
    assert.equal("reader", result.job_name)
    assert.same({ codeBranch = "master", KEY = "******" }, result.parameters)
    assert.same({ "Compile", "Test" }, { result.build_steps[1].name, result.build_steps[2].name })
    assert.same(
      { "success", "success" },
      { result.build_steps[1].status, result.build_steps[2].status }
    )
  end)

  it("ListBuildParameter, with a secret hidden", function()
    assert.same(
      { { name = "KEY", value = "******" }, { name = "codeBranch", value = "master" } },
      ask("ListBuildParameter")
    )
  end)

  it("ShowOutputInfo", function()
    local result = ask("ShowOutputInfo")
    local name = ("reader-%s.tgz"):format(record.daily_build_num)
    assert.equal(name, result.package_info.name)
    assert.equal(record.daily_build_num, result.package_info.version)
    assert.equal("", result.package_infos[name].uri)
    assert.is_truthy(result.package_infos["second.txt"])
    assert.is_nil(result.package_infos["never.txt"])
    assert.equal(json.null, result.image_infos)
  end)

  it("ShowJobConfig and ListJobConfig, with a secret hidden", function()
    for _, name in ipairs { "ShowJobConfig", "ListJobConfig" } do
      local result, answer = ask(name, "get_all_params=true")
      assert.equal("reader", result.job_name)
      assert.equal("Compile", result.steps[1].name)
      local names = {}
      for index, parameter in ipairs(result.parameters) do
        for _, value in ipairs(parameter.params) do
          names[index] = value.name == "name" and value.value or names[index]
        end
      end
      assert.same({ "KEY", "codeBranch" }, names)
      assert.is_nil(answer.body:find("very secret", 1, true))
    end
    assert.equal(400, c:request("GET", ("/v1/job/%s/config?get_all_params=1"):format(JOB)).status)
  end)

  it("ShowBuildRecord", function()
    local result, answer = ask("ShowBuildRecord")
    assert.equal(record.build_record_id, result.id)
    assert.equal(tostring(number), result.build_no)
    assert.equal(5, result.status_code)
    assert.is_nil(answer.body:find("very secret", 1, true))
  end)

  it("ShowBuildRecordFullStages", function()
    local stages = ask("ShowBuildRecordFullStages", "cascade=true").build_stages
    local seen = {}
    for key, stage in pairs(stages) do
      assert.equal(key, stage.execution_stage_name)
      assert.equal("SUCCESS", stage.status)
      assert.equal(record.build_record_id, stage.build_record_id)
      seen[stage.sequence] = key
    end
    assert.same({ [0] = "initial", "stage1", "stage2", "final" }, seen)
    assert.equal("Test", stages.stage2.display_name)
  end)

  it("ShowBuildDetails, ShowBuildInfoRecord and ShowJobStepStatus", function()
    assert.same(
      { building = false, build_result = "SUCCESS", region = "sandbox" },
      ask("ShowBuildDetails")
    )
    assert.equal(number, ask("ShowBuildInfoRecord").number)
    assert.equal("success", ask("ShowJobStepStatus").status)
    assert.equal("success", ask("ShowJobStepStatus", "build_no=" .. number).status)
  end)

  it("ShowJobStatus and ShowRunningStatus", function()
    assert.is_false(ask("ShowJobStatus"))
    assert.same({
      last_job_id = JOB,
      last_build_no = tostring(number),
      last_build_status = "Finished",
      is_running = false,
    }, ask("ShowRunningStatus"))
    assert.equal("", ask("ShowRunningStatus", nil, { job_id = OTHER }).last_build_no)
  end)

  it("DownloadRealTimeLog, page by page", function()
    local pieces, offset = {}, 0
    repeat
      local page = ask("DownloadRealTimeLog", ("offset=%d&length=7"):format(offset))
      assert.equal(offset, page.current_offset)
      pieces[#pieces + 1], offset = page.content, page.offset
    until not page.has_more_data
    local whole = ask("DownloadRealTimeLog", "offset=0")
    assert.equal(table.concat(pieces), whole.content)
    assert.equal(#whole.content, whole.offset)
    assert.matches("%] compiling gr\195\188n\n", whole.content)
    assert.matches("%] testing\n%S+ %S+ %S+ \239\191\189\n", whole.content)
    local past = ask("DownloadRealTimeLog", "offset=99999999")
    assert.same({ "", 99999999, false }, { past.content, past.offset, past.has_more_data })
    assert.equal("", ask("DownloadRealTimeLog", "offset=0&length=0").content)
  end)

  it("DownloadBuildRealTimeLog, page by page, its offsets as texts", function()
    local whole = ask("DownloadRealTimeLog", "offset=0").content
    local pieces, offset = {}, "0"
    repeat
      local page = ask("DownloadBuildRealTimeLog", ("start_offset=%s&size=100"):format(offset))
      assert.equal(offset, page.start_offset)
      pieces[#pieces + 1], offset = page.log, page.end_offset
    until not page.has_more
    assert.equal(whole, table.concat(pieces))
    local first = ask("DownloadBuildRealTimeLog", "size=1000")
    assert.same({ whole, tostring(#whole) }, { first.log, first.end_offset })
    local cut = ask("DownloadBuildRealTimeLog", "start_offset=5&end_offset=12&size=1000")
    assert.same({ whole:sub(6, 12), "12", true }, { cut.log, cut.end_offset, cut.has_more })
    local reversed = ask("DownloadBuildRealTimeLog", "size=100000&sort=DESC").log
    assert.equal(#whole, #reversed)
    assert.equal(whole:match("^[^\n]*\n"), reversed:match("([^\n]*\n)$"))
    assert.equal(whole, ask("DownloadBuildRealTimeLog", "size=100000&sort=AES").log)
  end)

  it("DownloadBuildLog, DownloadBuildFullLog and DownloadLogByRecordId", function()
    local whole = ask("DownloadRealTimeLog", "offset=0").content
    for _, name in ipairs({ "DownloadBuildLog", "DownloadBuildFullLog", "DownloadLogByRecordId" }) do
      local body, answer = ask(name, "log_level=INFO")
      assert.equal(whole, body)
      assert.equal("application/octet-stream", answer.headers["content-type"])
      assert.equal(tostring(#whole), answer.headers["content-length"])
    end
  end)

  it("DownloadBuildFullLog, compressed", function()
    local body = ask("DownloadBuildFullLog", "compress=true")
    local path = client.write_file(body)
    assert.equal(ask("DownloadBuildFullLog"), client.output_of("gzip -dc <" .. path))
    os.remove(path)
  end)

  it("DownloadTaskLog, one step", function()
    local first, second =
      ask("DownloadTaskLog", "task_name=stage1"), ask("DownloadTaskLog", "task_name=stage2")
    assert.matches("Step 1 of 2: Compile\n.* compiling [^\n]*\n$", first)
    assert.matches("Step 2 of 2: Test\n", second)
    assert.is_nil(second:find("compiling", 1, true))
  end)

  it("ShowListHistory and ShowListPeriodHistory", function()
    local result = ask("ShowListHistory", "offset=0&limit=10&interval=7")
    assert.equal(1, result.total)
    assert.equal(record.daily_build_num, result.history_records[1].record_id)
    assert.equal("SUCCESS", result.history_records[1].result)
    assert.matches(
      "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%+08:00$",
      result.history_records[1].start_time
    )
    local _, answer = ask("ShowListHistory", "offset=1&limit=10&interval=7")
    assert.truthy(answer.body:find('"history_records":[]', 1, true))
    local day = result.history_records[1].start_time:sub(1, 10)
    local period =
      ask("ShowListPeriodHistory", ("offset=0&limit=10&start_time=%s&end_time=%s"):format(day, day))
    assert.equal("0123456789abcdef", period.history_records[1].commit_id)
    period =
      ask("ShowListPeriodHistory", "offset=0&limit=10&start_time=2020-01-01&end_time=2020-01-31")
    assert.equal(0, period.total)
  end)

  it("ListBuildInfoRecord and ListBuildInfoRecordByJobId", function()
    for _, name in ipairs({ "ListBuildInfoRecord", "ListBuildInfoRecordByJobId" }) do
      local result = ask(name, "start_time=2020-01-01%2000:00:00&end_time=2999-12-31%2023:59:59")
      assert.same(
        { "100", "0", "1", "1" },
        { result.health_score, result.page_index, result.total_page, result.total_record }
      )
      assert.equal(number, result.job_build_states[1].number)
    end
  end)

  it("ShowJobListByProjectId and ListProjectJobs", function()
    local result = ask("ShowJobListByProjectId", "page_index=0&page_size=1")
    assert.same({ 2, 1, JOB }, { result.total, #result.jobs, result.jobs[1].id })
    assert.equal("blue", result.jobs[1].last_build_status)
    result = ask("ShowJobListByProjectId", "page_index=1&page_size=1")
    assert.same({ 2, 1, OTHER }, { result.total, #result.jobs, result.jobs[1].id })
    assert.equal("notbuilt", result.jobs[1].last_build_status)
    result = ask("ListProjectJobs", "page_index=0&page_size=10&search=oTHER")
    assert.same({ 1, OTHER }, { result.total, result.jobs[1].id })
  end)

  local function ids(list)
    local found = {}
    for i, job in ipairs(list) do
      found[i] = job.id
    end
    return found
  end

  it("ListProjectJobs, by its filters and in its order", function()
    local function list(query)
      return ids(ask("ListProjectJobs", "page_index=0&page_size=10&" .. query).jobs)
    end
    local creator = ask("ListProjectJobs", "page_index=0&page_size=10").jobs[1].job_creator
    for query, expected in pairs {
      ["build_status=blue"] = { JOB },
      ["build_status=none"] = { OTHER },
      ["build_status=red"] = {},
      ["build_status=building"] = {},
      ["build_status=&search=&creator_id="] = { JOB, OTHER },
      ["creator_id=" .. creator] = { JOB, OTHER },
      ["creator_id=nobody"] = {},
      ["group_path_id=any"] = {},
      ["by_group=true"] = { JOB, OTHER },
      ["sort_field=job_name"] = { OTHER, JOB },
      ["sort_field=job_name&sort_order=desc"] = { JOB, OTHER },
      ["sort_field=last_build_time&sort_order=DESC"] = { JOB, OTHER },
      ["sort_field=last_build_time&sort_order=ASC"] = { OTHER, JOB },
      ["sort_field=is_finished"] = { JOB, OTHER },
      ["build_status=blue&search=other"] = {},
    } do
      assert.same(expected, list(query), query)
    end
    local one = ask("ListProjectJobs", "page_index=1&page_size=1&sort_field=job_name")
    assert.same({ 2, { JOB } }, { one.total, ids(one.jobs) })
  end)

  it("ListJob", function()
    local result = ask("ListJob")
    assert.same({ 2, { JOB, OTHER } }, { result.total, ids(result.job_list) })
    assert.matches("^#%d+%.%d+$", result.job_list[1].task_id)
    assert.equal("0123456789abcdef", result.job_list[1].commit_id)
    assert.equal("", result.job_list[2].task_id)
    result = ask("ListJob", "page_index=1&page_size=1&sort_field=job_name&sort_order=ASC")
    assert.same({ 2, { JOB } }, { result.total, ids(result.job_list) })
    assert.same({ OTHER }, ids(ask("ListJob", "search=oTHER").job_list))
  end)

  it("who it was, by the ids that IAM gives", function()
    local token = c:post("/v3/auth/tokens", "{}", { auth = false })
    assert.equal(400, token.status)
    assert.matches("^sandbox%-%x+$", token.headers["x-iam-trace-id"])
    local projects = c:get "/v3/projects"
    assert.matches("^sandbox%-%x+$", projects.headers["x-iam-trace-id"])
    local detail, answer = ask("ShowRecordDetail")
    assert.is_nil(answer.headers["x-iam-trace-id"])
    assert.equal(projects.json.projects[1].domain_id, detail.domain_id)
    assert.matches("^%w+$", detail.user_id)
    assert.equal(32, #detail.user_id)
    for _, other in ipairs {
      ask("ShowBuildRecord").user_id,
      ask("ShowBuildInfoRecord").user_id,
      ask("ListProjectJobs", "page_index=0&page_size=10").jobs[1].last_build_user_id,
      ask("ListJob").job_list[1].user_id,
    } do
      assert.equal(detail.user_id, other)
    end
  end)

  it("all of them while a build runs", function()
    local gate = os.tmpname()
    os.remove(gate)
    client.output_of("mkfifo " .. gate)
    local running = c:run(OTHER, { GATE = gate })
    c:logged(OTHER, running, "waiting")
    local here = { job_id = OTHER, build_no = running, build_number = running }
    here.record_id = ask("ShowRecordDetail", nil, here).build_record_id
    assert.equal("", ask("ShowRecordDetail", nil, here).finish_time)
    assert.equal("RUNNING", ask("ShowRecordDetail", nil, here).status)
    assert.equal("running", ask("ShowHistoryDetails", nil, here).build_steps[1].status)
    assert.is_true(ask("ShowJobStatus", nil, here))
    assert.is_true(ask("ShowRunningStatus", nil, here).is_running)
    assert.is_true(ask("ShowBuildDetails", nil, here).building)
    assert.equal("running", ask("ShowJobStepStatus", nil, here).status)
    assert.equal("RUNNING", ask("ShowBuildRecordFullStages", nil, here).build_stages.stage1.status)
    local page = ask("DownloadRealTimeLog", "offset=0", here)
    assert.is_true(page.has_more_data)
    assert.is_true(ask("DownloadBuildRealTimeLog", "size=1000000", here).has_more)
    local building = ask("ListProjectJobs", "page_index=0&page_size=10&build_status=building")
    assert.same({ OTHER }, ids(building.jobs))
    page = ask("DownloadRealTimeLog", ("offset=%d"):format(page.offset), here)
    assert.same({ "", true }, { page.content, page.has_more_data })
    assert.matches("waiting\n$", ask("DownloadTaskLog", "task_name=stage1", here))
    c:post(("/v3/jobs/%s/%d/stop"):format(OTHER, running))
    c:finished(OTHER, running)
    os.remove(gate)
    assert.is_false(ask("DownloadRealTimeLog", "offset=0", here).has_more_data)
    assert.equal(8, ask("ShowBuildRecord", nil, here).status_code)
  end)

  local ID = "reader00000000000000000000000001"
  local BAD = {
    { "/v3/jobs/SHORT/status", 400, "CB.00060201" },
    { "/v3/jobs/00000000000000000000000000000000/status", 404, "CB.00060214" },
    { "/v4/jobs/" .. ID .. "/0/record-info", 400, "CB.00060200" },
    { "/v4/jobs/" .. ID .. "/2147483648/record-info", 400, "CB.00060200" },
    { "/v4/jobs/" .. ID .. "/x/record-info", 400, "CB.00060200" },
    { "/v4/jobs/" .. ID .. "/999/record-info", 404, "CB.00060214" },
    { "/v1/record/short/info", 400, "CB.00060200" },
    { "/v1/record/00000000-0000-0000-0000-000000000000/info", 404, "CB.00060214" },
    { "/v3/jobs/" .. ID .. "/1/real-time-log", 400, "CB.00060200" },
    { "/v3/jobs/" .. ID .. "/1/real-time-log?offset=-1", 400, "CB.00060200" },
    { "/v3/jobs/" .. ID .. "/1/real-time-log?offset=0&length=x", 400, "CB.00060200" },
    { "/v1/log/" .. ID .. "/1/real-time-log", 400, "CB.00060200" },
    { "/v1/log/" .. ID .. "/1/real-time-log?size=x", 400, "CB.00060200" },
    { "/v1/log/" .. ID .. "/1/real-time-log?size=1&sort=ASC", 400, "CB.00060200" },
    { "/v1/job/list?sort_field=nothing", 400, "CB.00060200" },
    { "/v1/job/list?sort_order=down", 400, "CB.00060200" },
    { "/v1/job/list?build_status=pink", 400, "CB.00060200" },
    {
      "/v1/job/sandboxproject000000000000000001/list?page_index=0&page_size=1&by_group=1",
      400,
      "CB.00060200",
    },
    { "/v3/jobs/" .. ID .. "/history?offset=0&limit=101&interval=7", 400, "CB.00060200" },
    { "/v3/jobs/" .. ID .. "/history?offset=0&limit=10&interval=31", 400, "CB.00060200" },
    { "/v3/jobs/" .. ID .. "/history", 400, "CB.00060200" },
    {
      "/v3/jobs/" .. ID .. "/period-history?offset=0&limit=1&start_time=x&end_time=y",
      400,
      "CB.00060200",
    },
    {
      "/v3/jobs/"
        .. ID
        .. "/period-history?offset=0&limit=1&start_time=2024-01-01&end_time=2024-02-01",
      400,
      "CB.00060200",
    },
    { "/v3/jobs/" .. ID .. "/build-info-records", 400, "CB.00060200" },
    { "/v3/SHORT/jobs?page_index=0&page_size=10", 400, "CB.00060200" },
    { "/v3/" .. ID .. "/jobs?page_index=0&page_size=10", 404, "CB.00060214" },
    {
      "/v1/job/" .. "sandboxproject000000000000000001/list?page_index=0&page_size=101",
      400,
      "CB.00060200",
    },
  }
  for _, case in ipairs(BAD) do
    it("a bad request for " .. case[1], function()
      local answer = c:get(case[1])
      assert.same({ case[2], case[3] }, { answer.status, answer.json.error_code })
      assert.is_string(answer.json.error_msg)
    end)
  end

  it("a bad question about a log", function()
    local id = record.build_record_id
    for target, status in pairs({
      ["/v4/%s/task-log"] = 400,
      ["/v4/%s/task-log?task_name=stage3"] = 404,
      ["/v4/%s/task-log?task_name=initial"] = 404,
      ["/v4/%s/download-log?log_level=LOUD"] = 400,
      ["/v1/log/%s/download-log?compress=maybe"] = 400,
    }) do
      local answer = c:get(target:format(id))
      assert.equal(status, answer.status)
      assert.is_string(answer.json.error_code)
    end
  end)
end)

describe("the sandbox's routes", function()
  it(
    "are operations of the API with its methods and paths, or of the sandbox and of IAM",
    function()
      local count = 0
      for _, route in ipairs(routes.list) do
        local operation = by_name[route.operation]
        if operation then
          count = count + 1
          assert.equal(operation.method, route.method)
          assert.equal((operation.path:gsub("{build_number}", "{build_no}")), route.path)
        end
      end
      assert.equal(32, count)
    end
  )
end)
