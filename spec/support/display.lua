--- A screen that nobody sees, for programs that open windows.

local quote = require("spec.support.quote")

local M = {}

--- What shows that there can be one, as a shell command.
M.PROBE = "command -v Xvfb"

--- A command that runs a shell command with a screen of its own.
---@param command string
---@return string
function M.command(command)
  -- The server tells the number that was free; who reads it waits for that.
  return "sh -c "
    .. quote(
      "d=$(mktemp -d); mkfifo $d/number; "
        .. "Xvfb -displayfd 3 -nolisten tcp -screen 0 640x480x24 3>$d/number >/dev/null 2>&1 & "
        .. "server=$!; read number <$d/number; DISPLAY=:$number "
        .. command
        .. "; kill $server; wait $server; rm -r $d"
    )
end

return M
