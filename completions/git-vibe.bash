# bash completion for `git-vibe` and `git vibe`: asks the program itself, which answers through argcomplete.

# __git_vibe_reply <number of the program's word> <program>...
__git_vibe_reply () {
	local IFS=$'\013' number=$1
	shift
	COMPREPLY=($(IFS=$'\013' COMP_LINE=$COMP_LINE COMP_POINT=$COMP_POINT COMP_TYPE=$COMP_TYPE \
		_ARGCOMPLETE_COMP_WORDBREAKS=$COMP_WORDBREAKS _ARGCOMPLETE=$number _ARGCOMPLETE_SHELL=bash \
		_ARGCOMPLETE_SUPPRESS_SPACE=1 "$@" 8>&1 9>&2 >/dev/null 2>&1 </dev/null))
	compopt +o nospace 2>/dev/null
	if [[ ${COMPREPLY-} == *[=/:] ]]; then
		compopt -o nospace 2>/dev/null
	fi
}

_git_vibe_program () {
	__git_vibe_reply 1 git-vibe
}

# Called by git's own completion, whose variables tell where `vibe` stands and which -C options come before it.
_git_vibe () {
	__git_vibe_reply $((${__git_cmd_idx:-1} + 1)) git "${__git_C_args[@]}" vibe
}

complete -F _git_vibe_program git-vibe
