-- The rows of all operations: generated, complete, and fresh.

local generator = require "spec.support.generate_operations"
local ordered_json = require "spec.support.ordered_json"
local read_file = require "spec.support.read_file"
local rows = require "codearts.build.operations.rows"

describe("operation rows", function()
  local data = ordered_json.decode(read_file "spec/data/operations.json")

  it("are what the generator writes from the data, and the types too", function()
    local rows_text, types_text = generator.texts()
    assert.is_true(
      rows_text == read_file(generator.rows_file),
      generator.rows_file
        .. " is stale: make it anew with "
        .. "spec/support/generate_operations.lua"
    )
    assert.is_true(
      types_text == read_file(generator.types_file),
      generator.types_file .. " is stale"
    )
  end)

  it("hold every operation with its method, path, arguments and kind of answer", function()
    local count = 0
    for _, item in ipairs(data.operations) do
      count = count + 1
      local row = assert(rows.operations[item.name], item.name)
      assert.are.equal(item.method, row.method)
      assert.are.equal(item.path, row.path)
      assert.are.equal(item.response ~= "json", row.bytes or false)
      local query = {}
      for index, field in ipairs(row.in_query or {}) do
        query[index] = { name = field[1], type = field[2], required = field[3] or false }
      end
      for index, field in ipairs(item.query) do
        assert.are.same(
          { name = field.name, type = field.type, required = field.required },
          query[index]
        )
      end
      assert.are.equal(#item.query, #query)
    end
    assert.are.equal(135, count)
  end)

  it("name a path argument for each place in a path", function()
    for name, row in pairs(rows.operations) do
      local places = {}
      for place in row.path:gmatch "{([%w_]+)}" do
        places[place] = true
      end
      for _, field in ipairs(row.in_path or {}) do
        assert.is_true(places[field[1]], name)
        places[field[1]] = nil
      end
      assert.is_nil(next(places), name)
    end
  end)

  it("know every model that a body may hold", function()
    local plain = {
      string = true,
      integer = true,
      number = true,
      boolean = true,
      object = true,
      file = true,
      array = true,
      map = true,
    }
    local function check(fields, where)
      for _, field in ipairs(fields) do
        for word in field[2]:gmatch "[%w_]+" do
          assert.is_true(plain[word] or rows.models[word] ~= nil, where .. "." .. field[1])
        end
      end
    end
    for name, row in pairs(rows.operations) do
      check(row.in_body or {}, name)
    end
    for name, fields in pairs(rows.models) do
      check(fields, name)
    end
  end)

  it("mark the two operations that start builds", function()
    for name, row in pairs(rows.operations) do
      assert.are.equal(name == "RunJob" or name == "ExecuteJob", row.starts_build or false)
    end
  end)

  it("take the members of scm that newer editions document", function()
    local names = {}
    for _, field in ipairs(rows.models.Scm) do
      names[field[1]] = true
    end
    for _, name in ipairs {
      "build_tag",
      "build_commit_id",
      "branch",
      "build_type",
      "repo_id",
      "repo_name",
      "scm_type",
      "url",
    } do
      assert.is_true(names[name], name)
    end
  end)

  it("have types for the arguments and the answer of every operation", function()
    local types = read_file(generator.types_file)
    for name in pairs(rows.operations) do
      assert.is_truthy(types:find("---@class codearts.build.args." .. name .. "\n", 1, true), name)
      assert.is_truthy(
        types:find(('name: "%s", args: codearts.build.args.%s,'):format(name, name), 1, true),
        name
      )
    end
  end)
end)
