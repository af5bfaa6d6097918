"""A unit's text as systemd means it (systemd.service(5), "Command lines")."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.engines.local.supervisor import exec_lines
from deployster_cli.engines.local.supervisor.spec import End, Spec, signal_of
from tests.engines.local.units import unit


def spec(*service: str) -> Spec:
    return Spec(unit("9f8-701", *service), {"HOME": "/home/ada"})


@pytest.mark.parametrize(
    ("given_", "meant"),
    [
        ("/bin/echo a  b", ["/bin/echo", "a", "b"]),
        ("'a b' \"c d\"", ["a b", "c d"]),
        ('x"y z"w', ["xy zw"]),
        (r"'a\'b' \x41\t\s", ["a'b", "A\t "]),
        (r"\101 \u00e9 \U0001F600", ["A", "é", "😀"]),
        (r"\xc3\xa9 \303\251", ["é", "é"]),
        (r"\ud800 \U00110000 \xff", ["\ufffd", "\ufffd", "\ufffd"]),
        ("a\u00a0b\u3000c", ["a\u00a0b\u3000c"]),
        (r"\; ';'", [";", ";"]),
        (r"'\q'", [r"\q"]),
        ("''", [""]),
        ("", []),
        ("tail\\", ["tail\\"]),
    ],
)
def test_words_are_parted_and_unescaped_as_systemd_does(given_: str, meant: list[str]) -> None:
    assert [word for _, word in exec_lines.words(given_)] == meant


@given(st.text())
def test_any_text_has_words(text: str) -> None:
    assert all(isinstance(word, str) for _, word in exec_lines.words(text))


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        ("/bin/sh -c 'echo $$HOME'", ["/bin/sh", "-c", "echo $HOME"]),
        ("/bin/sh -c 'echo $HOME'", ["/bin/sh", "-c", "echo $HOME"]),
        ("/bin/sh -c 'echo ${PORT}'", ["/bin/sh", "-c", "echo 80"]),
        ("/bin/sh -c 'echo $${PORT} $$$$'", ["/bin/sh", "-c", "echo ${PORT} $$"]),
        ("/bin/echo ${PORT:-1}", ["/bin/echo", "${PORT:-1}"]),
        ("/bin/echo ${no-name} ${}", ["/bin/echo", "", ""]),
        ("/bin/echo ${PORT", ["/bin/echo", "${PORT"]),
        ("/bin/echo $$ $", ["/bin/echo", "$"]),
        ("/bin/echo $NONE $(id) $A/b end", ["/bin/echo", "end"]),
        ("-/bin/echo 100%%", ["/bin/echo", "100%"]),
        (":/bin/echo $ARGS ${PORT}", ["/bin/echo", "$ARGS", "${PORT}"]),
        ("@/bin/echo other word", ["other", "word"]),
        (r"/bin/printf 'a\nb'", ["/bin/printf", "a\nb"]),
        ("/bin/echo %n %i", ["/bin/echo", "carousel-9f8\\x2d701@1.service", "1"]),
    ],
)
def test_a_command_is_what_systemd_would_run(command: str, argv: list[str]) -> None:
    [found] = spec(f"ExecStart={command}").commands("ExecStart")
    assert found.words({"PORT": "80"}) == argv


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("one two", ["one", "two"]),
        (r"""q 'x y' "z w" a\ b""", ["q", "x y", "z w", "a b"]),
        ("%i ${B}", ["%i", "${B}"]),
        ("it's", ["its"]),
        ("", []),
    ],
)
def test_a_variable_that_stands_alone_is_parted_and_then_left_as_it_is(value: str, parts: list[str]) -> None:
    assert exec_lines.expanded("$A", {"A": value}) == parts


@pytest.mark.parametrize(
    ("lines", "programs"),
    [
        (["/bin/a ; -/bin/b"], [("/bin/a", ""), ("/bin/b", "-")]),
        (["/bin/a ';'"], [("/bin/a", "")]),
        (["/bin/a", "", "+/bin/b", "!!/bin/c"], [("/bin/b", "+"), ("/bin/c", "!!")]),
    ],
)
def test_an_options_commands(lines: list[str], programs: list[tuple[str, str]]) -> None:
    found = spec(*(f"ExecStop={line}" for line in lines)).commands("ExecStop")
    assert [(command.program, command.flags) for command in found] == programs


@pytest.mark.parametrize(
    ("service", "why"),
    [
        (["ExecStart=/bin/a"], ""),
        (["Type=oneshot", "ExecStart=/bin/a ; /bin/b"], ""),
        (["ExecStart=/bin/a ; /bin/b"], "only Type=oneshot may have more than one ExecStart"),
        (["ExecStop=/bin/a"], "the unit has no ExecStart, so there is nothing to run"),
        (
            ["Type=forking", "ExecStart=/bin/a"],
            "Type=forking needs systemd; without it Type is one of simple, exec, oneshot, idle",
        ),
    ],
)
def test_what_can_not_be_run_without_systemd_is_refused(service: list[str], why: str) -> None:
    assert spec(*service).refusal == why


@pytest.mark.parametrize(
    ("text", "number"),
    [("SIGTERM", 15), ("TERM", 15), ("9", 9), ("RTMIN+1", 35), ("SIGRTMIN+1", 35), ("NONE", None), ("", None)],
)
def test_a_signal_by_its_name(text: str, number: int | None) -> None:
    assert signal_of(text) == number


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (End(0), ""),
        (End(143), ""),
        (End(9, True), ""),
        (End(10, True), "signal"),
        (End(1), "exit-code"),
        (End(15), "exit-code"),
    ],
)
def test_which_ends_are_good_ones(end: End, why: str) -> None:
    given = spec("SuccessExitStatus=143 SIGKILL", "ExecStart=/bin/a")
    assert given.fails(end, given.commands("ExecStart")[0], main=True) == why


def variables(*service: str) -> dict[str, str]:
    return spec(*service).environment()


def test_variables_are_unescaped_and_dollars_stay() -> None:
    assert variables(r'Environment="A=one \"two\" $HOME" B=%%x') == {"A": 'one "two" $HOME', "B": "%x"}


def test_a_variable_may_hold_the_units_name() -> None:
    assert variables("Environment=ME=%n ID=%i HOME=%h") == {
        "ME": "carousel-9f8\\x2d701@1.service",
        "ID": "1",
        "HOME": "/home/ada",
    }


def test_a_variable_may_hold_parts_of_the_units_name_unescaped() -> None:
    assert variables("Environment=A=%P B=%J C=%j D=%p") == {
        "A": "carousel/9f8-701",
        "B": "9f8-701",
        "C": "9f8\\x2d701",
        "D": "carousel-9f8\\x2d701",
    }


@pytest.mark.parametrize(
    ("span", "seconds"),
    [
        ("90", 90),
        ("1min 30s", 90),
        ("500ms", 0.5),
        ("0", math.inf),
        ("infinity", math.inf),
        ("", 90),
        ("soon", 90),
        ("2 weeks", 1209600),
        ("5x 3", 90),
    ],
)
def test_time_spans_are_read_as_systemd_does(span: str, seconds: float) -> None:
    found = spec(*([f"TimeoutStopSec={span}"] if span else []))
    assert found.stop_limit == seconds
