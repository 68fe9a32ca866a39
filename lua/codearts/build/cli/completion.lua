--- codearts-build completion: a script for the shell. It is thin: what may be completed tells the command itself, from the
-- same rows that it reads its arguments by (complete.lua).
local output = require "codearts.build.cli.output"

local SCRIPTS = {}

SCRIPTS.bash = [==[
# Completion of codearts-build for bash: source <(codearts-build completion bash)
# Sets "quoted": a text as it has to stand behind the quote $1, or behind none. Whoever makes a job chooses its name, and nothing
# in a name may be run.
_codearts_build_quote() {
    local at character
    if [[ -z $1 ]]; then
        printf -v quoted %q "$2"
        return
    fi
    quoted=
    for ((at = 0; at < ${#2}; at++)); do
        character=${2:at:1}
        case $1$character in
            \"[\"\\\$\`]) quoted+=\\$character ;;
            \"!) quoted+="\"'!'\"" ;;
            \'\') quoted+="'\\''" ;;
            *) quoted+=$character ;;
        esac
    done
    # Bash closes the quote by itself, unless the text seems to have done that.
    [[ $quoted != *"$1" ]] || quoted+=$1
}
_codearts_build() {
    local line quoted open= program=${COMP_WORDS[0]} typed=${COMP_WORDS[COMP_CWORD]-}
    program=${program/#\~\//${HOME-}/}
    COMPREPLY=()
    [[ $typed != [\'\"]* ]] || open=${typed:0:1}
    # What follows a quote in the middle of a word would have to be quoted for that.
    [[ ${typed#"$open"} != *[\'\"]* ]] || return 0
    while IFS= read -r line; do
        line=${line%%$'\t'*}
        if [[ $line == :files ]]; then
            compopt -o default 2>/dev/null
        else
            _codearts_build_quote "$open" "$line"
            COMPREPLY+=("$quoted")
        fi
    done < <("$program" --complete bash "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    return 0
}
complete -F _codearts_build codearts-build
]==]

SCRIPTS.zsh = [==[
#compdef codearts-build
# Completion of codearts-build for zsh: source <(codearts-build completion zsh), or as _codearts-build in $fpath
_codearts-build() {
    local line
    local -a lines described
    lines=("${(@f)$("${(Q)words[1]/#\~\//$HOME/}" --complete zsh "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ ${lines[1]-} == :files ]]; then
        _files
        return
    fi
    for line in "${lines[@]}"; do
        [[ -n $line ]] && described+=("${${${line%%$'\t'*}//\\/\\\\}//:/\\:}:${line#*$'\t'}")
    done
    (( $#described )) && _describe -t values codearts-build described
}
if [[ ${funcstack[1]-} == _codearts-build ]]; then
    _codearts-build "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i; }
    compdef _codearts-build codearts-build
fi
]==]

SCRIPTS.fish = [==[
# Completion of codearts-build for fish: codearts-build completion fish | source
function __codearts_build_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($words[1] --complete fish $words[2..-1] "$current" 2>/dev/null)
    if test "$found" = :files
        __fish_complete_path "$current"
    else
        printf '%s\n' $found
    end
end
complete -c codearts-build -f -a '(__codearts_build_complete)'
]==]

local function run(values)
  output.write(SCRIPTS[values.shell])
  return 0
end

return {
  summary = "Print the completion script for a shell.",
  examples = {
    "source <(codearts-build completion bash)",
    "source <(codearts-build completion zsh)",
    "codearts-build completion fish | source",
  },
  rows = {
    {
      name = "shell",
      word = "SHELL",
      help = "bash, zsh or fish.",
      values = { "bash", "zsh", "fish" },
    },
  },
  run = run,
  scripts = SCRIPTS,
}
