"""What is done on a machine, as the text of a POSIX shell script. Pure.

A script runs as root, or as the login where the units are its own. It prints what it found in parts, each headed by a
line with a word that nobody can foresee (``token``), and last that word with its exit code: without it nobody knows
what became of the script. One shell runs a script after another; it reads each to its closing parenthesis before it
begins, so half of one does nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping

from deployster_cli.domain.units import asking
from deployster_cli.domain.units.asking import journal_flags
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.engines.local.commands import PATTERN, PROPERTIES

# Exit code of ``start`` where a unit of that name was destroyed and has not stopped yet.
LEAVING = 3

# Exit code of ``start`` where a name is taken by other content.
DIFFERS = 4

# Exit code of ``start`` where what the login runs is ended with its last session.
ENDED_WITH_LOGIN = 7

# Exit code where a unit's file is not there.
MISSING = 6

_SYSTEM = """\
F=/etc/systemd/system
W=$F/multi-user.target.wants
S=/var/lib/deployster
M=--system
"""
_USER = """\
XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
export XDG_RUNTIME_DIR
F=${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user
W=$F/default.target.wants
S=${XDG_STATE_HOME:-$HOME/.local/state}/deployster
M=--user
"""
_HEAD = """\
LC_ALL=C SYSTEMD_COLORS=0
export LC_ALL SYSTEMD_COLORS
umask 077
sc() { systemctl "$M" --no-ask-password --no-pager "$@"; }
part() { printf '\\n%s %s\\n' "$T" "$1"; }
"""


def script(body: str, token: str, *, user: bool, marked: bool = True) -> str:
    """Return the whole script: ``body`` with what every script knows, and the end marks on both streams.

    Where nobody listens any more it goes on to its end, and clears up behind itself; but for one without marks.
    """
    deaf = "trap '' PIPE\n" if marked else ""
    mark = f"printf '\\n%s %d\\n' {token} \"$?\"; printf '\\n%s\\n' {token} >&2" if marked else ":"
    return f"(\n{deaf}T={token}\n{_USER if user else _SYSTEM}{_HEAD}{body}\n) </dev/null\n{mark}\n"


# All that a listing tells: the machine, the states of its units, their files' marks, hashes and stamps, and the notes
# (locks and what is kept of services). The states come first, so that a unit which is put in between is not strange.
LIST = f"""\
part machine
read -r n </etc/machine-id && printf '%s\\n' "$n"
part folder
printf '%s\\n' "$F"
part states
sc show --all {" ".join(f"-p {name}" for name in PROPERTIES)} '{PATTERN}' || exit
part units
set --
if cd "$F" 2>/dev/null; then
  for n in {PATTERN}; do
    case $n in -*|*[!A-Za-z0-9_.@:\\\\-]*) continue ;; esac
    [ -f "$n" ] && [ ! -L "$n" ] || continue
    set -- "$@" "$n"
    m=kept
    [ -L "$W/$n" ] && m=wanted
    [ -e ".$n.leaving" ] && m=leaving
    printf '%s %s\\n' "$m" "$n"
  done
fi
if [ $# -gt 0 ]; then
  part hashes
  sha1sum -- "$@"
  case $? in
    0) ;;
    1) for n in "$@"; do [ -e "$n" ] || {{ n=; break; }}; done; [ -z "$n" ] || exit 1 ;;
    *) exit 1 ;;
  esac
  awk -v T="$T" 'BEGIN {{
    for (i = 1; i < ARGC; i++) {{
      print "\\n" T " stamp\\n" ARGV[i]
      on = 0
      while ((getline line < ARGV[i]) > 0) {{
        if (line ~ /^\\[/) on = line == "[X-Fleet]" || line == "[X-Deployster]"
        if (on) print line
      }}
      close(ARGV[i])
    }}
  }}' "$@" || exit
