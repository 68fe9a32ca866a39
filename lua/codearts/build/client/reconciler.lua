--- What the errors of a start get as `reconcile` where it has credentials or headers of its own.

local function copy(value)
  if type(value) ~= "table" then
    return value
  end
  local copied = {}
  for name, member in next, value do
    copied[name] = member
  end
  return copied
end

--- Asks as the start did. Its credentials are in no member of an error.
---@param client codearts.build.Client
---@param opts codearts.build.RunOptions of the start
---@return fun(err: codearts.build.Error, more?: table): table reconcile
return function(client, opts)
  local own = { auth = copy(rawget(opts, "auth")), headers = copy(rawget(opts, "headers")) }
  return function(err, more)
    return require "codearts.build.reconcile"(client, err, more, own)
  end
end
