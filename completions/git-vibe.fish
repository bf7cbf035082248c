# fish completion for `git-vibe` and `git vibe`: asks the program itself, which answers through argcomplete.
# Belongs into conf.d: fish reads completions of `git` from its own file only.

# __git_vibe_ask <number of words of the program> <program>... <words after it>...
function __git_vibe_ask
    set -l program $argv[2..(math $argv[1] + 1)]
    set -l words (string escape -- $argv[(math $argv[1] + 2)..]) (commandline -ct)
    set -lx _ARGCOMPLETE 1
    set -lx _ARGCOMPLETE_DFS \t
    set -lx _ARGCOMPLETE_IFS \n
    set -lx _ARGCOMPLETE_SUPPRESS_SPACE 1
    set -lx _ARGCOMPLETE_SHELL fish
    set -lx COMP_LINE "git-vibe $words"
    set -lx COMP_POINT (string length -- $COMP_LINE)
    set -lx COMP_TYPE
    $program 8>&1 9>&2 1>/dev/null 2>&1 </dev/null
end

function __git_vibe_after_program
    __git_vibe_ask 1 (commandline -opc)
end

function __git_vibe_after_git
    set -l words (commandline -opc)
    __git_vibe_ask (contains -i -- vibe $words) $words
end

complete -c git-vibe -f -a '(__git_vibe_after_program)'
complete -c git -f -n '__fish_git_using_command vibe' -a '(__git_vibe_after_git)'
