"""What scripts print, as values."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines.ssh import parse
from deployster_cli.engines.ssh.parse import Part
from deployster_cli.errors import OutputUnreadable

MARK = "0123456789abcdef"
STAMP = """\
[X-Fleet]
Conflicts=carousel-*@*.service
[X-Deployster]
Service=carousel
Version=9f-8
Instance=1
DeployedAt=2026-01-01T00:00:00Z
DeployedBy=me
Template=process
Port=20001
"""
NAME = r"carousel-9f\x2d8@1.service"
DIGEST = hashlib.sha1(b"whole", usedforsecurity=False).hexdigest()


def printed(*parts: tuple[str, str]) -> str:
    return "".join(f"\n{MARK} {kind}\n{text}" for kind, text in parts)


LISTING = (
    ("machine", "0123\n"),
    ("folder", "/etc/systemd/system\n"),
    ("states", "Id=x-1@1.service\nActiveState=active\nSubState=running\n"),
    ("units", f"wanted {NAME}\nleaving web-v1@2.service\nkept gone-v1@1.service\nwanted no-name.service\n"),
    ("hashes", f"\\{DIGEST}  {NAME.replace(chr(92), chr(92) * 2)}\n{DIGEST}  web-v1@2.service\n"),
    ("stamp", f"{NAME}\n{STAMP}"),
    ("note", "locks/web.lock\nsomething\n"),
)


def listing(*parts: tuple[str, str]) -> parse.Listed:
    return parse.listed(parse.parts(printed(*parts), MARK))


def test_a_listing_is_read() -> None:
    found = listing(*LISTING)
    assert (found.id, found.folder, found.notes) == ("0123", "/etc/systemd/system", {"locks/web.lock": "something\n"})
    assert found.shown["x-1@1.service"].up
    ours, other = found.held
    assert (ours.name, ours.wanted, ours.leaving) == (UnitName("carousel", "9f-8", 1), True, False)
    assert (ours.hash, ours.port, ours.foreign) == (DIGEST, 20001, False)
    assert (other.name.text, other.wanted, other.leaving, other.foreign) == ("web-v1@2.service", False, True, True)


def test_a_machine_without_units_has_none() -> None:
    found = listing(*LISTING[:3], ("units", ""))
    assert (found.held, found.notes) == ((), {})


@pytest.mark.parametrize("missing", ["machine", "folder", "states", "units"])
def test_half_a_listing_is_none(missing: str) -> None:
    with pytest.raises(OutputUnreadable, match=f"no {missing}"):
        listing(*(part for part in LISTING if part[0] != missing))


def test_what_a_machine_says_in_a_listings_place_is_quoted() -> None:
    with pytest.raises(OutputUnreadable, match=r"no machine: 'This account is locked\.'") as unreadable:
        parse.listed([Part("", "This account is locked."), Part("units", "")])
    assert unreadable.value.out == "This account is locked."


@pytest.mark.parametrize(
    ("out", "found"),
    [
        (f"said\n\n{MARK} 0\n", ("said\n", 0)),
        (f"\n{MARK} 17\n", ("", 17)),
        ("said\n", None),
        ("17\n", None),
        (f"\n{MARK} x\n", None),
        (f"\n{MARK} ²\n", None),
        (f"\n{MARK} \n", None),
    ],
)
def test_the_end_mark_tells_the_exit_code(out: str, found: tuple[str, int] | None) -> None:
    assert parse.ending(out, MARK) == found


@given(st.lists(st.tuples(st.sampled_from(["file", "note"]), st.text().filter(lambda text: MARK not in text))))
def test_parts_come_back_as_they_were_printed(parts: list[tuple[str, str]]) -> None:
    before, *found = parse.parts(printed(*parts), MARK)
    assert (before, found) == (Part("", ""), [Part(kind, text) for kind, text in parts])


def test_what_stood_before_the_parts_is_kept() -> None:
    assert parse.parts(f"said\n\n{MARK} file\na\nb\n", MARK) == [Part("", "said\n"), Part("file", "a\nb\n")]
    assert parse.named([Part("file", "a\nb\n"), Part("note", "c\nd")], "file") == {"a": "b\n"}


def test_what_a_machine_listens_on_is_read_of_both_tables() -> None:
    head = "  sl  local_address rem_address   st\n"
    four = f"{head}   0: 00000000:0016 00000000:0000 0A 0\n"
    six = f"{head}   0: {'0' * 32}:0050 {'0' * 32}:0000 0A 0\n"
    assert parse.listening([Part("", four), Part("six", six)]) == {22, 80}
    assert parse.listening([Part("", four), Part("six", "")]) == {22}


def test_a_script_is_over_when_both_streams_say_so() -> None:
    assert parse.is_ending(f"one\n\n{MARK} 0\n".encode(), f"two\n\n{MARK}\n".encode(), MARK)
    assert parse.said(f"two\n\n{MARK}\n", MARK) == "two\n"
    assert parse.said("cut off", MARK) == "cut off"


@pytest.mark.parametrize(
    ("out", "err"),
    [
        ("", f"\n{MARK}\n"),
        (f"\n{MARK} 0", f"\n{MARK}\n"),
        (f"\n{MARK} units\n", f"\n{MARK}\n"),
        (f"x{MARK} 0\n", f"\n{MARK}\n"),
        (f"\n{MARK} 0\n", ""),
        (f"\n{MARK} 0\n", f"{MARK}\n"),
    ],
)
def test_it_is_not_over_before(out: str, err: str) -> None:
    assert not parse.is_ending(out.encode(), err.encode(), MARK)
