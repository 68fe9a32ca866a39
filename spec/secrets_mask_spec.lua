-- Secrets in a text, however they are written there: what core.mask finds, and what it leaves.
local core = require "codearts.build.core"
local clean = require("codearts.build.cli.text").clean

describe("core.mask", function()
  it("hides a piece from the midst of a secret, unless only whole ones are looked for", function()
    local secrets = { "registry/my-codearts-build:2024" }
    assert.equal("look at ***", core.mask("look at codearts-build", secrets))
    assert.equal("***", core.mask("registry", secrets))
    for _, text in ipairs {
      "look at codearts-build",
      "registry",
      "registry...",
      secrets[1]:sub(1, -2),
    } do
      assert.equal(text, core.mask(text, secrets, true))
    end
    assert.equal("at *** now", core.mask("at " .. secrets[1] .. " now", secrets, true))
    assert.equal("at ***… it is", core.mask("at registry/… it is", secrets, true))
    assert.equal("at regist… it is", core.mask("at regist… it is", secrets, true))
    local long = ("x1"):rep(200)
    assert.equal("***", core.mask(long, { long }, true))
    assert.equal(long, core.mask(long, { long .. "y" }, true))
  end)

  it("makes no secret whole by what it writes for what is no text", function()
    for _, secret in ipairs { "P@?s-w0!#", "hunter2-?Pa55word-9x" } do
      for _, byte in ipairs { "\0", "\255", "\195" } do
        local text = "seen "
          .. secret:gsub("%?", function()
            return byte
          end)
          .. " end"
        for _, whole in ipairs { true, false } do
          assert.is_nil(core.mask(text, { secret }, whole):find(secret, 1, true))
        end
      end
    end
  end)

  it(
    "finds the pieces of a credential through as many struck letters as an error leaves out",
    function()
      local token = "tok-abcdefghijk"
      for n = 1, 12 do
        local text = "seen ok-abcd" .. ("1"):rep(n) .. ("\b"):rep(n) .. "efghijk end"
        local err = core.error { kind = "api", message = core.mask(text, { token }) }
        assert.is_nil(tostring(err):find("ok-abcdefghijk", 1, true), n)
      end
    end
  )

  it("finds a secret through what a terminal draws nothing of", function()
    local secret = "Winter4711-Holidäy"
    local character = "[%z\1-\127\194-\244][\128-\191]*"
    for _, shown in ipairs {
      "Winter\27[01;31m\27[K4711\27[m\27[K-Holidäy",
      "Winter\27]8;;https://example.com\27\\4711-\27]8;;\7Holidäy",
      "Winter\27[0K4711\27(B\27[m-Holidäy",
      "Winter\27=4711\27P1$q\7-Holidäy",
      "Winter\27[1m4711\27[m\15-\14Hol\15idäy", -- as tput has it for TERM=screen
      "Winterx\b4711-Holidäy",
      "Winterxy\b \b\b \b4711-Holidäy", -- as a terminal's echo takes letters back
      "Winter xä\b \b\b \bz\b \b\b \b\b \b4711-Holidäy",
      "Winterxy\b\27[K\b\27[K4711-Holidäy", -- readline
      "Winterxy\b\b  \b\b4711-Holidäy", -- zsh
      "Winterä\b \b\b \b4711-Holidäy", -- byte by byte
      "W\27[31minter4711\n    -\27[mHolidäy",
      "Winter4711\27[31m\\u002dHolidäy",
      (secret:gsub(character, "\27[38;5;154m%0\27[39m\27[0m")),
      (secret:gsub(character, "%0\b%0")),
      (secret:gsub(character, "_\b%0\b%0")),
    } do
      for _, whole in ipairs { true, false } do
        local told = core.mask(("a=%s!"):format(shown), { secret }, whole)
        assert.matches("^a=%A*.?\b*%*%*%*", told, shown)
        assert.is_nil(told:find("olid", 1, true) or told:find("4711", 1, true), shown)
      end
    end
    assert.equal("it is ***!", core.mask("it is r47\27[31m11-Ho\27[mlid!", { secret }))
    assert.equal("***\b\b\b", core.mask("Winter%21\b\b\b", { "Winter!" }, true))
    local text = "Winter\27[01;31m4712\27[m-Holidäy"
    assert.equal(text, core.mask(text, { secret }, true))
    assert.equal("***!", core.mask("\27[1mWinter!", { "\27[1mWinter" }, true))
  end)

  it(
    "finds a secret whose letters each have eight sequences, or its backslashes colours",
    function()
      local attributes = ("\27[1m\27[K"):rep(4)
      local lit = ("hunter2-secret"):gsub(".", attributes .. "%0")
      for text, secret in pairs {
        [lit] = "hunter2-secret",
        ["CORP\27[33m\\\\\27[39madmin:pw"] = "CORP\\admin:pw",
        ['\\"CORP%5C%5C\27[39mnadmin:pw'] = '"CORP\\nadmin:pw',
        ["a&amp;CORP\\\\\27[39mbin:pw"] = "a&CORP\\\\bin:pw",
      } do
        for _, whole in ipairs { true, false } do
          local told = core.mask(text, { secret }, whole):gsub("^[\27%[1mK\\]*", "")
          assert.equal("***", told, text)
        end
      end
    end
  )

  it("finds a backslash that stands for itself before any letter", function()
    for _, letter in ipairs { "builder", "net", "roe", "tom", "xadmin", "udeadly", "fab", "101" } do
      local secret = ([[CORP\%s\\x20:"pw&12345]]):format(letter)
      local json = secret:gsub('[\\"]', "\\%0")
      local function url(text)
        return (
          text:gsub("[^%w]", function(c)
            return ("%%%02X"):format(c:byte())
          end)
        )
      end
      for _, text in ipairs {
        secret,
        json,
        url(secret),
        url(json),
        url(url(secret)),
        (json:gsub("&", "\\u0026")),
        (json:gsub('[\\"]', "\\%0")),
        (json:gsub("&", "&amp;"):gsub('"', "&quot;")),
      } do
        for _, whole in ipairs { true, false } do
          assert.equal("<***>", core.mask(("<%s>"):format(text), { secret }, whole), text)
        end
      end
    end
  end)

  it("finds white space in the place of a secret's blanks", function()
    local secret = "correct horse battery  staple"
    for _, text in ipairs {
      "correct\nhorse\tbattery\n\n staple",
      "correct \n    horse battery\r\nstaple",
      "correct\n    horse\\nbattery%0Astaple",
      "correct\27[1m\n\27[mhorse battery\27[m\n\27[Kstaple",
      "correct+horse+battery++staple",
      "correct horse battery staple",
      "correct%2Bhorse%2Bbattery%2B%2bstaple",
      "correct%2520horse\\u002bbattery&amp;#32;&#43;staple",
    } do
      for _, whole in ipairs { true, false } do
        assert.equal("<***>", core.mask(("<%s>"):format(text), { secret }, whole), text)
      end
    end
    for _, text in ipairs { "correcthorse battery  staple", "correct\n horse battery" } do
      assert.equal(text, core.mask(text, { secret }, true))
    end
  end)

  it("finds a secret through what is drawn as a blank", function()
    local between = {
      "\194\128", -- U+0080
      "\194\133",
      "\194\155",
      "\216\156", -- U+061C
      "\226\128\142", -- U+200E
      "\226\128\168", -- U+2028
      "\226\128\174",
      "\226\129\166", -- U+2066
      "\226\129\169",
      "\7\194\133 \27",
      ("\7"):rep(16),
      ("\15"):rep(17),
      "\\\1",
      "\\\194\133",
      "\127",
    }
    for byte = 1, 31 do
      between[#between + 1] = string.char(byte)
    end
    for _, secret in ipairs { "my[9]_s^cX-P0w!", "P@s-w0 r!#", "hunter2-Pa55word", "it's (1)%2D" } do
      for _, control in ipairs(between) do
        for at = 2, #secret do
          local before, behind = secret:sub(1, at - 1), secret:sub(at)
          for _, whole in ipairs { true, false } do
            local shown = ("at %s%s%s it \7is"):format(before, control, behind)
            local told = core.mask(shown, { secret }, whole)
            assert.matches(whole and "^at %*%*%* it \7is$" or "^at %*%*%*", told, shown)
            assert.equal(clean(told), core.mask(clean(told), { secret }, whole))
          end
        end
      end
    end
    for shown, secret in pairs {
      ["correct\7horse battery"] = "correct horse battery",
      ["correct\15horse\27battery"] = "correct horse battery",
      ["hunter2\\u0007-Pa55word"] = "hunter2-Pa55word",
      ["my\27_secr\\u0065t%2Dand\7"] = "my_secret-and",
      ["a%2541\27\\b%25 now\7"] = "a%41\\b% now",
    } do
      assert.equal("***", core.mask(shown, { secret }, true):match "^[^\7]*", shown)
    end
    assert.equal("at ***… it", core.mask("at hunter2-\7… it", { "hunter2-Pa55word" }, true))
    -- In what is told nothing is found that was not found before.
    for _, shown in ipairs { "my\27[1m_[9]\27^c\7", "my\27]_\7[9]_s\7^c", "\7my\27[9]\8_s\15^c" } do
      local masked = core.mask(shown, { "my[9]_s^c" }, true)
      for _, told in ipairs { clean(masked), tostring(core.error { kind = "x", message = masked }) } do
        assert.equal(told, core.mask(told, { "my[9]_s^c" }, true))
      end
    end
    for _, other in ipairs { "hunter2\7-Pb55word", "hunter2" .. ("\7"):rep(24) .. "-Pa55word" } do
      assert.equal(other, core.mask(other, { "hunter2-Pa55word" }, true))
    end
  end)

  it("finds a secret that a shell has quoted", function()
    local secret = "äx's4711-Holidäy\\234 'n'"
    for _, shown in ipairs {
      secret,
      [[äx'\''s4711-Holidäy\234 '\''n'\'']],
      [[äx'"'"'s4711-Holidäy\234 '"'"'n'"'"']],
      [[\303\244x\'s4711-Holid\303\244y\\234 \'n\']], -- $'…', in the locale C
      [[äx\'s4711-Holidäy\\234\ \'n\']],
      core.encode(secret):sub(2, -2),
    } do
      for _, whole in ipairs { true, false } do
        assert.equal("a='***!", core.mask(("a='%s!"):format(shown), { secret }, whole), shown)
      end
    end
    for _, text in ipairs { [[\303\245x's4711]], [[\777x]], [[äx'\'s4711]], "äx'" } do
      assert.equal(text, core.mask(text, { secret }, true))
    end
  end)

  it("finds apostrophes and control characters as each shell writes them", function()
    local controls, four = "'it''s\1a'\127.", "it''''is-Pa55word"
    for _, case in ipairs {
      { controls, [[$'\'it\'\'s\001a\'\177.']] }, -- bash's declare -p
      { controls, "''\\''it'\\'''\\''s\1a'\\''\127.'" }, -- and set -x
      { controls, "''\"'\"'it'\"''\"'s\1a'\"'\"'\127.'" }, -- busybox's
      { controls, [[$'\'it\'\'s\x01a\'\x7f.']] }, -- ksh's
      { controls, [[$'\047it\047\047s\001a\047\177.']] }, -- mksh's
      { "'it''s''", [[\''it'\'\''s'\'\']] }, -- and without control characters; zsh's
      { "'it''s''", [[''"'"'it'"''"'s'"''"]] }, -- dash's
      { four, [['it'"''''"'is-Pa55word']] },
      { "\27[1m\aPa55word", [[$'\E[1m\aPa55word']] },
      { "\27[1m\aPa55word", [[$'\033[1m\007Pa55word']] },
      { "it's\tb-Pa55w\195\182rd", [['it'\''s'$'\t''b-Pa55w'$'\303\266''rd']] }, -- coreutils'
      { "\195\182'\tb-Pa55word", [[''$'\303\266'\'$'\t''b-Pa55word']] },
      { [[060\061-number]], [['060\061-number']] },
      { "060-number", [[\060-number]] },
    } do
      for _, whole in ipairs { true, false } do
        local told = core.mask(("a=%s!"):format(case[2]), { case[1] }, whole)
        assert.matches("^a='?'?%$?'?'?%*%*%*'?!$", told, case[2])
      end
    end
  end)

  local function each(form)
    return function(c)
      return form:format(c:byte())
    end
  end

  local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", ['"'] = "&quot;" }
  local FORMS = {
    HTML = ENTITIES,
    ["HTML twice"] = { ["&"] = "&amp;amp;", ["<"] = "&amp;lt;", ['"'] = "&amp;#34;" },
    ["HTML by numbers"] = each "&#%d;",
    URL = each "%%%02X",
    ["URL twice"] = each "%%25%02x",
    ["JSON in a URL"] = each "%%5Cu%04x",
    JSON = { ['"'] = '\\"', ["\\"] = "\\\\" },
    ["a shell"] = { ["'"] = [['\'']] },
    ["another shell"] = { ["'"] = [['"'"']] },
    ["JSON by numbers"] = each "\\u%04x",
    ["JSON twice"] = { ["&"] = "\\\\u0026", ["<"] = "\\\\u003C", ['"'] = '\\\\\\"' },
    ["signs by names"] = { ["&"] = "&#38;", ["<"] = "&#x3C;", ["+"] = "&plus;", ["%"] = "&percnt;" },
  }

  for name, form in pairs(FORMS) do
    it("hides the beginning of a value that was cut off within an escape: " .. name, function()
      local secret = "aZ3k9Lq2&&amber%2B<\"+&25\\n&#x\\u00e9's&lt"
      local written = {}
      for i = 1, #secret do
        written[i] = secret:sub(i, i):gsub(".", form)
      end
      local before = table.concat(written, "", 1, 8)
      local all = table.concat(written)
      for last = #before, #all - 1 do
        local told = ("at %s… it is"):format(all:sub(1, last))
        assert.equal("at ***… it is", core.mask(told, { secret }, true), told)
      end
    end)
  end

  it(
    "hides the beginning of a value that was cut off within a pair, or where it is wrapped",
    function()
      local before = "hunter2-"
      for _, torn in ipairs {
        "\\ud83d",
        "\\ud83d\\ude0",
        "%5Cud83d%5Cude0",
        "%F0%9F%98",
        "&amp;#12851",
        "\n    ",
        "\\n",
        "%0A",
        "\n  &am",
        "\239\191\189", -- within a character
        "\27[3",
        "\27[0m\27[01;3",
        "\27[0m\27[K",
        "\27[39m\27[38;2;248;248;242m",
        "\27[39m\27[38;2;248;248;24",
        "\27[38;2;248;248;242m\239\191\189",
        "\27[0m\n    \27]8;;https://example.com/" .. ("page/"):rep(100),
        "\27(B\27[m\15",
        "x\b",
        "'$",
        "'$'",
      } do
        local text = before .. torn .. "…"
        assert.equal("***…", core.mask(text, { before .. "\240\159\152\128&c" }, true), text)
      end
    end
  )

  it("hides no words that are cut off and only begin as a value does", function()
    local secret = "https://git.example.com/app?a=1&b=2"
    for _, text in ipairs {
      "https://git.example.com/other…",
      "https://git.example.com/a&amp;b/c…",
      "https://git.example.com/ and more…",
      "https://git.example.com/app?a=1&b=3 and…",
      "https://git.example.com/%2" .. ("2"):rep(24) .. "…",
      "https://git.example.com/\n" .. (" "):rep(24) .. "…",
      "https://git.example.com/%20",
      "https://git.example.com/\27[0m and so many more words…",
      "https:/&am…",
    } do
      assert.equal(text, core.mask(text, { secret }, true))
    end
  end)
end)
