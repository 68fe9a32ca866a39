-- Records doc/picture.svg: the real command in a real terminal (tmux), at work on a build of the sandbox.
--
--     make picture

local tmux = require "spec.support.tmux"
local quote = require "spec.support.quote"

local COLUMNS, ROWS = 108, 24
local COMMAND = "codearts-build run demo --param NUMBER=1969 --follow"
local FRAME = 0.12 -- seconds between two looks
local LAST = 6 -- seconds that the last one stays
local WIDE, HIGH, PAD = 8.4, 18, 14 -- a character, a line, the margin

local NAMES =
  { [0] = "#3b4252", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d7dae0" }
local PLAIN, PAGE = "#d7dae0", "#1e222a"

-- What the parameters of a colour sequence change; the command uses no more than these.
local function paint(style, parameters)
  for digits in (parameters == "" and "0" or parameters):gmatch "%d+" do
    local code = tonumber(digits)
    if code == 0 then
      style.fill, style.bold, style.dim = nil, nil, nil
    elseif code == 1 then
      style.bold = true
    elseif code == 2 then
      style.dim = true
    elseif code == 22 then
      style.bold, style.dim = nil, nil
    elseif code == 39 then
      style.fill = nil
    elseif code >= 30 and code <= 37 then
      style.fill = NAMES[code - 30]
    elseif code >= 90 and code <= 97 then
      style.fill = NAMES[code - 90]
    end
  end
end

local function escaped(text)
  return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

local function span(style, text)
  local attributes = (style.fill and (' fill="%s"'):format(style.fill) or "")
    .. (style.bold and ' font-weight="bold"' or "")
    .. (style.dim and ' opacity=".6"' or "")
  return ("<tspan%s>%s</tspan>"):format(attributes, escaped(text))
end

-- One line of the page, with its colours, as text of an SVG; "" for an empty one.
local function line_of(bytes, row, style)
  local spans = {}
  for parameters, text in ("\27[m" .. bytes):gmatch "\27%[([%d;]*)m([^\27]*)" do
    if #spans > 0 or parameters ~= "" then
      paint(style, parameters)
    end
    if text ~= "" then
      spans[#spans + 1] = span(style, text)
    end
  end
  if #spans == 0 then
    return ""
  end
  return ('<text x="%d" y="%d">%s</text>\n'):format(PAD, PAD + row * HIGH - 5, table.concat(spans))
end

local function page_of(bytes)
  local lines, row, style = {}, 0, {}
  for line in bytes:gmatch "([^\n]*)\n" do
    row = row + 1
    lines[row] = line_of(line, row, style)
  end
  return table.concat(lines)
end

-- Each page is seen for its part of the time, over and over.
local function svg(frames)
  local total = #frames > 1 and (frames[#frames].at + LAST) or 1
  local out = {
    (
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="ui-monospace,Menlo,Consolas,'
      .. 'monospace" font-size="14" fill="%s" xml:space="preserve">\n'
    ):format(COLUMNS * WIDE + 2 * PAD, ROWS * HIGH + 2 * PAD, PLAIN),
    ('<title>%s</title>\n<rect width="100%%" height="100%%" rx="8" fill="%s"/>\n<style>\n'):format(
      escaped(COMMAND),
      PAGE
    ),
    -- Who shows no animation shows the last one.
    ("text{white-space:pre}g{visibility:hidden;animation:%.1fs step-end infinite}#f%d{visibility:visible}\n"):format(
      total,
      #frames
    ),
  }
  for index, frame in ipairs(frames) do
    local from = 100 * frame.at / total
    local to = frames[index + 1] and 100 * frames[index + 1].at / total or 100
    out[#out + 1] = ("#f%d{animation-name:k%d}@keyframes k%d{%s%.2f%%{visibility:visible}%s}\n"):format(
      index,
      index,
      index,
      from > 0 and "0%{visibility:hidden}" or "",
      from,
      to < 100 and ("%.2f%%{visibility:hidden}"):format(to) or ""
    )
  end
  out[#out + 1] = "</style>\n"
  for index, frame in ipairs(frames) do
    out[#out + 1] = ('<g id="f%d">\n%s</g>\n'):format(index, page_of(frame.bytes))
  end
  out[#out + 1] = "</svg>\n"
  return table.concat(out)
end

local function main()
  local box = require("codearts.build.sandbox").start { jobs = "examples/demo/jobs.lua" }
  local page = tmux.start(COLUMNS, ROWS)
  page:tmux "set-option -g status off"
  for name, value in pairs {
    CODEARTS_BUILD_ENDPOINT = box.endpoint,
    CODEARTS_BUILD_TOKEN = box.token,
    CODEARTS_BUILD_PROJECT = box.project_id,
    PATH = "bin:" .. os.getenv "PATH",
    TERM = "xterm-256color",
  } do
    page:type(("export %s=%s\n"):format(name, quote(value)))
  end
  page:type "cd .\nPS1='$ '; clear; echo go\n"
  page:expect "go"
  page:type "clear\n"
  page:expect "$ "
  page:type(COMMAND .. "\n")
  local frames, at, done = {}, 0
  repeat
    done = at > 60 or at > 1 and page:text():find "\n%$ *\n*$"
    local bytes = page:tmux "capture-pane -p -e"
    if not frames[1] or frames[#frames].bytes ~= bytes then
      frames[#frames + 1] = { bytes = bytes, at = at }
    end
    os.execute("sleep " .. FRAME)
    at = at + FRAME
  until done
  page:stop()
  box.stop()
  local file = assert(io.open("doc/picture.svg", "w"))
  file:write(svg(frames))
  file:close()
  print(("doc/picture.svg: %d pages in %.1f s"):format(#frames, at))
end

main()
