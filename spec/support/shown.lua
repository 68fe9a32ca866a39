--- Whether something shows a secret, in whatever form.

local M = {}

M.PIECE = 8 -- bytes of a secret that tell something, at its beginning; of a long one, more of another place
local LONG_PIECE = 12

-- What an escaped text says: one of JSON, URL and HTML after the other.
local function unescaped(text)
  return (
    text
      :gsub("\\+u00(%x%x)", function(hex)
        return string.char(tonumber(hex, 16))
      end)
      :gsub("\\+x(%x%x)", function(hex)
        return string.char(tonumber(hex, 16))
      end)
      :gsub("%%(%x%x)", function(hex)
        return string.char(tonumber(hex, 16))
      end)
      :gsub("&#x(%x+);", function(hex)
        return string.char(tonumber(hex, 16) % 256)
      end)
      :gsub("&#(%d+);", function(number)
        return string.char(tonumber(number) % 256)
      end)
      :gsub("&amp;", "&")
      :gsub("&quot;", '"')
      :gsub("&lt;", "<")
      :gsub("&gt;", ">")
  )
end

-- The same of what was escaped twice.
local function plain(text)
  return (unescaped(unescaped(text)):gsub("[\\%s]", ""))
end

local function letters(text)
  return (plain(text):gsub("%W", ""):lower())
end

local pieces_of = {} -- by secret: how long they are, and which there are

