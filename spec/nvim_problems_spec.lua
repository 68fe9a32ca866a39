-- What compilers and test runners print, as they printed it, and what is made of it.

local paths = require "codearts.build.nvim.paths"
local problems = require "codearts.build.nvim.problems"
local text = require "codearts.build.cli.text"

local TIME = "[2026/11/27 20:41:46.938 GMT+08:00] "

-- The problems of a log: "row file:line:column type message" each.
local function read(name, before)
  local found, row, list = problems.new(), 0, {}
  for line in io.lines("spec/data/problems/" .. name .. ".log") do
    found:line(row, text.log_line((before or "") .. line, true))
    row = row + 1
  end
  for index, problem in ipairs(found:places()) do
    list[index] = ("%d %s:%s:%s %s %s"):format(
      problem.row,
      tostring(problem.file),
      problem.line or "-",
      problem.column or "-",
      problem.type,
      problem.message
    )
  end
  return list
end

local JAVA = "/workspace/demo/src/main/java/demo/Area.java"
local C = "/workspace/demo/src/area.c"

local LOGS = {
  gcc = {
    "1 "
      .. C
      .. ":7:20 E ‘hight’ undeclared (first use in this function); did you mean ‘height’?",
    "5 "
      .. C
      .. ":7:20 I each undeclared identifier is reported only once for each function it appears in",
    "6 " .. C .. ":6:9 W unused variable ‘unused’ [-Wunused-variable]",
    "10 "
      .. C
      .. ":11:14 W format ‘%s’ expects argument of type ‘char *’, but argument 2 has type ‘int’ [-Wformat=]",
    "17 " .. C .. ":3:25 E ‘y’ undeclared (first use in this function)",
    "20 " .. C .. ":12:12 I in expansion of macro ‘TWICE’",
    "23 " .. C .. ":13:1 E expected ‘;’ before ‘}’ token",
    "27 " .. C .. ":8:1 W control reaches end of non-void function [-Wreturn-type]",
    "31 /workspace/demo/src/main.c:2:- E undefined reference to `missing'",
  },
  ld = { -- whose name stands before some lines; a library that is missing has no place
    "1 /workspace/demo/src/main.c:3:- E undefined reference to `foo'",
    "2 /workspace/demo/src/main.c:4:- E undefined reference to `bar'",
    "5 main.c:-:- E undefined reference to `foo'",
    "6 main.c:-:- E undefined reference to `bar'",
    "9 area.c:-:- E multiple definition of `twice'; /tmp/ccueFiNN.o:main.c:(.text+0x1d): first defined here",
    "13 /workspace/demo/src/area.c:1:- E multiple definition of `twice'; main.o:/workspace/demo/src/main.c:6: first defined here",
    "23 b.c:-:- E multiple definition of `f'; /tmp/cc34WFJO.o:a.c:(.text+0x0): first defined here",
    "25 /workspace/demo/src/b.c:1:- E multiple definition of `x'; /tmp/ccOINibn.o:/workspace/demo/src/a.c:1: first defined here",
    "27 /workspace/demo/src/b.c:2:- E multiple definition of `f'; /tmp/ccOINibn.o:/workspace/demo/src/a.c:2: first defined here",
    "30 h.c:-:- E undefined reference to `q'",
  },
  clang = { -- with colours, and then the same without
    "0 src/area.c:7:20 E use of undeclared identifier 'hight'; did you mean 'height'?",
    "4 src/area.c:5:32 I 'height' declared here",
    "7 src/area.c:11:20 W format specifies type 'char *' but the argument has type 'int' [-Wformat]",
    "11 src/area.c:12:12 E use of undeclared identifier 'y'",
    "14 src/area.c:3:25 I expanded from macro 'TWICE'",
    "37 main.c:-:- E undefined reference to `missing'",
  },
  javac = { -- columns by the mark under the line
    "0 " .. JAVA .. ":7:9 W [rawtypes] found raw type: List",
    "6 " .. JAVA .. ":7:33 W [rawtypes] found raw type: ArrayList",
    "12 "
      .. JAVA
      .. ":8:16 W [unchecked] unchecked call to add(E) as a member of the raw type List",
    "17 " .. JAVA .. ":9:24 E cannot find symbol",
    "22 " .. JAVA .. ":13:16 E incompatible types: int cannot be converted to String",
  },
  maven = { -- each once, though it sums up
    "21 " .. JAVA .. ":9:24 E cannot find symbol",
    "24 " .. JAVA .. ":13:16 E incompatible types: int cannot be converted to java.lang.String",
  },
  tsc = {
    "0 src/area.ts:2:3 E TS2322: Type 'number' is not assignable to type 'string'.",
    "1 src/area.ts:5:22 E TS2554: Expected 2 arguments, but got 1.",
    "2 src/area.ts:6:13 E TS2304: Cannot find name 'sise'.",
  },
  tsc_pretty = {
    "0 src/area.ts:2:3 E TS2322: Type 'number' is not assignable to type 'string'.",
    "5 src/area.ts:5:22 E TS2554: Expected 2 arguments, but got 1.",
    "15 src/area.ts:6:13 E TS2304: Cannot find name 'sise'.",
  },
  busted = { -- where it failed, not where the test begins
    "3 spec/area_spec.lua:5:- E area multiplies: Expected objects to be equal.",
    "11 spec/area_spec.lua:1:- E area takes numbers only: attempt to perform arithmetic on local 'width' (a string value)",
  },
  busted_tap = {
    "0 spec/area_spec.lua:5:- E area multiplies: Expected objects to be equal.",
    "7 spec/area_spec.lua:1:- E area takes numbers only: attempt to perform arithmetic on local 'width' (a string value)",
  },
}

