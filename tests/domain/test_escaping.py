"""A value is written as the place where it lands reads it back, or it is refused."""

from __future__ import annotations

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.templates.escaping import (
    Text,
    arg,
    env,
    exec_first,
    finished,
    fleet,
    joined,
    put,
    sh,
    unwritable,
)
from deployster_cli.errors import TemplateFault

writable = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])).filter(lambda text: not unwritable(text))


def read_by_systemd(written: str) -> str:
    """What one word of an Exec line means: quotes, backslashes, %% and $$ taken away, in this order."""
    if written.startswith('"'):
        written = re.sub(r"\\(.)", r"\1", written[1:-1])
    for doubled in "%$":
        assert doubled not in written.replace(doubled * 2, "")
        written = written.replace(doubled * 2, doubled)
    return written


@given(writable)
def test_an_argument_means_what_it_was(text: str) -> None:
    assert read_by_systemd(finished(arg(text))) == text


@given(writable)
def test_an_argument_is_one_word_to_a_shells_eye_too(text: str) -> None:
    assert len(shlex.split(finished(arg(text)))) == 1


def test_a_dollar_means_nothing_in_an_assignment() -> None:
    assert finished(env("A=$B")) == '"A=$B"'


@given(writable)
def test_an_assignment_is_one_word(text: str) -> None:
    assert shlex.split(finished(env("A=" + text)).replace("%%", "%")) == ["A=" + text]


@given(writable)
def test_a_word_in_a_script_means_what_it_was(text: str) -> None:
    assert shlex.split(read_by_systemd(finished(arg(Text(f"echo {sh(text)}"))))) == ["echo", text]


@given(writable.filter(lambda text: not text.endswith("\\")))
def test_a_plain_value_only_has_its_percent_signs_doubled(text: str) -> None:
    assert finished(put(text)) == text.replace("%", "%%")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("carousel", "carousel"),
        ("", '""'),
        ("a b", '"a b"'),
        ("100%", '"100%%"'),
        ("$HOME", '"$$HOME"'),
        ("$(id) $?", '"$$(id) $$?"'),
        ('it\'s \\ "x"', r'"it' + "'" + r's \\ \"x\""'),
    ],
)
def test_an_argument_is_written_as_plainly_as_it_can_be(text: str, written: str) -> None:
    assert finished(arg(text)) == written


@pytest.mark.parametrize(
    "character", ["\n", "\r", "\0", "\t", "\x1b", "\x85", "\u2028", "\u2029", "\ufffe", "\U0010ffff"]
)
@pytest.mark.parametrize("filtered", [put, arg, sh, env, fleet])
def test_nothing_that_ends_a_line_or_that_systemd_drops_is_written(character: str, filtered: object) -> None:
    assert callable(filtered)
    with pytest.raises(TemplateFault, match=r"line break or control character|can't stand in"):
        filtered(f"a{character}b")


def test_a_template_s_own_text_is_left_as_it_is() -> None:
    assert finished(put(joined(["%i ", put("50%")]))) == "%i 50%%"


def test_a_value_that_was_joined_to_a_filtered_one_is_still_a_value() -> None:
    assert finished(put("100% " + arg("$x"))) == '100%% "$$x"'


@pytest.mark.parametrize(("value", "written"), [(None, ""), (True, "true"), (False, "false"), (3000, "3000")])
def test_other_values_are_written_as_systemd_writes_them(value: object, written: str) -> None:
    assert finished(put(value)) == written


def test_a_list_is_refused() -> None:
    with pytest.raises(TemplateFault, match=r"^a tuple can't be put into a unit file whole: loop over it\.$"):
        put(("a", "b"))


def test_a_safe_value_may_stand_in_a_script_as_it_is() -> None:
    assert finished(arg(Text(f"echo {put('9f88701')}"))) == '"echo 9f88701"'


def test_an_unsafe_value_may_not() -> None:
    with pytest.raises(TemplateFault, match=r"^'a; b' stands in a script as it is: give it \|sh there\.$"):
        arg(Text(f"echo {put('a; b')}"))


def test_an_argument_may_not_stand_in_a_script() -> None:
    with pytest.raises(TemplateFault, match="was escaped already: inside a script use"):
        arg(Text(f"echo {arg('a b')}"))


def test_a_shell_word_may_stand_nowhere_but_in_a_script() -> None:
    with pytest.raises(TemplateFault, match=r"^'a b' was given \|sh outside of a script"):
        finished(put("x") + sh("a b"))


def test_a_backslash_may_not_end_a_plain_value() -> None:
    with pytest.raises(TemplateFault, match="ends with a backslash, which would join the next line to it"):
        finished(put("a\\"))


def test_a_value_that_was_cut_is_noticed() -> None:
    with pytest.raises(TemplateFault, match="cuts a value apart"):
        finished(put("abc")[:3])


@pytest.mark.parametrize("text", ["zone=z1", "a.b-c:d/e@f,g", "é"])
def test_fleet_gets_plain_values(text: str) -> None:
    assert finished(fleet(text)) == text


@pytest.mark.parametrize("text", ["", "a b", "%i", 'a"b', "a\\b", "*", "?", "[a]"])
def test_fleet_gets_nothing_that_it_reads_otherwise(text: str) -> None:
    with pytest.raises(TemplateFault, match=r"can't stand in \[X-Fleet\]"):
        fleet(text)


@pytest.mark.parametrize(
    "line", ["bin/serve", "bin/serve --port $PORT", "a ${B} $(c)", "a >log 2>&1", "a 'b'", "cdx", "executor"]
)
def test_a_simple_command_takes_the_shells_place(line: str) -> None:
    assert exec_first(line) == f"exec {line}"


@pytest.mark.parametrize(
    "line", ["exec a", "A=1 b", "a && b", "a; b", "a | b", "a & b", "(a)", "{ a", "! a", "  exec a", "a &"]
)
def test_any_other_line_is_left_to_the_shell(line: str) -> None:
    assert exec_first(line) == line
