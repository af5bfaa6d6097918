"""What systemctl of systemd 252 and systemctl3 1.7 really printed, and what never should be taken for it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.engines.systemctl import args, output
from deployster_cli.engines.systemctl.output import Record, Shown
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
    shown = output.parse_show(case["out"])
    assert {name: dataclasses.asdict(one) for name, one in shown.items()} == case["expected"]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_recorded_output_is_what_our_argv_asked_for(path: Path) -> None:
    asked = tuple(json.loads(path.read_text())["argv"])
    assert asked == args.show(asked[: asked.index("show")])


def test_nothing_shown_is_no_unit() -> None:
    assert output.parse_show("") == {}


def test_a_unit_shown_twice_counts_once() -> None:
    assert len(output.parse_show(f"{WHOLE}\n{WHOLE}")) == 1


def test_half_a_line_is_quoted_not_dropped() -> None:
    with pytest.raises(OutputUnreadable, match="'SubSta'"):
        output.parse_show("Id=a-b@1.service\nActiveState=active\nSubSta")


def test_half_a_block_is_quoted_not_dropped() -> None:
    with pytest.raises(OutputUnreadable, match=r"without SubState: 'Id=a-b@1.service ActiveState=active'"):
        output.parse_show("Id=a-b@1.service\nActiveState=active\n")


def test_a_count_that_is_no_number_is_quoted() -> None:
    with pytest.raises(OutputUnreadable, match="NRestarts=many"):
        output.parse_show(f"{WHOLE}NRestarts=many\n")


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = output.parse_show(text)
    except OutputUnreadable:
        return
    assert all(isinstance(one, Shown) for one in found.values())


@pytest.mark.parametrize("active", ["inactive", "failed", "unknown"])
def test_a_dead_unit_holds_nothing(active: str) -> None:
    assert not Shown("a-b@1.service", "loaded", active, "dead").up


def test_a_failed_start_whose_process_runs_on_still_holds_it() -> None:
    assert Shown("a-b@1.service", "loaded", "failed", "failed", main_pid=7).up


def test_a_job_file_is_read_back_as_it_was_written() -> None:
    record = Record("start", 4711, "failed", "ab" * 16)
    assert output.parse_record(record.text) == record


def test_a_job_under_way_has_no_result() -> None:
    record = output.parse_record(Record("stop", 4711, "", "").text)
    assert record is not None
    assert record.under_way


def test_every_record_is_as_long_as_any_other() -> None:
    assert len(Record("stop", 1, "", "").text) == len(Record("start", 4194304, "failed", "ab" * 16).text)


def test_an_empty_job_file_belongs_to_no_job() -> None:
    assert output.parse_record("") is None


@given(st.text(min_size=1))
def test_any_job_file_is_read_or_refused(text: str) -> None:
    try:
        found = output.parse_record(text)
    except OutputUnreadable:
        return
    assert found is None or found.text.split() == text.split()


def test_only_listening_ports_count() -> None:
    assert output.parse_listening(TCP) == {8000}


@pytest.mark.parametrize("line", ["", "   0: 0100007F:1F40", "0: x:zz y 0A"])
def test_a_broken_line_of_the_kernels_is_refused(line: str) -> None:
    with pytest.raises(OutputUnreadable, match="/proc/net/tcp"):
        output.parse_listening(f"  sl  local_address\n{line}\n")


@given(st.text())
def test_any_table_of_ports_is_read_or_refused(text: str) -> None:
    try:
        found = output.parse_listening(text)
    except OutputUnreadable:
        return
    assert all(port >= 0 for port in found)


def test_a_failing_command_after_the_start_is_named() -> None:
    log = "DEBUG:systemctl:pre-start done (OK) <->\nDEBUG:systemctl:post-start done (3) <->\n"
    assert output.failed_control(log, ("/bin/true",), ("/bin/gate",)) == "/bin/gate"


def test_a_killed_command_failed() -> None:
    assert output.failed_control("pre-start done (OK) <-9>", ("/bin/pull",), ()) == "/bin/pull"


def test_a_command_that_may_fail_may() -> None:
    assert output.failed_control("post-start done (3) <->", (), ("-/bin/gate",)) == ""


def test_a_failure_that_no_command_is_known_for_still_counts() -> None:
    assert output.failed_control("post-start done (3) <->", (), ()) == "post-start"


@pytest.mark.parametrize(
    ("log", "how"),
    [
        ("INFO:systemctl:simple stopped PID 7 (3) <->", "with exit code 3"),
        ("INFO:systemctl:simple stopped PID 7 (OK) <->", "with exit code 0"),
        ("INFO:systemctl:simple stopped PID 7 (OK) <-9>", "by signal 9"),
        ("INFO:systemctl:simple started PID 7", ""),
    ],
)
def test_how_a_process_ended_at_once_is_told(log: str, how: str) -> None:
    assert output.ended_at_once(log) == how


def test_a_line_that_tells_an_end_is_known() -> None:
    said = ["the unit's process ended at once, by signal 9", "the start took longer than 90 s", "/bin/gate failed"]
    assert [output.tells_an_end(line) for line in said] == [True, True, False]


@pytest.mark.parametrize(
    ("log", "code"),
    [
        ("oneshot start begun", None),
        ("oneshot start done (OK) <->", 0),
        ("oneshot start done (3) <->", 3),
        ("oneshot start done (OK) <-9>", 137),
        ("oneshot start done (OK) <->\noneshot start done (4) <->", 4),
    ],
)
def test_how_a_oneshot_ended_is_told(log: str, code: int | None) -> None:
    assert output.oneshot_ended(log) == code
