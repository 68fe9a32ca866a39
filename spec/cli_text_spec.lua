-- Text on a terminal.

local text = require "codearts.build.cli.text"

describe("cli text", function()
  it("knows how wide characters are", function()
    local cases = {
      { "abc", 3 },
      { "", 0 },
      { "编译", 4 },
      { "é", 1 },
      { "e\204\129", 1 },
      { "🚀", 2 },
      { "ｱ", 1 },
      { "Ａ", 2 },
      { "한글", 4 },
      { "a\226\128\139b", 2 },
    }
    for _, case in ipairs(cases) do
      assert.are.equal(case[2], text.width(case[1]), case[1])
    end
  end)

  it("cuts text to a number of columns and never in the middle of a character", function()
    assert.are.equal("abc", text.fit("abc", 3))
    assert.are.equal("ab...", text.fit("abcdefgh", 5))
    assert.are.equal("编…", text.fit("编译程序", 4, "…"))
    assert.are.equal("编译…", text.fit("编译程序", 5, "…"))
    assert.are.equal("a", text.fit("abcdef", 1))
    assert.are.equal("", text.fit("编译", 1))
    assert.are.equal("", text.fit("abc", 0))
  end)

  it("fills text to a number of columns", function()
    assert.are.equal("ab   ", text.pad("ab", 5))
    assert.are.equal("编  ", text.pad("编", 4))
    assert.are.equal("编 ", text.pad("编译", 3, ""))
    for columns = 0, 12 do
      assert.are.equal(columns, text.width(text.pad("编a译b程c序", columns, "…")))
    end
  end)

  it("makes a stranger's text harmless", function()
    assert.are.equal("a b", text.clean "a\nb")
    assert.are.equal(" [31mred", text.clean "\27[31mred")
    assert.are.equal("a?b", text.clean "a\255b")
    assert.are.equal("a b", text.clean "a\194\155b")
    assert.are.equal("x y", text.clean "x\226\128\174y")
    assert.are.equal("编译", text.clean "编译")
    assert.are.equal("??", text.clean "\224\159")
    assert.are.equal("???", text.clean "\237\160\128")
  end)

  it(
    "keeps the colours of a log line and drops what moves, hides or talks to the terminal",
    function()
      assert.are.equal("\27[31mred\27[0m", text.log_line("\27[31mred\27[0m", false))
      assert.are.equal("red", text.log_line("\27[31mred\27[0m", true))
      assert.are.equal("ab", text.log_line("a\27[2J\27[1;1Hb", false))
      assert.are.equal("ab", text.log_line("a\27]0;title\7b", false))
      assert.are.equal("ab", text.log_line("a\27]8;;http://x\27\\b", false))
      assert.are.equal("a    b", text.log_line("a\tb", false))
      assert.are.equal("a b", text.log_line("a\rb", false))
      assert.are.equal("a?", text.log_line("a\255\27", true))
    end
  )

  it("writes ASCII for terminals that know no more", function()
    assert.are.equal("a??b", text.ascii "a编译b")
  end)
end)
