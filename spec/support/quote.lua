--- A text as one word of a shell.
---@param text any
---@return string
return function(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end
