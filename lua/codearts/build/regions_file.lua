--- The official regions file (API reference 5): where the service lives in regions that no table
--- knows, or elsewhere than the table says. YAML is read by lyaml's parser, event by event, for only
--- those tell the place of what is wrong. Messages name file and line and repeat nothing of them.
local ascii = require "codearts.build.ascii"
local core = require "codearts.build.core"
local shown = require "codearts.build.shown"
local unicode = require "codearts.build.unicode"

local M = {}

local VARIABLE = "HUAWEICLOUD_SDK_REGIONS_FILE"
local SERVICE = "CODEARTSBUILD"
local MOST_NODES = 10000 -- with every alias written out: more is no list of regions
local DEEPEST = 32

-- What is wrong, thrown with its line.
local Fault = {}

local function fault(line, what)
  error(setmetatable({ line = line, what = what }, Fault), 0)
end

-- What YAML 1.1 lets a text hold.
local function is_printable(point)
  return point == 9
    or point >= 0x20 and point <= 0x7E
    or point == 0x85
    or point >= 0xA0 and point < 0xFFFE and point ~= 0xFEFF
    or point >= 0x10000
end

local function check_text(text)
  local number = 0
  text = text:gsub("^\239\187\191", "")
  for line in (text .. "\n"):gmatch "(.-)\r?\n" do
    number = number + 1
    if line:find "^ *\t" then
      fault(number, "a tab, where only blanks may indent")
    end
    local at = 1
    while at <= #line do
      local point, after = unicode.decode(line, at)
      if not point then
        fault(number, "not UTF-8")
      elseif not is_printable(point) and point ~= 13 then
        fault(number, point == 0 and "not UTF-8 text" or "a control character")
      end
      at = after
    end
  end
end

---@class codearts.build.YamlNode
---@field line integer
---@field size integer nodes in it, those of aliases included
---@field text? string of a scalar; nil with `null`
---@field items? codearts.build.YamlNode[] of a list
---@field members? table<string, codearts.build.YamlNode> of a map
---@field names? string[] of a map, in their order

local NULL = { [""] = true, ["~"] = true, null = true, Null = true, NULL = true }
local TAGS = {
  ["tag:yaml.org,2002:str"] = "SCALAR",
  ["tag:yaml.org,2002:seq"] = "SEQUENCE_START",
  ["tag:yaml.org,2002:map"] = "MAPPING_START",
}

local Reader = {}
Reader.__index = Reader

-- The next event. libyaml's own texts repeat nothing of the file.
function Reader:event()
  local ok, event = pcall(self.next)
  if not ok then
    local text = tostring(event)
    fault(tonumber(text:match "line: (%d+)") or 1, text:match "^(.-) at document" or "no YAML")
  end
  self.line = event.start_mark.line + 1
  return event
end

function Reader:count(node, more)
  node.size = node.size + more
  if node.size > MOST_NODES then
    fault(self.line, "too many nodes for a list of regions, aliases counted")
  end
end

function Reader:alias(event)
  local node = self.anchors[event.anchor]
  if not node or node.open then
    fault(self.line, node and "an alias inside of what it stands for" or "an alias of nothing")
  end
  return node
end

