"""The scripts that make a shell ask us at each TAB, and where each shell looks for them.

The scripts hold no name of a command: they hand over what is typed, and the program of that moment answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deployster_cli.cli.completion import write
from deployster_cli.domain.kinds import user_folder
from deployster_cli.errors import DeploysterError, InvalidInput

MARK = "Made by: deployster completion"

_BASH = f"""\
# deployster: completion for bash 4.4 or later. {MARK} bash
# The line is handed over whole, as bash parts words at = and : as well.
_deployster() {{
    local kind value help
    COMPREPLY=()
    while IFS=$'\\t' read -r kind value help; do
        if [[ $kind == file ]]; then
            compopt -o default
        elif [[ $kind == plain ]]; then
            COMPREPLY+=("$value")
        fi
    done < <(_DEPLOYSTER_COMPLETE=bash "${{1/#\\~\\//$HOME/}}" "${{COMP_LINE:0:COMP_POINT}}" 2>/dev/null </dev/null)
}} 2>/dev/null
complete -o nosort -F _deployster deployster 2>/dev/null || complete -F _deployster deployster
"""

_ZSH = f"""\
#compdef deployster
# deployster: completion for zsh. {MARK} zsh
_deployster() {{
    local program=${{(Q)words[1]}} line tab=$'\\t'
    local -a fields described bare typed=("${{(@Q)words[2,CURRENT]}}")
    for line in "${{(@f)$(_DEPLOYSTER_COMPLETE=zsh ${{~program}} "${{typed[@]}}" 2>/dev/null </dev/null)}}"; do
        fields=("${{(@ps:$tab:)line}}")
        if [[ $fields[1] == file ]]; then
            _files
        elif [[ -n $fields[3] ]]; then
            described+=("${{fields[2]//:/\\\\:}}:$fields[3]")
        elif [[ -n $fields[2] ]]; then
            bare+=("$fields[2]")
        fi
    done
    (( $#described )) && _describe -V deployster described
    (( $#bare )) && compadd -V deployster-bare -a bare
    return 0
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _deployster "$@"
else
    compdef _deployster deployster
fi
"""

_FISH = f"""\
# deployster: completion for fish. {MARK} fish
function __deployster_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in (_DEPLOYSTER_COMPLETE=fish command $words[1] $words[2..-1] "$current" 2>/dev/null </dev/null)
        set -l fields (string split \\t -- $line)
        if test "$fields[1]" = file
            __fish_complete_path "$current"
        else if test "$fields[1]" = plain
            printf '%s\\t%s\\n' "$fields[2]" "$fields[3]"
        end
    end
end
complete --command deployster --no-files --keep-order --arguments '(__deployster_complete)'
"""


@dataclass(frozen=True, slots=True)
class Shell:
    """One shell: its script, the file that it is installed as (below an XDG folder), and what more the user does.

    ``{folder}`` and ``{file}`` stand in ``then`` for where it was put.
    """

    script: str
    variable: str
    fallback: str
    file: str
    then: str


SHELLS: Mapping[str, Shell] = {
    "bash": Shell(
        _BASH,
        "XDG_DATA_HOME",
        ".local/share",
        "bash-completion/completions/deployster",
        "New shells load it if the package bash-completion is installed; otherwise add to ~/.bashrc:\nsource {file}",
    ),
    "zsh": Shell(
        _ZSH,
        "XDG_DATA_HOME",
        ".local/share",
        "zsh/site-functions/_deployster",
        "Add to ~/.zshrc: fpath=({folder} $fpath); autoload -Uz compinit; compinit",
    ),
    "fish": Shell(
        _FISH,
        "XDG_CONFIG_HOME",
        ".config",
        "fish/completions/deployster.fish",
        "New fish shells load it.",
    ),
}


def place(shell: Shell, environ: Mapping[str, str]) -> Path:
    """Return the file that the shell looks for; InvalidInput without a home to put it in."""
    folder = user_folder(environ, shell.variable, shell.fallback)
    if not folder:
        raise InvalidInput(f"Nowhere to install it: neither {shell.variable} nor HOME names a folder.")
    return Path(folder) / shell.file


def install(shell: Shell, environ: Mapping[str, str]) -> str:
    """Put the script where its shell looks for it, and say what was done. A file that is not ours is left alone."""
    at = place(shell, environ)
    then = shell.then.format(folder=at.parent, file=at)
    try:
        there = at.read_text("utf-8", "replace") if at.exists() else ""
        if there == shell.script:
            return f"{at} is up to date. {then}"
        if there and MARK not in there:
            raise InvalidInput(f"{at} was not written by deployster, so it was left alone.", "Remove it first.")
        at.parent.mkdir(parents=True, exist_ok=True)
        write(at, shell.script, 0o644)
    except OSError as error:
        raise DeploysterError(f"{at} can't be written: {error.strerror}.") from error
    return f"Wrote {at}. {then}"
