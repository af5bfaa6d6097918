"""Guessing an instance's unit file from that of another one of its release, so that not each of them has to be read.

A guess proves nothing by itself. Its hash is held against the one that the engine lists: where they agree the guess is
the very content, stamp and all. Where they don't, the file is read.
"""

from __future__ import annotations

import re

from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile


def sibling(file: UnitFile, name: UnitName, port: int | None) -> str:
    """The text of the unit ``name`` with this port, had it been put in together with ``file``, of the same release."""
    stamp = file.stamp
    old = _words(file.name, stamp.port if stamp else None)
    new = _words(name, port)
    words = "|".join(map(re.escape, old))
    put = dict(zip(old, new, strict=False))
    return re.sub(rf"(?<![0-9])(?:{words})(?![0-9])", lambda found: put.get(found[0], ""), file.text)


def _words(name: UnitName, port: int | None) -> tuple[str, ...]:
    """What differs between two instances of a release: each word stands for the same one of the other."""
    number = f"nstance={name.instance}", f"NSTANCE={name.instance}"
    return (name.text, name.container, name.title, *number, *(() if port is None else (str(port),)))