function Reader:list(node, depth)
  node.items = {}
  local event = self:event()
  while event.type ~= "SEQUENCE_END" do
    local item = self:node(event, depth)
    self:count(node, item.size)
    node.items[#node.items + 1] = item
    event = self:event()
  end
end

function Reader:map(node, depth)
  node.members, node.names = {}, {}
  local event = self:event()
  while event.type ~= "MAPPING_END" do
    local key = self:node(event, depth)
    if not key.text then
      fault(key.line, "a key that is no text")
    elseif node.members[key.text] then
      fault(self.line, "a key that was there before")
    elseif key.text == "<<" then
      fault(self.line, "a merge (<<), which is not read here: write the keys out")
    end
    local value = self:node(self:event(), depth)
    self:count(node, 1 + value.size)
    node.members[key.text] = value
    node.names[#node.names + 1] = key.text
    event = self:event()
  end
end

function Reader:node(event, depth)
  if event.type == "ALIAS" then
    return self:alias(event)
  elseif depth > DEEPEST then
    fault(self.line, "nested too deeply")
  elseif event.tag and TAGS[event.tag] ~= event.type then
    fault(self.line, "a tag that is not read here")
  end
  local node = { line = self.line, size = 1, open = true }
  if event.anchor then
    self.anchors[event.anchor] = node
  end
  if event.type == "SCALAR" then
    local null = event.style == "PLAIN" and not event.tag and NULL[event.value]
    node.text = not null and event.value or nil
  elseif event.type == "SEQUENCE_START" then
    self:list(node, depth + 1)
  else
    self:map(node, depth + 1)
  end
  node.open = nil
  return node
end

-- The one document of a text; nil: it is empty.
local function read_document(parser, text)
  check_text(text)
  local reader = setmetatable({ next = parser(text), anchors = {}, line = 1 }, Reader)
  reader:event() -- STREAM_START
  if reader:event().type == "STREAM_END" then
    return nil
  end
  local document = reader:node(reader:event(), 1)
  reader:event() -- DOCUMENT_END
  if reader:event().type ~= "STREAM_END" then
    fault(reader.line, "a second document")
  end
  return document
end

local function is_null(node)
  return not node or not (node.text or node.items or node.members)
end

-- A text that may be missing or empty: nil then.
local function optional_text(node, name)
  if is_null(node) or node.text == "" then
    return nil
  elseif not node.text then
    fault(node.line, name .. " must be a text")
  end
  return node.text
end

-- The list of our service, whichever way it is spelt.
local function entries_of(document)
  local list
  if is_null(document) then
    return {}
  elseif not document.members then
    fault(document.line, "the file must be a map from services to lists of regions")
  end
  for _, name in ipairs(document.names) do
    local value = document.members[name]
    if ascii.upper(name) == SERVICE then
      if list then
        fault(value.line, "the service CodeArtsBuild was there before")
      elseif not is_null(value) and not value.items then
        fault(value.line, "the service CodeArtsBuild must hold a list of regions")
      end
      list = value
    end
  end
  return list and list.items or {}
end

-- Id, endpoints and line of an entry. The order is the Python SDK's.
local function read_entry(entry)
  if not entry.members then
    fault(entry.line, "an entry must be a map with id and endpoint")
  end
  local members, endpoints = entry.members, {}
  local id = optional_text(members.id, "id")
  local list, line = members.endpoints, entry.line
  if not is_null(list) then
    if not list.items then
      fault(list.line, "endpoints must be a list")
    end
    for _, one in ipairs(list.items) do
      endpoints[#endpoints + 1] = optional_text(one, "each of endpoints")
    end
    line = list.line
  end
  local single = optional_text(members.endpoint, "endpoint")
  if single then
    endpoints[#endpoints + 1] = single
    line = #endpoints == 1 and members.endpoint.line or line
  end
  return id, endpoints, line
end

-- The last entry with that id counts, as for the official SDKs.
local function look_up(document, region)
  local found, place
  for _, entry in ipairs(entries_of(document)) do
    local id, endpoints, line = read_entry(entry)
    if id == region and #endpoints > 0 then
      found, place = table.concat(endpoints, ","), line
    end
  end
  return found, place
end

local function find_path(getenv)
  local path, home = getenv(VARIABLE), getenv "HOME"
  if path and path ~= "" then
    return path, true
  elseif home and home ~= "" then
    return home .. "/.huaweicloud/regions.yaml", false
  end
end

-- lyaml's parser; there are other modules of that name.
local function find_parser()
  local ok, yaml = pcall(require, "yaml")
  return ok and type(yaml) == "table" and type(yaml.parser) == "function" and yaml.parser
end

--- Looks a region up in the file, if there is one.
---
--- A file that was named and cannot be read, or that is no list of regions, raises kind "config" with
--- the place. What keeps a file from being used otherwise is answered as a warning.
---@param region string
---@param getenv fun(name: string): string?
---@return string? endpoint one, or several separated by commas
---@return string? source file and line; or, without an endpoint, a warning
function M.endpoint(region, getenv)
  local path, named = find_path(getenv)
  if not path then
    return nil
  end
  local function refuse(what)
    error(
      core.error {
        kind = "config",
        field = "region",
        message = ("regions file %s: %s"):format(named and shown.path(path) or path, what),
      },
      0
    )
  end
  local text, problem, missing = core.file.read(path)
  if not text and named then
    refuse(problem)
  elseif not text then
    return nil, not missing and ("regions file %s is not used: %s"):format(path, problem) or nil
  end
  local parser = find_parser()
  if not parser then
    return nil,
      ("regions file %s is not used: reading it needs lyaml (Debian package lua-yaml)"):format(path)
  end
  local ok, endpoint, line = pcall(function()
    return look_up(read_document(parser, text), region)
  end)
  if ok then
    return endpoint, endpoint and ("regions file %s, line %d"):format(path, line)
  elseif getmetatable(endpoint) == Fault then
    refuse(("line %d: %s"):format(endpoint.line, endpoint.what))
  end
  error(endpoint, 0)
end

return M
