"""The mechanism that runs the pages: a page that says something else than the program is noticed."""

from __future__ import annotations

import pytest

from tests.docs.transcript import Ran, Step, differs, script, steps, told

PAGE = """\
```sh
mkdir x
```

```console
$ one
out 5s
$ two
$ echo $?
1
```

<!-- not run: it takes a day -->
```console
$ three
```
"""


def test_a_page_is_its_blocks_in_their_order() -> None:
    assert [step.typed for step in steps(PAGE)] == ["mkdir x", "one", "two", "echo $?"]


def test_what_stands_between_two_blocks_that_are_not_run_is_run() -> None:
    assert len(steps(PAGE + PAGE)) == 2 * len(steps(PAGE))


def test_what_follows_a_command_is_what_it_shows() -> None:
    assert steps(PAGE)[1].shown == ("out 5s",)


def test_only_what_echo_asks_after_may_fail() -> None:
    assert [step.may_fail for step in steps(PAGE)] == [False, False, True, False]


def test_the_script_stops_where_a_step_fails() -> None:
    assert "exit" in script([Step("false")], "/x").splitlines()[-1]


@pytest.mark.parametrize(
    ("shown", "out", "err"),
    [
        (("Done. 5s",), "Done. 12s\n", ""),
        (("a  1",), "a      1\n", ""),
        (("a 20001", "b"), "a 30001\nb\n", "2026-01-01T00:00:00Z Starting\n"),
        (("Error: no.",), "", "2026-01-01T00:00:00Z Starting\nError: no.\n"),
        (("a", "…", "c"), "a\nb\nc\n", ""),
    ],
)
def test_the_same_but_for_times_and_ports_is_the_same(shown: tuple[str, ...], out: str, err: str) -> None:
    assert differs(Step("x", shown), Ran(0, out, err)) == ""


@pytest.mark.parametrize(
    ("shown", "ran"),
    [
        (("a",), Ran(0, "b\n", "")),
        (("a",), Ran(0, "a\nb\n", "")),
        (("b", "a"), Ran(0, "a\nb\n", "")),
        (("a", "Error: x."), Ran(0, "a\n", "")),
        (("…", "c"), Ran(0, "a\n", "")),
        ((), Ran(1, "", "")),
    ],
)
def test_anything_else_is_noticed(shown: tuple[str, ...], ran: Ran) -> None:
    assert differs(Step("x", shown), ran) != ""


def test_a_date_ahead_of_a_progress_line_is_no_part_of_it() -> None:
    assert (
        told("2026-01-01T00:00:00Z   hello v1 @1  ready on 127.0.0.1  5s") == "  hello v1 @1  ready on MACHINE  SECONDS"
    )
