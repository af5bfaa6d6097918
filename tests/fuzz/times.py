"""Spans of time, and words for a person: what is taken is a number of ours, what is shown stays on its line."""

from __future__ import annotations

import math
import re

from deployster_cli.domain.durations import LONGEST, format_duration, parse_duration, parse_span
from deployster_cli.errors import InvalidInput, OutputUnreadable
from deployster_cli.operations.probe import probe
from deployster_cli.views.text import ago, for_terminal
from tests.fuzz.target import Target, read


def durations(data: bytes) -> bool:
    """An option's, and a unit file's."""
    text = data.decode(errors="surrogateescape")
    span = parse_span(text)
    assert span is None or span >= 0
    assert (span == math.inf) <= ("infinity" in text or len(text) > len("9" * 300))
    seconds = read(lambda: parse_duration(text), InvalidInput)
    if seconds is None:
        return False
    assert 0 <= seconds <= LONGEST
    assert format_duration(seconds)
    if re.fullmatch(r"(?:[0-9.]+[hms]?)+", text):
        units = {"h": 3600, "m": 60, "s": 1, "": 1}
        found = re.findall(r"([0-9.]+)([hms]?)", text)
        assert math.isclose(seconds, sum(float(number) * units[unit] for number, unit in found))
    return True


def shown(data: bytes) -> bool:
    """Somebody else's words, on our terminal; how long ago a deploy was; what a machine says of its clock."""
    text = data.decode(errors="surrogateescape")
    plain = for_terminal(text, color=False)
    assert all(char.isprintable() or char == "\t" for char in plain)
    coloured = re.sub(r"\x1b\[[0-9;]*m", "", for_terminal(text, color=True))
    assert all(char.isprintable() or char == "\t" for char in coloured)
    assert ago(text, 1_767_323_045.0) or not text
    said = data.decode(errors="replace")
    answer = read(
        lambda: probe(lambda _: said, ("docker", "/usr/bin/docker"), lambda: 1_767_323_045.0), OutputUnreadable
    )
    if answer is None:
        return False
    assert set(answer.dockers) == {"docker", "/usr/bin/docker"}
    assert math.isfinite(answer.skew)
    return True


DURATIONS = Target(
    durations,
    (b"90s", b"5m", b"1h30m", b"2.5s", b"45", b"1h2m3s"),
    (
        b"h",
        b"m",
        b"s",
        b"1min 30s",
        b"infinity",
        b" ",
        b"9" * 400,
        b"1_0",
        b"+",
        b"\xd9\xa1",
        b"1e9",
        b"nan",
        b".",
        b"weeks",
        b"M",
        b"\xb5s",
    ),
)
SHOWN = Target(
    shown,
    (b"1767323045\ndocker 0 24.0.5\ndocker 127 not found\n", b"1767323045\n"),
    (
        *(
            b"\x1b[31m",
            b"\x1b]0;title\x07",
            b"\r",
            b"\x85",
            b"\xe2\x80\xa8",
            b"2026-01-02T03:04:05Z",
            b"0001-01-01T00:00:00+23:59",
        ),
        *(b"9999-12-31T23:59:59-23:59", b"docker 0 ", b"docker 127 ", b"\n", b"9" * 30, b"\xff"),
    ),
)
