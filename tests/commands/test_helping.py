"""--help: commands and options in groups, with examples."""

from __future__ import annotations

import re

import click
import pytest

from deployster_cli.cli.group import COMMAND_GROUPS, COMMANDS, OPTION_GROUPS, cli, grouped
from deployster_cli.main import run


def headings(text: str) -> list[str]:
    return re.findall(r"^(\S.*):$", text, re.MULTILINE)


def test_every_command_is_in_one_group() -> None:
    listed = [name for names in COMMAND_GROUPS.values() for name in names]
    assert [name for name in COMMANDS if listed.count(name) != 1] == []


def test_the_help_shows_the_groups(capsys: pytest.CaptureFixture[str]) -> None:
    run(["--help"])
    assert headings(capsys.readouterr().out)[:4] == ["Deploying", "Looking", "Setting up", "Serving"]


@pytest.mark.parametrize("name", ["deploy", "rollback"])
def test_a_command_with_many_options_has_them_in_groups(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    run([name, "--help"])
    assert headings(capsys.readouterr().out) == ["What runs", "How it rolls out", "Options of every command"]


def test_one_with_few_has_two(capsys: pytest.CaptureFixture[str]) -> None:
    run(["units", "--help"])
    assert headings(capsys.readouterr().out) == ["Options", "Options of every command"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_in_the_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command
    run([name, "--help"])
    out = capsys.readouterr().out
    options = (param for param in command.params if isinstance(param, click.Option) and not param.hidden)
    assert [option.name for option in options if max(option.opts, key=len) not in out] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    run([name, "--help"])
    assert f"\n  deployster {name}" in capsys.readouterr().out


def test_every_option_of_every_command_is_in_its_group() -> None:
    root = {max(param.opts, key=len) for param in cli.params} - {"--version"}
    assert root <= set(OPTION_GROUPS["Options of every command"])


def test_a_command_keeps_what_it_is_when_its_help_is_grouped() -> None:
    settings = {"ignore_unknown_options": True}
    before = click.Command("x", context_settings=settings, epilog="the end")
    after = grouped(before)
    assert (after.context_settings, after.epilog) == (settings, "the end")


def test_a_wrong_option_is_told_with_the_nearest_right_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["deploy", "a", "b", "--destroy-previos"]) == 2
    assert re.search(r"Did you mean '?--destroy-previous'?\?", capsys.readouterr().err)
