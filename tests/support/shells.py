"""What a shell offers when Tab is pressed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

COMPLETIONS = Path(__file__).parents[2] / "completions"
GIT_COMPLETION = Path("/usr/share/bash-completion/completions/git")

_BASH = """
source /usr/share/bash-completion/bash_completion 2>/dev/null
source {git}
source {ours}
COMP_LINE={line}; COMP_POINT=${{#COMP_LINE}}; COMP_TYPE=9
eval "COMP_WORDS=($COMP_LINE)"
[[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
function=$(complete -p "${{COMP_WORDS[0]}}" | sed 's/.*-F \\([^ ]*\\).*/\\1/')
"$function" "${{COMP_WORDS[0]}}" "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}" 2>/dev/null
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

_ZSHRC = """
PS1=
fpath=({ours} $fpath)
autoload -Uz compinit && compinit -u -d {scratch}/zcompdump
compadd () {{
  local -a out
  builtin compadd -O out "$@"
  (( $#out )) && print -rl -- $out >>{scratch}/offered
  builtin compadd "$@"
}}
finished () {{ : >{scratch}/finished }}
comppostfuncs=(finished)
: >{scratch}/ready
"""

_ZSH = """
zmodload zsh/zpty
wait_for () {{ repeat 200; do [[ -e {scratch}/$1 ]] && break; sleep 0.05; done }}
zpty z zsh -i
wait_for ready
zpty -w -n z {line}$'\\t'
wait_for finished
zpty -d z
"""


def offered_by_bash(line: str) -> list[str]:
    """Words that bash offers for `line`."""
    script = _BASH.format(git=GIT_COMPLETION, ours=COMPLETIONS / "git-vibe.bash", line=_quoted(line))
    return _words(_output(["bash", "--norc", "--noprofile", "-c", script]))


def offered_by_fish(line: str) -> list[str]:
    """Words that fish offers for `line`."""
    script = f"source {COMPLETIONS}/git-vibe.fish; complete -C {_quoted(line)}"
    rows = _output(["fish", "-c", script]).splitlines()
    return _words("\n".join(row.partition("\t")[0] for row in rows))


def offered_by_zsh(line: str, scratch: Path) -> list[str]:
    """Words that zsh offers for `line`; zsh completes on a terminal only, so it gets one of its own."""
    (scratch / ".zshrc").write_text(_ZSHRC.format(ours=COMPLETIONS, scratch=scratch))
    offered = scratch / "offered"
    _output(["zsh", "-f", "-c", _ZSH.format(scratch=scratch, line=_quoted(line))], ZDOTDIR=str(scratch))
    assert (scratch / "finished").exists(), "zsh did not complete"
    return _words(offered.read_text() if offered.exists() else "")


def _output(command: list[str], **environment: str) -> str:
    everything = {**os.environ, **environment}
    done = subprocess.run(
        command, env=everything, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60
    )
    return os.fsdecode(done.stdout)


def _words(text: str) -> list[str]:
    return sorted({word.strip() for word in text.splitlines() if word.strip()})


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
