--- codearts-build completion: a script for the shell, made from the same arguments that the command reads.
local arguments = require "codearts.build.cli.arguments"
local output = require "codearts.build.cli.output"

return function(values)
  local parser = arguments.parser()
  local generate =
    { bash = "get_bash_complete", zsh = "get_zsh_complete", fish = "get_fish_complete" }
  output.write(parser[generate[values.shell]](parser))
  return 0
end
