--- What the user has set: `vim.g.codearts = { project = …, maps = true, paths = { … } }`. All of it may be missing.
local core = require "codearts.build.core"
local reference = require "codearts.build.cli.reference"

local settings = {}

---@class codearts.build.nvim.Settings
---@field project? string whose jobs are called by their names: an id or an address in the console; default CODEARTS_BUILD_PROJECT
---@field maps boolean whether buffers of ours have maps of their own (default true)
---@field paths table<string, string> folders of the machine that builds -> folders here

local NAMES = { "project", "maps", "paths" }

-- Where a Neovim that is started here finds them.
local VARIABLE = "CODEARTS_NVIM_SETTINGS"

local function refuse(field, message)
  error(core.error { kind = "config", field = field, message = field .. " " .. message }, 0)
end

local function project_of(value, source)
  if value == nil or value == "" then
    return nil
  elseif type(value) ~= "string" then
    refuse(source, "must be the id of a project, not a " .. type(value))
  end
  local id, problem = reference.project(value)
  if not id then
    refuse(source, "is no project: " .. problem)
  end
  return id
end

local function check_names(given)
  for name in pairs(given) do
    local known = false
    for _, other in ipairs(NAMES) do
      known = known or name == other
    end
    if not known then
      local nearest = core.nearest(tostring(name), NAMES)
      refuse(
        "vim.g.codearts",
        ("has no %s; %s"):format(
          tostring(name),
          nearest and ("did you mean %s?"):format(nearest)
            or "it takes " .. table.concat(NAMES, ", ")
        )
      )
    end
  end
end

local function checked_paths(paths)
  local checked = {}
  if type(paths) ~= "table" then
    refuse("vim.g.codearts.paths", "must be a table: folder there = folder here")
  end
  for there, here in pairs(paths) do
    if type(there) ~= "string" or there == "" or type(here) ~= "string" then
      refuse("vim.g.codearts.paths", "must be a table of texts: folder there = folder here")
    end
    checked[there] = here:gsub("^~/", function()
      return vim.loop.os_homedir() .. "/"
    end)
  end
  return checked
end

--- The settings as they are now. Raises kind "config" for malformed ones.
---@return codearts.build.nvim.Settings
function settings.get()
  local given = vim.g.codearts
  if given == nil then
    given = {}
  elseif type(given) ~= "table" then
    refuse("vim.g.codearts", 'must be a table such as { project = "…" }, not a ' .. type(given))
  end
  check_names(given)
  local project = project_of(given.project, "vim.g.codearts.project")
    or project_of(os.getenv "CODEARTS_BUILD_PROJECT", "CODEARTS_BUILD_PROJECT")
  if given.maps ~= nil and type(given.maps) ~= "boolean" then
    refuse("vim.g.codearts.maps", "must be true or false")
  end
  return {
    project = project,
    maps = given.maps ~= false,
    paths = checked_paths(given.paths or {}),
  }
end

--- Leaves the settings as they are now to a Neovim that is started here, which looks at them as this one does.
function settings.hand_on()
  local ok, json = pcall(vim.json.encode, { given = vim.g.codearts })
  vim.env[VARIABLE] = ok and json or '{"given":"what is no JSON"}'
end

--- Takes what was left.
function settings.take()
  vim.g.codearts = vim.json.decode(vim.env[VARIABLE] or "{}").given
end

return settings
