local ini = require "codearts.build.ini"

describe("ini.parse", function()
  it("reads sections, keys in any case, comments and blanks", function()
    local sections = assert(ini.parse(table.concat({
      "# comment",
      "; another",
      "",
      "[basic]",
      "  AK = EXAMPLE",
      "  sk: a=b:c ; not a comment",
      "empty =",
      "percent = 50%%",
      "[Global]",
      "ak=x",
      "\t",
      "last = end",
    }, "\r\n")))
    assert.same({
      basic = { ak = "EXAMPLE", sk = "a=b:c ; not a comment", empty = "", percent = "50%" },
      Global = { ak = "x", last = "end" },
    }, sections)
  end)

  it("ignores a byte order mark and reads an empty text", function()
    assert.same({ a = {} }, ini.parse "\239\187\191[a]")
    assert.same({}, ini.parse "")
  end)

  it("takes each end of line that the official reader takes", function()
    assert.same({ a = { ak = "1", sk = "2" } }, ini.parse "[a]\rak = 1\r\nsk = 2\r \n")
    local _, problem = ini.parse "[a]\r\r\nnot-shown"
    assert.equal("line 3: neither a [section] nor key = value", problem)
  end)

  it("lets every section inherit from [DEFAULT], wherever it stands", function()
    assert.same(
      {
        basic = { ak = "A", sk = "S", project_id = "" },
        global = { ak = "A", sk = "other", project_id = "p" },
      },
      ini.parse "[basic]\nproject_id =\n[DEFAULT]\nak = A\nsk = S\n[global]\nSK = other\n[DEFAULT]\nproject_id = p\n"
    )
    -- It is no section itself, and counts case.
    assert.same({}, ini.parse "[DEFAULT]\nak = A\n")
    assert.same({ default = { ak = "A" }, basic = {} }, ini.parse "[default]\nak = A\n[basic]\n")
    local _, problem = ini.parse "[DEFAULT]\nak = 1\n[basic]\n[DEFAULT]\nak = not-shown"
    assert.equal("line 5: a key that was there before", problem)
  end)

  it(
    "takes no-break and other invisible blanks off both ends, and none out of the middle",
    function()
      local NBSP, NARROW, EM, WIDE = "\194\160", "\226\128\175", "\226\128\131", "\227\128\128"
      assert.same(
        { basic = { ak = "A", sk = "a" .. NBSP .. "b", domain = "\195\160" } },
        ini.parse(
          ("%s[basic]%s\nak%s=%sA%s\nsk\t:%sa%sb%s\ndomain = \195\160\n"):format(
            "",
            NBSP,
            NBSP,
            NBSP .. " ",
            " " .. NBSP,
            WIDE,
            NBSP,
            EM .. NARROW
          )
        )
      )
      assert.same({ a = { b = "" } }, ini.parse("[a]\nb =" .. NBSP .. "\n" .. NBSP .. "\n"))
      -- One blank is one step of indentation, whatever its bytes.
      local _, problem = ini.parse("[a]\nb = 1\n" .. NBSP .. "c = not-shown")
      assert.equal("line 3: indented, so it continues the value above it", problem)
      assert.same({ a = { b = "1", c = "2" } }, ini.parse("[a]\n b = 1\n" .. NBSP .. "c = 2"))
    end
  )

  for problem, text in pairs {
    ["line 1: something before the first [section]"] = "ak = not-shown",
    ["line 2: neither a [section] nor key = value"] = "[basic]\nnot-shown",
    ["line 3: neither a [section] nor key = value"] = "[basic]\n\n= not-shown",
    ["line 3: a key that was there before"] = "[basic]\nak = 1\nAK = not-shown",
    ["line 2: a section that was there before"] = "[basic]\n[basic]",
    ["line 3: indented, so it continues the value above it"] = "[basic]\nak = 1\n  not-shown",
    ["line 2: a percent sign, which must be doubled"] = "[basic]\nsk = not%shown",
    ["not a text file"] = "[basic]\nak = \0",
  } do
    it("refuses: " .. problem, function()
      local sections, told = ini.parse(text)
      assert.is_nil(sections)
      assert.equal(problem, told)
    end)
  end

  it("survives any text", function()
    local seed = 7
    for _ = 1, 300 do
      local out = {}
      for i = 1, 40 do
        seed = (seed * 16807) % 2147483647
        out[i] = ("[]=:;#%% \n\r\tab"):sub(seed % 13 + 1, seed % 13 + 1)
      end
      local sections, problem = ini.parse(table.concat(out))
      assert.is_true(type(sections) == "table" or problem:find "^line %d+: " ~= nil)
    end
  end)
end)
