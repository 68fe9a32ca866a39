-- Text on a terminal.

local text = require "codearts.build.cli.text"
local work = require "spec.support.work"

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
      { "⚠️", 2 },
      { "❤️ ok", 5 },
      { "⏱️", 2 },
      { "🖼️", 2 },
      { "1️⃣", 2 },
      { "🚀\239\184\143", 2 },
      { "a\239\184\143", 1 },
      { "0", 1 },
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
    assert.are.equal("⚠️…", text.fit("⚠️⚠️", 3, "…"))
    assert.are.equal("…", text.fit("⚠️⚠️", 2, "…"))
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
    assert.are.equal("x y", text.clean "x\226\129\166y")
    assert.are.equal("x y", text.clean "x\226\128\168y")
    for _, mark in ipairs { "\216\156", "\226\128\142", "\226\128\143" } do -- U+061C, U+200E, U+200F
      assert.are.equal("x y", text.clean("x" .. mark .. "y"))
    end
    assert.are.equal("编??译", text.clean "编\128\129译")
    assert.are.equal("a\243\160\129\191b", text.clean "a\243\160\129\191b")
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
      assert.are.equal("a?", text.log_line("a\255\27", true))
      assert.are.equal("a[12", text.log_line("a\27[12", false))
      assert.are.equal("ab", text.log_line("a\27(B\27[?25l\27[>4;2m\27cb", false))
      assert.are.equal("ab", text.log_line("a\27(^\27 [b", false))
      assert.are.equal("a b", text.log_line("a\7b", false))
      assert.are.equal("a 31mb", text.log_line("a\194\15531mb", false))
    end
  )

  it("shows the last state of a line that was written over itself", function()
    local cases = {
      { "b", "a\rb" },
      {
        "Receiving objects: 100% (24/24), done.",
        "Receiving objects:  4% (1/24)\rReceiving objects: 100% (24/24), done.",
      },
      {
        "100%|██████████| 10/10",
        "  0%|          | 0/10\r 50%|█████     | 5/10\r100%|██████████| 10/10",
      },
      { "done", "1%\r50%\rdone\r" },
      { "done", "done\r\r\r" },
      { "", "\r" },
      { "", "\r\r" },
      { "\27[32m99%\27[0m", "\27[31m1%\r\27[32m99%" },
      { "done /", "done |\8/\8-\8\\\8|\8/" },
      { "NAME", "N\8NA\8AM\8ME\8E" },
      { "译", "编\8译" },
    }
    for _, case in ipairs(cases) do
      assert.are.equal(case[1], text.log_line(case[2], false))
    end
  end)

  it("ends every line as it began, and shows what was meant to be hidden", function()
    local cases = {
      { "\27[31mred\27[0m", "\27[31mred" },
      { "\27[31mred\27[m", "\27[31mred\27[m" },
      { "\27[1mbold\27[22m\27[0m", "\27[1mbold\27[22m" },
      { "secret", "\27[8msecret\27[28m", true },
      { "\27[28msecret\27[0m", "\27[8;28msecret" },
      { "\27[1;31msecret\27[0m", "\27[1;8;31msecret" },
      { "\27[1msecret\27[0m", "\27[1;008msecret" },
      { "\27[38;5;8mgrey\27[0m", "\27[38;5;8mgrey" },
      { "\27[38;2;8;8;8mgrey\27[0m", "\27[38;2;8;8;8mgrey" },
      { "\27[48;5;8;1mgrey\27[0m", "\27[48;5;8;1;8mgrey" },
      { "black on black", "\27[30;40mblack on black" },
      { "black on black", "\27[38;5;16;48;5;16mblack on black" },
      { "x", "\27[" .. ("1;"):rep(1000) .. "mx" },
    }
    for _, case in ipairs(cases) do
      assert.are.equal(case[1], text.log_line(case[2], case[3] or false))
    end
  end)

  it("escapes in JSON for a terminal what a terminal obeys", function()
    assert.are.equal('{"a":"编译"}', text.json '{"a":"编译"}')
    assert.are.equal(
      '{"a":"x\\u009b31my\\u007f\\u202e\\u2066z"}',
      text.json '{"a":"x\194\15531my\127\226\128\174\226\129\166z"}'
    )
    assert.are.equal('{\n\t"a": 1\n}', text.json '{\n\t"a": 1\n}')
    assert.are.equal('"\\u001b]0;x\\u0007"', text.json '"\27]0;x\7"')
    assert.are.equal('"\\ufffd"', text.json '"\155"')
  end)

  it("takes work in proportion to the text, whatever is in it", function()
    local pieces = {
      "\27[32m#\27[0m",
      "\27[32m#\r",
      "\r",
      "a\r",
      "\27",
      "\27[",
      "\27[1",
      "\27]",
      "\27]0;x",
      "\27[31m",
      "\27[38;5;1m\27[48",
      "\27[ ",
      "\7",
      "\8|",
      "\128",
      "\224",
      "\240\159\154",
      "编",
      "\194\155",
      "\9",
      "\0",
    }
    local any = {}
    local state = 1
    for index = 1, 4096 do
      state = (state * 16807) % 2147483647
      any[index] = string.char(math.floor(state / 1000) % 256)
    end
    pieces[#pieces + 1] = table.concat(any)
    for _, piece in ipairs(pieces) do
      for f, most in pairs {
        [text.clean] = 40,
        [text.json] = 40,
        [text.log_line] = 40,
        [text.width] = 200,
      } do
        for _, before in ipairs { "", "\27[" } do
          local small = work.of(f, before .. piece:rep(math.ceil(4096 / #piece)), false)
          local large = work.of(f, before .. piece:rep(math.ceil(32768 / #piece)), false)
          assert.is_true(
            large < small * 10,
            ("%q: %d for 4 KiB, %d for 32 KiB"):format(piece:sub(1, 20), small, large)
          )
          assert.is_true(large < 32768 * most, ("%q: %d"):format(piece:sub(1, 20), large))
        end
      end
    end
  end)

  it("writes ASCII for terminals that know no more", function()
    assert.are.equal("a??b", text.ascii "a编译b")
  end)
end)