local function pieces(secret)
  local found = pieces_of[secret]
  if not found then
    local all = letters(secret)
    found = { length = #all < 2 * LONG_PIECE and M.PIECE or LONG_PIECE }
    for at = 1, #all - found.length + 1 do
      found[all:sub(at, at + found.length - 1)] = true
    end
    pieces_of[secret] = found
  end
  return found
end

-- Fails when a text shows a piece of a secret from wherever in it, whatever became of what is no letter or digit.
local function check_pieces(text, secrets, where)
  for shown in (text:gsub("%*%*%*", "\0") .. "\0"):gmatch "(%Z*)%z" do
    local there = #shown >= M.PIECE and letters(shown) or ""
    for _, secret in ipairs(secrets) do
      local known = pieces(secret)
      for at = 1, #there - known.length + 1 do
        local piece = there:sub(at, at + known.length - 1)
        assert(
          not known[piece],
          ("%s shows %s of %s: %s"):format(where, piece, secret, shown:sub(1, 300))
        )
      end
    end
  end
end

-- Fails when a text shows the beginning of a secret, all of a short one, or a piece of one.
local function check_text(text, secrets, where)
  check_pieces(text, secrets, where)
  for _, secret in ipairs(secrets) do
    local piece = plain(secret):sub(1, M.PIECE)
    for _, form in ipairs { text, plain(text) } do
      assert(
        not form:find(piece, 1, true),
        ("%s shows %s: %s"):format(where, secret, text:sub(1, 300))
      )
    end
  end
end

local function check(value, secrets, where, seen)
  seen = seen or {}
  if type(value) == "string" or type(value) == "number" then
    check_text(tostring(value), secrets, where)
  elseif type(value) == "table" and not seen[value] then
    seen[value] = true
    check_text(tostring(value), secrets, where)
    for k, v in pairs(value) do
      check(k, secrets, where, seen)
      check(v, secrets, where .. "." .. tostring(k), seen)
    end
  end
end

local function hex(format, pattern)
  return function(text)
    return (text:gsub(pattern or ".", function(c)
      return format:format(c:byte())
    end))
  end
end

local function json(text)
  return (text:gsub('[\\"]', "\\%0"))
end

-- How a server may write a text.
M.FORMS = {
  ["as it is"] = tostring,
  ["with JSON's escapes"] = json,
  ["with all of JSON's escapes"] = function(text)
    return (json(text):gsub("/", "\\/"))
  end,
  ["with \\u00XX for all"] = hex "\\u%04x",
  ["with \\u00XX in capitals"] = hex "\\u%04X",
  ["with \\u00XX for some"] = hex("\\u%04x", "[^%w]"),
  ["JSON in JSON"] = function(text)
    return json(json(text))
  end,
  ["\\u00XX in JSON in JSON"] = function(text)
    return json(hex("\\u%04x", "[^%w]")(text))
  end,
  ["with \\xXX"] = hex("\\x%02X", "[^%w]"),
  ["percent-encoded"] = hex("%%%02X", "[^%w._~-]"),
  ["percent-encoded in small letters"] = hex("%%%02x", "[^%w._~-]"),
  ["percent-encoded as a whole"] = hex "%%%02X",
  ["percent-encoded twice"] = hex("%%25%02X", "[^%w._~-]"),
  ["with \\u00XX, percent-encoded"] = hex("%%5Cu%04x", "[^%w]"),
  ["with \\u00XX for all, percent-encoded as a whole"] = function(text)
    return (hex "%%%02x"(hex "\\u%04x"(text)))
  end,
  ["with \\u00XX, in numbers of HTML"] = hex("&#92;u%04X", "[^%w]"),
  ["percent-encoded in numbers of HTML"] = hex("&#37;%02X", "[^%w._~-]"),
  ["in numbers of HTML, percent-encoded"] = hex("%%26%%23%d%%3B", "[^%w._~-]"),
  ["for HTML"] = function(text)
    return (text:gsub("&", "&amp;"):gsub('"', "&quot;"):gsub("<", "&lt;"):gsub(">", "&gt;"))
  end,
  ["in numbers of HTML"] = hex "&#%d;",
  ["in hexadecimal numbers of HTML"] = hex("&#x%X;", "[^%w]"),
  ["wrapped into lines"] = function(text)
    return (text:gsub(("."):rep(10), "%0\r\n"))
  end,
  ["wrapped into lines within JSON"] = function(text)
    return (text:gsub(("."):rep(10), "%0\\n"))
  end,
  ["wrapped into indented lines"] = function(text)
    return (text:gsub(("."):rep(10), "%0\r\n\t  "))
  end,
  ["wrapped into indented lines within JSON"] = function(text)
    return (text:gsub(("."):rep(10), "%0\\n\\t  "))
  end,
  ["in groups"] = function(text)
    return (text:gsub("....", "%0 "))
  end,
  ["for HTML within HTML"] = function(text)
    local once = text:gsub("&", "&amp;"):gsub('"', "&quot;"):gsub("<", "&lt;"):gsub(">", "&gt;")
    return (once:gsub("&", "&amp;"))
  end,
  ["with blanks for +"] = function(text)
    return (text:gsub("+", " "))
  end,
  ["with ? for what is no letter or digit"] = function(text)
    return (text:gsub("%W", "?"))
  end,
  ["without what is no letter or digit"] = function(text)
    return (text:gsub("%W", ""))
  end,
  ["in capitals"] = function(text)
    return (text:gsub("%W", ""):upper())
  end,
  ["without its beginning"] = function(text)
    return (text:sub(2):gsub('[\\"]', "_"))
  end,
}

-- Between two escapes.
local function halves(text)
  local middle = text:find("[%w][%w][%w][%w]", math.floor(#text / 2)) or #text
  return text:sub(1, middle + 1), text:sub(middle + 2)
end

-- Where a server may write it.
local function places(text)
  local line = text:gsub("[\r\n]", "")
  local filler = ("filler "):rep(300)
  return {
    { body = ('{"error_code":"A.1","error_msg":"you sent %s !"}'):format(text) },
    { body = ('{"error_code":"%s","error_msg":"m"}'):format(text) },
    { body = ('{"error_code":"A.%s","error_msg":"%s"}'):format(halves(text)) },
    { body = (text:gsub(".", "%0\0")) }, -- UTF-16
    { body = ('{"error_code":"A.1","error_msg":"m","request_id":"%s"}'):format(text) },
    { body = ('{"error":{"code":401,"message":"%s","title":"x"}}'):format(text) },
    { body = ('{"hello":"%s"}'):format(text) },
    { body = ('["%s"]'):format(text) },
    { body = text },
    { body = text .. text .. text },
    { body = ("<html><body><p>%s</p></body></html>"):format(text) },
    { body = ('{"error_msg":"cut: %s'):format(text) },
    { body = "", headers = { { "X-Request-Id", line } } },
    { body = "{}", headers = { { "X-IAM-Trace-Id", line }, { "Www-Authenticate", line } } },
    { body = filler:sub(1, 1024 - 12) .. text .. filler },
    { body = filler:sub(1, 1024 - 3) .. text .. filler },
    { body = ('{"error_code":"A.1","error_msg":"%s%s"}'):format(filler:sub(1, 1024 - 10), text) },
    { body = text, status = 200 },
    { body = ('{"octopus_job_name":"j","x":%s}'):format(text), status = 200 },
    { body = ('{"status":"fail","message":"%s"}'):format(text), status = 200 },
    { body = text, status = 307, headers = { { "Location", "http://127.0.0.1:9/" .. line } } },
    { body = text, status = 500 },
    { body = text, status = 700 },
    { body = text, headers = { { "Content-Encoding", line } } },
  }
end

-- A token, with what can stand in a header.
M.TOKEN = [[MIIF/xwY+JKo=ZIhv-"c\N<A>&Qco%IIFu'DCC]] .. ("Bb+/"):rep(40)

M.check_text = check_text
M.check = check
M.json = json
M.places = places

return M
