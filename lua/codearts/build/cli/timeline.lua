--- A picture of a build in plain text: its steps as bars on one time scale, the longest one marked. Pure.
local ascii = require "codearts.build.ascii"
local duration = require "codearts.build.cli.duration"
local text = require "codearts.build.cli.text"
local verdict = require "codearts.build.lifecycle.verdict"

local NARROWEST_BAR = 10

local function printable(str, style)
  str = text.clean(str)
  return style.unicode and str or text.ascii(str)
end

--- How a step stands, and whether it ran, be it known when or not.
local function state_of(span)
  local state = verdict.of_step(span.status, true)
  return state, span.start ~= nil or state == "good" or state == "bad"
end

--- Index of the step that took longest, the one to look at when the build should be faster. Nil where it may be another one.
local function critical(spans)
  local longest, at = 0, nil
  for index, span in ipairs(spans) do
    local _, ran = state_of(span)
    if ran and not span.start then
      return nil
    elseif ran and span.stop - span.start > longest then
      longest, at = span.stop - span.start, index
    end
  end
  return at
end

local function bar(span, total, columns, style)
  local first = math.floor(span.start / total * columns)
  local length = math.floor(span.stop / total * columns + 0.5) - first
  length = math.max(1, math.min(length, columns - first))
  first = math.min(first, columns - length)
  local cell = style.unicode and "█" or "#"
  return (" "):rep(first) .. cell:rep(length) .. (" "):rep(columns - first - length)
end

--- Names as wide as the widest, but never more than a third of the page.
local function name_columns(spans, width, style)
  local widest = 4
  for _, span in ipairs(spans) do
    widest = math.max(widest, text.width(printable(span.name, style)))
  end
  return math.max(4, math.min(widest, math.floor(width / 3)))
end

---@class codearts.build.cli.Style
---@field unicode boolean block characters and names as they are, or ASCII only
---@field paint fun(colour: string, str: string): string colours "good", "bad", "dim", or leaves as it is

--- The lines of the picture.
---@param spans codearts.build.cli.Span[]
---@param width integer columns of the page
---@param style codearts.build.cli.Style
---@return string[]
local function timeline(spans, width, style)
  local total = 0
  for _, span in ipairs(spans) do
    total = math.max(total, span.stop or 0)
  end
  local marked = critical(spans)
  local names = name_columns(spans, width, style)
  local edge = style.unicode and "│" or "|"
  local signs = style.unicode and { good = "✓ ", bad = "✗ " } or { good = "+ ", bad = "x " }
  local bars = width - 2 - names - 2 - 2 - 8 - 1 -- sign, name, mark, edges, duration, and the last column free
  local lines = {}
  for index, span in ipairs(spans) do
    local state, ran = state_of(span)
    local bad = state == "bad"
    local colour = bad and "bad" or state == "rest" and "dim" or "good"
    local took = span.start and duration.format(span.stop - span.start) or ran and "?" or "not run"
    if ascii.lower(span.status) == "running" then
      took = "running"
    end
    local parts = {
      not ran and "  " or style.paint(colour, signs[colour] or "  "),
      text.pad(printable(span.name, style), names, style.unicode and "…" or "..."),
      index == marked and " *" or "  ",
    }
    if bars >= NARROWEST_BAR and total > 0 then
      local drawn = span.start and bar(span, total, bars, style) or (" "):rep(bars)
      parts[#parts + 1] = edge .. style.paint(colour, drawn) .. edge
    end
    parts[#parts + 1] = (" "):rep(8 - #took) .. style.paint(bad and "bad" or "dim", took)
    lines[index] = table.concat(parts)
  end
  return lines
end

return timeline
