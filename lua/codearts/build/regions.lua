--- Where the service lives (API reference 5). The environment comes in as a function.
local ascii = require "codearts.build.ascii"
local regions_file = require "codearts.build.regions_file"
local M = {}

--- Regions in which CodeArts Build has a public endpoint.
M.known = {
  "cn-north-1",
  "cn-north-4",
  "cn-east-2",
  "cn-east-3",
  "cn-south-1",
  "cn-south-2",
  "cn-southwest-2",
  "ap-southeast-3",
  "sa-brazil-1",
  "la-north-2",
  "la-south-2",
  "tr-west-1",
}

-- Regions that have an IAM endpoint of their own and no CodeArts Build endpoint.
local IAM_ONLY = {
  "cn-north-2",
  "cn-north-9",
  "cn-north-12",
  "cn-east-4",
  "cn-east-5",
  "ap-southeast-1",
  "ap-southeast-2",
  "ap-southeast-4",
  "af-south-1",
  "na-mexico-1",
  "eu-west-0",
  "my-kualalumpur-1",
  "ru-moscow-1",
  "me-east-1",
  "ae-ad-1",
}

local function holds(list, value)
  for _, one in ipairs(list) do
    if one == value then
      return true
    end
  end
  return false
end

--- The environment variable that overrides a region's endpoint.
---@param region string
---@return string name
function M.override_name(region)
  return "HUAWEICLOUD_SDK_REGION_CODEARTSBUILD_" .. ascii.upper(region):gsub("-", "_")
end

--- The endpoint of a region: the official override, else the regions file, else the table. Raises kind
--- "config" for a regions file that is wrong.
---@param region string
---@param getenv fun(name: string): string?
---@return string? endpoint one, or several separated by commas; nil: the region is not known
---@return string? source what said so, where it was not the table
---@return string? warning why a regions file is not used
function M.endpoint(region, getenv)
  local override = getenv(M.override_name(region))
  if override and override ~= "" then
    return override, M.override_name(region)
  end
  local endpoint, source = regions_file.endpoint(region, getenv)
  if endpoint then
    return endpoint, source
  elseif holds(M.known, region) then
    endpoint = ("https://cloudbuild-ext.%s.myhuaweicloud.com"):format(region)
  end
  return endpoint, nil, source
end

--- The IAM endpoint: the official override, else the region's, else the global one.
---@param region string?
---@param getenv fun(name: string): string?
---@return string endpoint
function M.iam_endpoint(region, getenv)
  local override = getenv "HUAWEICLOUD_SDK_IAM_ENDPOINT"
  if override and override ~= "" then
    return override
  elseif region and (holds(M.known, region) or holds(IAM_ONLY, region)) then
    return ("https://iam.%s.myhuaweicloud.com"):format(region)
  end
  return "https://iam.myhuaweicloud.com"
end

return M
