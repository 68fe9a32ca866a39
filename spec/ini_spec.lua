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
