"""fleetctl's own question about an unknown host key, answered for a person who has said yes to that very key.

fleetctl asks on stderr and reads its stdin, and writes the key into its file of known hosts itself.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from deployster_cli.engines.fleet.commands import Argv
from deployster_cli.engines.fleet.ssh.host_keys import HostKey
from deployster_cli.engines.process.call import Completed, tell

if TYPE_CHECKING:
    import pexpect

_QUESTION = r"authenticity of host '([^'\r\n]+)' can't.*?fingerprint is (\S+?)\.\s.*?\(yes/no\)\? "
_ADDED = r"Permanently added '([^'\r\n]+)'"
_NOT_ADDED = r"Failed to add the host to the list of known hosts \(([^\r\n]*)\)\."

_ADDED_IT, _COULD_NOT, _END = 1, 2, 3

# Lines and columns of the terminal that fleetctl sees: none of its lines is longer.
_WIDE = (24, 1000)


def accept(argv: Argv, key: HostKey, env: Mapping[str, str], limit: float) -> str:
    """Make the call, which must change nothing, and answer yes where it asks about ``key``: no to any other.

    Why fleetctl does not keep the key; empty where it does, or has asked no more. ``limit`` is seconds of silence.
    """
    import pexpect  # only where somebody is asked

    began = time.monotonic()
    child = pexpect.spawn(
        argv[0],
        list(argv[1:]),
        env=dict(env),
        timeout=limit,
        encoding="utf-8",
        codec_errors="replace",
        dimensions=_WIDE,
    )
    try:
        return _answer(child, key)
    except pexpect.TIMEOUT:
        return "fleetctl fell silent when it was asked to take it."
    finally:
        child.close(force=True)
        tell(Completed(tuple(argv), child.exitstatus, "", "", time.monotonic() - began))


def _answer(child: pexpect.spawn[str], key: HostKey) -> str:
    import pexpect

    while (met := child.expect([_QUESTION, _ADDED, _NOT_ADDED, pexpect.EOF])) < _END:
        found = child.match.groups() if isinstance(child.match, re.Match) else ()
        if met == _ADDED_IT:
            return ""
        if met == _COULD_NOT:
            return f"fleetctl can't write it to {found[0]}."
        if found[0] == key.host and found[1] != key.md5:
            child.sendline("no")
            return f"the machine has shown another one since, MD5 {found[1]}."
        child.sendline("yes" if found[0] == key.host else "no")
    return ""
