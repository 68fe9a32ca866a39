--- Locales for specs, made from their sources into a folder, and programs that run in them.

local host = require("spec.support.host")

local M = {}

local FOLDER = "build/locale"

--- name -> source, character set: a decimal comma and letters of 8 bits; the same with an i that has
--- another capital letter; a decimal point of two bytes.
M.SOURCES = {
  german = { "de_DE", "ISO-8859-1" },
  turkish = { "tr_TR", "ISO-8859-9" },
  pashto = { "ps_AF", "UTF-8" },
}

--- What is lacking to make locales, or nil.
---@return string?
function M.missing()
  local there = host.run "sh -c 'command -v localedef && ls /usr/share/i18n/locales/de_DE'"
  return not there:find "de_DE" and "the package locales is not installed" or nil
end

---@param name "german"|"turkish"|"pashto"
---@return string locale for os.setlocale in programs that `run` runs
function M.name(name)
  local source = M.SOURCES[name]
  local locale = source[1] .. "." .. source[2]
  if not io.open(FOLDER .. "/" .. locale .. "/LC_CTYPE") then
    -- Renamed when it is whole: specs of several Luas run side by side.
    local made = host.run(
      ("sh -c 'mkdir -p %s && d=$(mktemp -d -p %s) && localedef -c -i %s -f %s $d/x && "):format(
        FOLDER,
        FOLDER,
        source[1],
        source[2]
      ) .. ("{ mv -T $d/x %s/%s; rm -rf $d; }'"):format(FOLDER, locale)
    )
    assert(io.open(FOLDER .. "/" .. locale .. "/LC_CTYPE"), made):close()
  end
  return locale
end

--- What tonumber answers for a text with a point, which Lua 5.1 and 5.2 do not know under a locale
--- with a comma.
---@param text string
---@return number?
function M.number(text)
  local point = ("%.1f"):format(0.5):match("^0(.-)5$")
  return tonumber(text) or tonumber((text:gsub("%.", point)))
end

--- Runs a command that finds these locales, for some minutes at most; answers all its output. glibc does not give back what it
-- reads LOCPATH into, which LeakSanitizer would tell.
---@param command string
---@return string
function M.run(command)
  local pipe = host.open(
    ([[timeout 300 env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" LOCPATH="$PWD/%s" %s]]):format(
      FOLDER,
      command
    )
  )
  local output = pipe:read("*a")
  pipe:close()
  return output
end

return M
