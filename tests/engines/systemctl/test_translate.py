"""A unit's text as systemd means it (systemd.service(5), "Command lines"), said so that systemctl3 does the same."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.engines.systemctl import translate
from deployster_cli.errors import EngineError
from tests.engines.systemctl.units import unit


def lines(*service: str) -> list[str]:
    told = translate.overrides(unit("9f8-701", *service)).splitlines()
    return [line for line in told[1:] if not line.endswith("=")]


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
    assert [word for _, word in translate.words(given_)] == meant


@given(st.text())
def test_any_text_has_words(text: str) -> None:
    assert all(isinstance(word, str) for _, word in translate.words(text))


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("/bin/sh -c 'echo $$HOME'", "/bin/sh -c 'echo ${DEPLOYSTER_DOLLAR}HOME'"),
        ("/bin/sh -c 'echo $HOME'", "/bin/sh -c 'echo ${DEPLOYSTER_DOLLAR}HOME'"),
        ("/bin/sh -c 'echo ${PORT}'", "/bin/sh -c 'echo ${PORT}'"),
        (
            "/bin/sh -c 'echo $${PORT} $$$$'",
            "/bin/sh -c 'echo ${DEPLOYSTER_DOLLAR}{PORT} ${DEPLOYSTER_DOLLAR}${DEPLOYSTER_DOLLAR}'",
        ),
        ("/bin/echo ${PORT:-1}", "/bin/echo '${DEPLOYSTER_DOLLAR}{PORT:-1}'"),
        ("/bin/echo ${no-name} ${}", "/bin/echo '' ''"),
        ("/bin/echo ${PORT", "/bin/echo '${DEPLOYSTER_DOLLAR}{PORT'"),
        ("/bin/echo $$ $", "/bin/echo '${DEPLOYSTER_DOLLAR}'"),
        ("/bin/kill -HUP $MAINPID", "/bin/kill -HUP $MAINPID"),
        ("/bin/echo $NONE $(id) $A/b end", "/bin/echo end"),
        ("-/bin/echo 100%%", "-/bin/echo 100%%"),
        (":/bin/echo $ARGS ${PORT}", "/bin/echo '${DEPLOYSTER_DOLLAR}ARGS' '${DEPLOYSTER_DOLLAR}{PORT}'"),
        (r"/bin/printf 'a\nb'", "/bin/printf 'a${DEPLOYSTER_NEWLINE}b'"),
    ],
)
def test_a_command_is_told_so_that_systemctl3_runs_what_systemd_would(command: str, told: str) -> None:
    assert lines(f"ExecStart={command}") == [f"ExecStart={told}"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("one two", "one two"),
        (r"""q 'x y' "z w" a\ b""", "q 'x y' 'z w' 'a b'"),
        ("%i ${B}", "%%i '${DEPLOYSTER_DOLLAR}{B}'"),
        ("it's", "its"),
        ("", ""),
    ],
)
def test_a_variable_that_stands_alone_is_parted_and_then_left_as_it_is(value: str, told: str) -> None:
    text = translate.overrides(unit("9f8", 'ExecStop=/bin/echo "$A" .'), known={"A": value})
    assert f"ExecStop=/bin/echo {told} .".replace("  ", " ") in text.splitlines()


def test_a_lone_semicolon_parts_commands() -> None:
    assert lines("ExecStop=/bin/a ; /bin/b") == ["ExecStop=/bin/a", "ExecStop=/bin/b"]


def test_a_semicolon_in_quotes_is_a_word() -> None:
    assert lines("ExecStop=/bin/a ';'") == ["ExecStop=/bin/a ';'"]


def test_a_working_directory_stays_where_it_is() -> None:
    assert lines("WorkingDirectory=/srv/carousel") == ["WorkingDirectory=//srv/carousel"]


def test_an_optional_working_directory_stays_optional() -> None:
    assert lines("WorkingDirectory=-/srv/carousel") == ["WorkingDirectory=-//srv/carousel"]


def test_an_emptied_option_takes_back_what_came_before() -> None:
    assert lines("ExecStop=/bin/a", "ExecStop=", "ExecStop=/bin/b") == ["ExecStop=/bin/b"]


def test_an_option_can_be_left_out() -> None:
    assert "ExecStop=/bin/a" not in translate.overrides(unit("9f8", "ExecStop=/bin/a"), ("ExecStop",))


@given(st.text(st.characters(blacklist_categories=["Cs"])))
def test_no_command_can_add_a_line(text: str) -> None:
    [command] = translate._commands("/bin/echo '" + text.replace("\\", "\\\\").replace("'", "\\'") + "'", {})
    assert len(command.splitlines()) <= 1 + sum(char in "\v\f\x1c\x1d\x1e\x85\u2028\u2029" for char in text)


def variables(*service: str, **files: str) -> dict[str, str]:
    return translate.environment(unit("9f8-701", *service), {"HOME": "/home/ada"}, files.get)


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


def test_what_can_name_no_variable_is_left_out() -> None:
    assert variables("Environment=1A=x A-B=x A=1 word", "EnvironmentFile=f", f="export B=2\nC=3\n") == {
        "A": "1",
        "C": "3",
    }


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        (" A = b c \t", "b c"),
        ("A=", ""),
        ("A='b $c \\'", "b $c \\"),
        (r'A="b \"c\" \$d \n"', r'b "c" $d \n'),
        ("A='b'\"c\" d", "bcd"),
        ("A=b'c'", "b'c'"),
        (r"A=b\ \c\\", r"b c" + "\\"),
        ("A=b\\\nc", "bc"),
        ("A='b\nc'\n", "b\nc"),
        ("# \\\nA=no\n; A=no\nA=yes", "yes"),
        ("A=1\r\nB=2", "1"),
        ("A='open", "'open"),
    ],
)
def test_a_line_of_a_file_of_variables_is_read_as_systemd_does(line: str, value: str) -> None:
    assert variables("EnvironmentFile=f", f=line)["A"] == value


def test_a_file_of_variables_comes_after_those_in_the_unit() -> None:
    assert variables("Environment=A=1 B=1", "EnvironmentFile=f", f="# no\nexport\nB='2 3'\n") == {"A": "1", "B": "2 3"}


def test_a_file_of_variables_that_is_missing_is_an_error() -> None:
    with pytest.raises(EngineError, match=r"/etc/x\.env can't be read"):
        variables("EnvironmentFile=/etc/x.env")


def test_an_optional_file_of_variables_may_be_missing() -> None:
    assert variables("EnvironmentFile=-/etc/x.env") == {}


@pytest.mark.parametrize(
    ("span", "seconds"),
    [
        ("90", 90),
        ("1min 30s", 90),
        ("500ms", 0.5),
        ("0", math.inf),
        ("infinity", math.inf),
        ("", 7),
        ("soon", 7),
        ("2 weeks", 1209600),
        ("5x 3", 7),
    ],
)
def test_time_spans_are_read_as_systemd_does(span: str, seconds: float) -> None:
    assert translate.seconds(span, default=7) == seconds