fi
set --
if cd "$S" 2>/dev/null; then
  for n in locks/*.lock notes/*; do [ -f "$n" ] && set -- "$@" "$n"; done
fi
[ $# -eq 0 ] || awk -v T="$T" 'BEGIN {{
  for (i = 1; i < ARGC; i++) {{
    print "\\n" T " note\\n" ARGV[i]
    while ((getline line < ARGV[i]) > 0) print line
    close(ARGV[i])
  }}
}}' "$@"
"""


def start(files: Iterable[UnitFile]) -> str:
    """Put unit files in and start them: all of them or, where one can't be, none."""
    files = tuple(files)
    taken = "\n".join(
        f'if [ -e "$F/"{_q(file.name)} ]; then case $(sha1sum <"$F/"{_q(file.name)}) in {file.hash}*) ;; '
        f"*) printf '%s\\n' {_q(file.name)}; exit {DIFFERS} ;; esac; "
        f'else printf %s {shlex.quote(file.text)} >"$D/"{_q(file.name)} || exit; fi'
        for file in files
    )
    return f"""\
[ "$M" = --system ] || [ -e "/var/lib/systemd/linger/$(id -un)" ] || {{ id -un; exit {ENDED_WITH_LOGIN}; }}
{_refuse_leaving([file.name for file in files])}
mkdir -p -- "$F" || exit
D=$F/.deployster.$T.draft
trap 'rm -rf -- "$D"' EXIT
mkdir -- "$D" || exit
{taken}
set -- "$D"/*
if [ -e "$1" ]; then
  sync -- "$@" 2>/dev/null
  ln -- "$@" "$F/" || exit
fi
{_launch([file.name for file in files], reload=not all(map(_goes_on, files)))}"""


def resume(names: Collection[UnitName]) -> str:
    """Start units again whose files are there."""
    missing = f'[ -f "$F/$n" ] || {{ printf \'%s\\n\' "$n"; exit {MISSING}; }}'
    return f"""\
{_refuse_leaving(names)}
for n in {_words(names)}; do {missing}; done
{_launch(names)}"""


def stop(names: Collection[UnitName]) -> str:
    """Ask units to stop. One that runs on though its file is gone is stopped too; others' are not."""
    return f"""\
set --
for n in {_words(names)}; do
  rm -f -- "$W/$n"
  set -- "$@" "$n"
done
sc stop --no-block -- "$@"
[ $? -eq 0 ] || [ $? -eq 5 ]
"""


def destroy(names: Collection[UnitName]) -> str:
    """Stop units and mark them as destroyed; those that hold nothing any more are removed at once, their files last.

    systemd drops what is left of a running ExecStop list when the file vanishes under it.
    """
    return f"""\
set -f
set --
for n in {_words(names)}; do
  [ -e "$F/$n" ] || continue
  rm -f -- "$W/$n"
  : >"$F/.$n.leaving" || exit
  set -- "$@" "$n"
done
[ $# -gt 0 ] || exit 0
sc stop --no-block -- "$@" || [ $? -eq 5 ] || exit 1
over=$({{ sc show -p Id -p ActiveState -p Job -- "$@"; echo; }} | while IFS='=' read -r k v; do
  case $k in
    Id) id=$v ;;
    ActiveState) state=$v ;;
    Job) job=$v ;;
    '') case $state:${{job:-0}} in inactive:0|failed:0) printf '%s\\n' "$id" ;; esac; state= job= ;;
  esac
done)
set --
for n in $over; do set -- "$@" "$F/$n"; done
[ $# -gt 0 ] || exit 0
rm -f -- "$@" || exit
for n in $over; do set -- "$@" "$F/.$n.leaving"; done
rm -f -- "$@"
sc reset-failed -- $over 2>/dev/null
:
"""


def contents(names: Collection[UnitName]) -> str:
    """Return the unit files whole, each as a part of its own; without those that are not there."""
    return f"""\
cd "$F" 2>/dev/null || exit 0
for n in {_words(names)}; do
  [ -f "$n" ] || continue
  part file
  printf '%s\\n' "$n"
  cat -- "$n"
done
"""


def journal(name: UnitName, lines: int, *, user: bool) -> str:
    """Return the unit's last journal lines for a person, since its file was put in: another one may have had its name
    before. Exit 1 is an empty journal.
    """
    return f"""\
s=$(stat -c @%Y -- "$F/"{_q(name)} 2>/dev/null)
journalctl --no-pager {_of(name, user=user)} ${{s:+"--since=$s"}} --lines={lines} || [ $? -eq 1 ]
"""


def entries(name: UnitName, lines: int | None, *, user: bool, follow: bool, after: str) -> str:
    """Return the unit's journal entries, in journald's export format, without an end mark: it takes the
    shell's place.
    """
    flags = shlex.join(journal_flags(lines, follow=follow, after=after))
    synced = "" if follow or user or not (after or lines is None) else "journalctl --sync </dev/null\n"
    return f"{synced}exec journalctl --no-pager {_of(name, user=user)} {flags} </dev/null\n"


def ended(name: UnitName) -> str:
    """How a unit's main process ended."""
    return f"sc show {' '.join(f'-p {each}' for each in asking.EXIT_PROPERTIES)} -- {_q(name)}\n"


# Seconds to wait for another script that is at a lock's note, which takes it milliseconds.
_ALONE_WITHIN = 5

# How many locks of a service that are nobody's any more a machine keeps the tokens of, 17 bytes each: one that was away
# for so many changes may bring an old lock back, which keeps others waiting until it counts as abandoned.
_ENDED = 500

# What the machine listens on, IPv4 and then IPv6.
LISTENING = "cat /proc/net/tcp; part six; cat /proc/net/tcp6 2>/dev/null; :\n"


def write_notes(notes: Mapping[str, str]) -> str:
    """Put notes in place of those that may be there, each whole or not at all. Path below the state folder → text."""
    lines = "\n".join(
        f'printf %s {shlex.quote(text)} >"$D" && mv -f -- "$D" "$S/"{shlex.quote(path)} || exit'
        for path, text in notes.items()
    )
    return f"{_notes_folders()}\nD=$S/.$T.draft\ntrap 'rm -f -- \"$D\"' EXIT\n{lines}\n"


def drop_lock(path: str) -> str:
    """Remove a lock's note, whosever it is. One that is not there is fine."""
    return f"{_alone(path)}rm -f -- {_below(path)}\n"


def end_lock(path: str, ended: str, token: str) -> str:
    """Note in ``ended`` that the lock of this token is nobody's any more, and remove its note if it is there."""
    file = _below(ended)
    return f"""\
{_alone(path)}D=$S/.$T.draft
trap 'rm -f -- "$D"' EXIT
{{ tail -n {_ENDED - 1} -- {file} 2>/dev/null; printf '%s\\n' {shlex.quote(token)}; }} >"$D" &&
mv -f -- "$D" {file} || exit
{_removal(path, [token])}"""


def read_notes(paths: Iterable[str]) -> str:
    """Return the notes, each as a part of its own."""
    return f"""\
cd "$S" 2>/dev/null || exit 0
for n in {" ".join(map(shlex.quote, paths))}; do
  [ -f "$n" ] || continue
  part note
  printf '%s\\n' "$n"
  cat -- "$n"
done
"""


def claim(path: str, text: str, ended: str, over: Collection[str]) -> str:
    """Put a note in where there is none (two that try at once: one of them does), or one of the tokens ``over``, and
    print the one that is there, and ``ended``. Drafts are swept away that scripts of over a day ago have left.
    """
    file = _below(path)
    return f"""\
{_alone(path)}for n in "$S"/.*.draft "$F"/.deployster.*.draft; do
  [ ! -e "$n" ] || find "$n" -maxdepth 0 -mtime +0 -exec rm -rf -- {{}} + 2>/dev/null
done
D=$S/.$T.draft
trap 'rm -f -- "$D"' EXIT
printf %s {shlex.quote(text)} >"$D" || exit
{_removal(path, over)}ln -- "$D" {file} 2>/dev/null || [ -e {file} ] || exit
{read_notes([path, ended])}"""


def _removal(path: str, tokens: Collection[str]) -> str:
    file, lines = _below(path), " ".join(f"-e {shlex.quote(f'Token={token}')}" for token in tokens)
    return f"! grep -qxF {lines} -- {file} 2>/dev/null || rm -f -- {file}\n" if tokens else ""


def _alone(path: str) -> str:
    """From here on no other script looks at this lock's note and changes it: to do both is not one step else."""
    file = _below(f"{path}.alone")
    return f"""\
{_notes_folders()}
exec 9>{file} || exit
flock -w {_ALONE_WITHIN} 9
case $? in
  0) ;;
  1) echo "Another run has held "{file}" for {_ALONE_WITHIN} s." >&2; exit 1 ;;
  *) exit 1 ;;
esac
"""


def _below(path: str) -> str:
    return f'"$S/"{shlex.quote(path)}'


def _notes_folders() -> str:
    return 'mkdir -p -- "$S/locks" "$S/notes" || exit'


def _refuse_leaving(names: Collection[UnitName]) -> str:
    refusal = f"{{ printf '%s\\n' \"$n\"; exit {LEAVING}; }}"
    return f'for n in {_words(names)}; do [ ! -e "$F/.$n.leaving" ] || {refusal}; done'


def _goes_on(file: UnitFile) -> bool:
    """Whether it is started again however it ends."""
    return file.last("Service", "Restart") == "always"


def _launch(names: Collection[UnitName], *, reload: bool = False) -> str:
    """Have them started now and at every boot. systemd finds a file with a new name by itself; one that it knows is
    read anew only where it was changed, or (``reload``) where systemd is to know that it is wanted: else it forgets at
    once how one ended that ended well.
    """
    words = _words(names)
    known = "*" if reload else "*NeedDaemonReload=yes*|*LoadState=not-found*"
    return f"""\
mkdir -p -- "$W" || exit
set --
for n in {words}; do set -- "$@" "../$n"; done
ln -sf -- "$@" "$W/" || exit
case $(sc show -p LoadState -p NeedDaemonReload -- {words}) in
  {known}) sc daemon-reload || exit ;;
esac
sc start --no-block -- {words}
"""


def _of(name: UnitName, *, user: bool) -> str:
    return f"{'--user-unit' if user else '--unit'}={_q(name)}"


def _words(names: Collection[UnitName]) -> str:
    return " ".join(map(_q, names))


def _q(name: UnitName) -> str:
    return shlex.quote(name.text)
