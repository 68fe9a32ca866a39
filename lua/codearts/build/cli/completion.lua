--- codearts-build completion: a script for the shell, made from the same arguments that the command reads.
local arguments = require "codearts.build.cli.arguments"
local kinds = require "codearts.build.cli.kinds"
local output = require "codearts.build.cli.output"

local function run(values)
  local parser = arguments.parser()
  local generate =
    { bash = "get_bash_complete", zsh = "get_zsh_complete", fish = "get_fish_complete" }
  output.write(parser[generate[values.shell]](parser))
  return 0
end

return {
  summary = "Print the completion script for a shell.",
  examples = {
    'eval "$(codearts-build completion bash)"',
  },
  rows = {
    {
      name = "shell",
      word = "SHELL",
      help = "bash, zsh or fish.",
      kind = kinds.one_of("bash", "zsh", "fish"),
    },
  },
  run = run,
}
