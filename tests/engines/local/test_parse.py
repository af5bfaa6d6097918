"""What systemctl of systemd 252 really printed, what our supervisors note, and what should never be taken for it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.engines.local import commands, parse
from deployster_cli.engines.local.parse import Shown, State
from deployster_cli.errors import OutputUnreadable

FIXTURES = Path(__file__).parents[2] / "fixtures" / "systemctl"
RECORDED = sorted(FIXTURES.glob("*.json"))
WHOLE = "Id=a-b@1.service\nActiveState=active\nSubState=running\n"
TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 2514 1 0 100 0 0 10 0
   1: 0100007F:1F41 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 2515 1 0 20 4 30 10 -1
"""


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_recorded_output_gives_the_states_beside_it(path: Path) -> None:
    case = json.loads(path.read_text())
    shown = parse.parse_show(case["out"])
    assert {name: dataclasses.asdict(one) for name, one in shown.items()} == case["expected"]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_recorded_output_is_what_our_argv_asked_for(path: Path) -> None:
    asked = tuple(json.loads(path.read_text())["argv"])
    assert asked == commands.show(asked[: asked.index("show")])


def test_nothing_shown_is_no_unit() -> None:
    assert parse.parse_show("") == {}


def test_a_unit_shown_twice_counts_once() -> None:
    assert len(parse.parse_show(f"{WHOLE}\n{WHOLE}")) == 1


def test_half_a_line_is_quoted_not_dropped() -> None:
    with pytest.raises(OutputUnreadable, match="'SubSta'"):
        parse.parse_show("Id=a-b@1.service\nActiveState=active\nSubSta")


def test_half_a_block_is_quoted_not_dropped() -> None:
    with pytest.raises(OutputUnreadable, match=r"without SubState: 'Id=a-b@1.service ActiveState=active'"):
        parse.parse_show("Id=a-b@1.service\nActiveState=active\n")


def test_a_count_that_is_no_number_is_quoted() -> None:
    with pytest.raises(OutputUnreadable, match="NRestarts=many"):
        parse.parse_show(f"{WHOLE}NRestarts=many\n")


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse.parse_show(text)
    except OutputUnreadable:
        return
    assert all(isinstance(one, Shown) for one in found.values())


@pytest.mark.parametrize("active", ["inactive", "failed", "unknown"])
def test_a_dead_unit_holds_nothing(active: str) -> None:
    assert not Shown("a-b@1.service", "loaded", active, "dead").up


def test_a_failed_start_whose_process_runs_on_still_holds_it() -> None:
    assert Shown("a-b@1.service", "loaded", "failed", "failed", main_pid=7).up


NOTED = State("active", "running", "ab" * 16, "a-boot", 2, 4711, (1, 0), "success", 17)


def test_a_note_is_read_back_as_it_was_written() -> None:
    assert parse.parse_state(NOTED.text) == NOTED


def test_every_note_is_as_long_as_any_other() -> None:
    assert len(State("active", "running", "", "").text) == len(NOTED.text)


@pytest.mark.parametrize("missing", ["ActiveState", "SubState", "InvocationID", "BootID"])
def test_half_a_note_is_refused(missing: str) -> None:
    with pytest.raises(OutputUnreadable, match=f"has no {missing}"):
        parse.parse_state("".join(line for line in NOTED.text.splitlines(True) if not line.startswith(missing)))


def test_a_note_may_leave_out_what_is_not_known() -> None:
    noted = parse.parse_state("ActiveState=failed\nSubState=failed\nInvocationID=\nBootID=\n")
    assert (noted.over, noted) == (True, State("failed", "failed", run="", boot="", result="", pid=0))


@given(st.text(min_size=1))
def test_any_note_is_read_or_refused(text: str) -> None:
    try:
        found = parse.parse_state(text)
    except OutputUnreadable:
        return
    assert found.active in text


def test_only_listening_ports_count() -> None:
    assert parse.parse_listening(TCP) == {8000}


@pytest.mark.parametrize("line", ["", "   0: 0100007F:1F40", "0: x:zz y 0A"])
def test_a_broken_line_of_the_kernels_is_refused(line: str) -> None:
    with pytest.raises(OutputUnreadable, match="/proc/net/tcp"):
        parse.parse_listening(f"  sl  local_address\n{line}\n")


@given(st.text())
def test_any_table_of_ports_is_read_or_refused(text: str) -> None:
    try:
        found = parse.parse_listening(text)
    except OutputUnreadable:
        return
    assert all(port >= 0 for port in found)