describe("problems in a log", function()
  for name, expected in pairs(LOGS) do
    it("are recognised of " .. name, function()
      assert.same(expected, read(name))
      assert.same(expected, read(name, TIME))
    end)
  end

  it("of the linker may have no place", function()
    for line, message in pairs {
      ["(.text+0x17): undefined reference to `main'"] = "undefined reference to `main'",
      ["<artificial>:(.text.startup+0xa): undefined reference to `A::A()'"] = "undefined reference to `A::A()'",
      ["/usr/bin/ld: /tmp/a.o:(.data+0x0): multiple definition of `x'"] = "multiple definition of `x'",
      ["ld: libx.a(a.o):(.data+0x0): multiple definition of `x'"] = "multiple definition of `x'",
      ["/usr/bin/ld: cannot open linker script file a.ld: No such file"] = "cannot open linker script file a.ld: No such file",
    } do
      local found = problems.new()
      local problem = found:line(0, line)
      assert.same({ row = 0, type = "E", message = message }, problem)
    end
    assert.is_nil(problems.new():line(0, "sh: cannot open a: no such file"))
  end)

  it("without a place count only where no error has one", function()
    local found = problems.new()
    found:line(0, "a.c:1:1: warning: odd")
    found:line(0, "(.text+0x17): undefined reference to `main'")
    assert.equal(2, #found:places())
    found = problems.new()
    found:line(0, "[ERROR] The step failed with exit status 3")
    assert.equal("The step failed with exit status 3", found:places()[1].message)
    found:line(0, "/usr/bin/ld: cannot find -lnosuch: No such file or directory")
    found:line(0, "build: cannot find -lnosuch")
    assert.equal(2, #found:places())
    found:line(1, "a.c:1:2: error: no")
    assert.equal(1, #found:places())
    assert.equal("a.c", found:places()[1].file)
  end)

  it("are not seen in what only looks like one", function()
    local found = problems.new()
    for row, line in ipairs {
      "12:30:15: error: no file",
      "https://example.com:8080: note that this is no place",
      "a.c:1:2: remark: unknown word",
      "make: *** [Makefile:12: all] Error 2",
      "collect2: error: ld returned 1 exit status",
      ("x"):rep(5000) .. ":1:2: error: too long for a line about a source",
      "",
    } do
      found:line(row, line)
    end
    assert.same({}, found:places())
  end)

  it("are written in one form", function()
    local problem = { file = "there.c", line = 3, column = 4, type = "W", message = "m" }
    assert.equal("codearts-place: a.c:3:4: warning: m", problems.normal(problem, "a.c"))
    problem.column = nil
    assert.equal("codearts-place: a.c:3:0: warning: m", problems.normal(problem, "a.c"))
    assert.equal("codearts-problem: warning: there.c:3: m", problems.normal(problem, nil))
    problem.file = nil
    assert.equal("codearts-problem: warning: m", problems.normal(problem, nil))
  end)

  it("are written so that no name is read as another one", function()
    local problem = { file = "x", line = 3, column = 4, type = "E", message = "m" }
    for _, file in ipairs { "a:1:1: error: b", "$HOME/a.c", "~/a.c", "b ~/a.c", "`id`" } do
      assert.equal("codearts-problem: error: x:3: m", problems.normal(problem, file))
    end
    local line = "codearts-place: term://id:1:1: error: m"
    assert.equal(" " .. line, problems.harmless(line))
    assert.equal("a " .. line, problems.harmless("a " .. line))
  end)

  it("have lines and columns that an editor can count", function()
    local found = problems.new()
    found:line(0, "a.c:99999999999999999999:2: error: no")
    assert.is_nil(found:places()[1].line)
    assert.equal("a.c:1: no", problems.words(found:places()[1], nil))
  end)
end)

describe("a line of a log", function()
  local lines = require "codearts.build.nvim.lines"

  it("stays as it is unless it is very long", function()
    assert.equal("a line", lines.cut "a line")
    assert.equal(("x"):rep(4096), lines.cut(("x"):rep(4096)))
  end)

  it("is cut between characters, and tells how much more there is", function()
    assert.equal(("x"):rep(4096) .. " [5904 bytes more]", lines.cut(("x"):rep(10000)))
    assert.equal(("x"):rep(4095) .. " [5 bytes more]", lines.cut(("x"):rep(4095) .. "→é"))
    assert.equal(("\128"):rep(4093) .. " [907 bytes more]", lines.cut(("\128"):rep(5000)))
  end)

  it("that was written over itself shows its last state", function()
    assert.equal("100 %", lines.cut(("50 %\r"):rep(5000) .. "100 %\r"))
  end)

  it("is no problem beyond what a line about a source has", function()
    local found = problems.new()
    found:line(0, "not ok 1 - a test")
    found:line(1, "# Failure message: a.lua:1: " .. ("x"):rep(100000))
    assert.is_true(#found:places()[1].message < 1100)
  end)
end)

describe("files of the machine that builds", function()
  local here = { ["src/a.c"] = true, ["a.c"] = true, ["lib/b.c"] = true }
  local function exists(path)
    return here[path] or false
  end

  it("are found by their last folders, without settings", function()
    local find = paths.finder({}, exists, "/home/me/demo")
    assert.equal("src/a.c", find "/workspace/demo/src/a.c")
    assert.equal("src/a.c", find "./src/a.c")
    assert.equal("a.c", find "/workspace/a.c")
    assert.equal("lib/b.c", find "build/../lib/b.c")
    assert.equal("src/none.c", find "./src//none.c")
    assert.equal("src/none.c", find "/home/me/demo/src/none.c")
  end)

  it("are none that a log may not choose", function()
    local map = { ["/workspace"] = "/home/me", ["/term"] = "term:" }
    for _, name in ipairs {
      "term://touch x",
      "scp://host/x",
      "zipfile:///tmp/a.zip::b",
      "x:y",
      "/etc/passwd",
      "/home/me/demo/../other",
      "../../etc/passwd",
      "src/../../other",
      "/workspace/../../etc/passwd",
      "./term://touch x",
      "src/a\nb.c",
      "src/a\27[0m",
      ".",
      "/",
      ("../"):rep(100) .. "home/me/x",
    } do
      for _, settings in ipairs { {}, map } do
        assert.is_nil(paths.finder(settings, exists, "/home/me/demo")(name), name)
      end
    end
  end)

  it("are where the settings say, the longest folder first", function()
    local find =
      paths.finder({ ["/workspace"] = "/home/me", ["/workspace/demo/"] = "." }, exists, "/")
    assert.equal("./src/a.c", find "/workspace/demo/src/a.c")
    assert.equal("/home/me/other/a.c", find "/workspace/other/a.c")
    assert.is_nil(find "/workspaces/../none.c/..")
    assert.equal("/home/me/a.c", find "/workspace/x/../a.c")
  end)
end)
