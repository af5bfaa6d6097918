"""--server from the command line: where it may come from, who is asked, what it can't do, and Ctrl-C."""

from __future__ import annotations

import builtins
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from deployster_cli.config.load import load
from deployster_cli.domain.events import Changed, Event
from deployster_cli.domain.units.names import UnitName
from deployster_cli.views.progress import Progress
from tests.commands.conftest import PROJECT, Shell
from tests.remote.conftest import Both
from tests.remote.double import Double, answer, closed_port, problem, stream
from tests.remote.serving import PASSWORD


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOYSTER_SERVER_PASSWORD", PASSWORD)


@pytest.fixture
def nobody_logged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEPLOYSTER_SERVER_PASSWORD", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_the_variable_does_what_the_option_does(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOYSTER_SERVER", both.url)
    both.here("deploy carousel v1")
    assert list(both.engine.lives) == [UnitName("carousel", "v1", 1)]


def test_a_server_in_the_file_is_asked(shell: Shell, double: Double, tmp_path: Path, login: None) -> None:
    (tmp_path / "deployster.toml").write_text(f'server = "{double.url}"\n{PROJECT}')
    double.answers = [answer(200, {"units": []})]
    assert (shell("units")[0], shell.engine.looks, len(double.requests)) == (0, 0, 1)


@pytest.mark.parametrize("flag", ["--engine local", "--tunnel host", "--endpoint http://host", "--server="])
def test_a_flag_that_names_an_engine_goes_before_a_server_in_the_file(shell: Shell, tmp_path: Path, flag: str) -> None:
    (tmp_path / "deployster.toml").write_text(f'server = "http://127.0.0.1:1"\n{PROJECT}')
    assert (shell(f"units {flag}")[0], shell.engine.looks) == (0, 1)


def test_a_cluster_with_an_engine_of_its_own_is_not_asked_of_the_files_server(tmp_path: Path) -> None:
    text = 'server = "https://production.example.com"\n[clusters.staging.fleet]\ntunnel = "staging"\n'
    (tmp_path / "deployster.toml").write_text(text)
    assert load({"cluster": "staging"}, {}, tmp_path).server == ""


def test_a_cluster_may_have_a_server_of_its_own(tmp_path: Path) -> None:
    text = '[fleet]\ntunnel = "production"\n[clusters.staging]\nserver = "https://staging.example.com/"\n'
    (tmp_path / "deployster.toml").write_text(text)
    assert load({"cluster": "staging"}, {}, tmp_path).server == "https://staging.example.com"


@pytest.mark.parametrize(
    "url", ["https://me:hunter2@host", "host:3000", "ftp://host", "https://", "https://host/?a=hunter2", "https://h h"]
)
def test_what_is_no_address_is_refused_and_never_shown(shell: Shell, url: str) -> None:
    code, _, err = shell("units", "--server", url)
    assert (code, "hunter2" in err, "must be an address like https://" in err) == (2, False, True)


@pytest.mark.parametrize("line", ["render carousel v1", "diff carousel v1", "check", "unlock carousel"])
def test_what_needs_an_engine_or_files_here_says_so(shell: Shell, line: str) -> None:
    code, _, err = shell(f"{line} --server https://deploy.example.com")
    assert (code, shell.engine.looks) == (2, 0)
    assert f"Error: {line.partition(' ')[0]} needs an engine or local files" in err


def test_without_a_login_nothing_is_asked(shell: Shell, double: Double, nobody_logged_in: None) -> None:
    code, _, err = shell(f"units --server {double.url}")
    assert (code, double.requests) == (4, [])
    assert "No login for" in err


def test_a_login_is_asked_for_once_a_command(
    both: Both, monkeypatch: pytest.MonkeyPatch, nobody_logged_in: None
) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def prompt(text: str, **how: Any) -> str:
        asked.append((text, how))
        return PASSWORD if how.get("hide_input") else str(how["default"])

    monkeypatch.setattr(click, "prompt", prompt)
    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda _: True, "fileno": lambda _: 0})())
    both.here("deploy carousel v1 --instances 2")
    code, _, err = both.there("scale carousel 1 --yes")
    assert (code, [text for text, _ in asked]) == (0, [f"Username for {both.url}", "Password"])
    assert (asked[0][1]["default"], asked[1][1]["hide_input"], PASSWORD in err) == ("deployster", True, False)


def test_a_wrong_login_exits_4(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOYSTER_SERVER_PASSWORD", "another")
    code, out, err = both.there("units")
    assert (code, out) == (4, "")
    assert f"{both.url} refuses the login of 'deployster' (from DEPLOYSTER_SERVER_PASSWORD)." in err


def test_without_httpx_one_sentence_says_what_to_install(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **more: Any) -> Any:
        if name.startswith("deployster_cli.backends.remote.backend"):
            raise ModuleNotFoundError("No module named 'httpx'", name="httpx")
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    code, _, err = shell("units --server https://deploy.example.com")
    assert (code, err) == (2, "Error: --server needs the library httpx.\npip install 'deployster[client]'\n")


def interrupting(monkeypatch: pytest.MonkeyPatch) -> None:
    tell: Callable[[Progress, Event], None] = Progress.tell

    def interrupt(self: Progress, event: Event) -> None:
        tell(self, event)
        if isinstance(event, Changed):
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "tell", interrupt)


def test_ctrl_c_leaves_the_job_to_the_server_and_says_so(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupting(monkeypatch)
    code, _, err = both.there("deploy carousel v1")
    assert code == 130
    assert f"Interrupted. The job continues on the server: {both.url}/v1/services/carousel/deploys/" in err
    assert f"deployster --server {both.url} units carousel shows what runs." in err


def test_ctrl_c_while_it_is_not_known_whether_the_server_took_it_on(
    shell: Shell, double: Double, login: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("deployster_cli.backends.remote.backend.RemoteChange._accepted", interrupt)
    double.answers = [answer(200, {"deploys": []})]
    code, _, err = shell(f"deploy carousel v1 --server {double.url}")
    assert (code, f"Interrupted. It is not known whether {double.url} accepted it" in err) == (130, True)


BUSY = {"id": "j0", "state": "running", "by": "bob@ci", "verb": "deploy", "version": "v9", "colour": "red"}


def test_a_service_that_the_server_is_changing_exits_5_at_once(shell: Shell, double: Double, login: None) -> None:
    double.answers = [answer(200, {"deploys": [BUSY]})]
    code, _, err = shell(f"deploy carousel v1 --server {double.url}")
    assert (code, [request.method for request in double.requests]) == (5, ["GET"])
    assert f"carousel is locked by bob@ci through {double.url}, deploy v9." in err


def test_with_lock_wait_it_waits_its_turn(shell: Shell, double: Double, login: None) -> None:
    failed = {"id": "j1", "state": "failed", "error": {"message": "No.", "hint": "", "exit_code": 1}, "result": None}
    over = f"event: end\ndata: {json.dumps(failed)}\n\n"
    double.answers = [answer(200, {"deploys": [BUSY]}), answer(201, {**BUSY, "id": "j1"}), stream(over)]
    code, _, err = shell(f"deploy carousel v1 --lock-wait 1m --server {double.url}")
    assert (code, "Waiting for the lock held by bob@ci" in err) == (1, True)


def test_a_wish_that_is_sent_twice_carries_one_key(shell: Shell, double: Double, login: None) -> None:
    def hang_up(_: object, __: object) -> None:
        """The connection closed without a word."""

    double.answers = [answer(200, {"deploys": []}), hang_up, problem(409, "carousel is locked.", exit_code=5)]
    code, _, _ = shell(f"deploy carousel v1 --server {double.url}")
    keys = {request.headers["idempotency-key"] for request in double.requests[1:]}
    assert (code, len(double.requests), len(keys)) == (5, 3, 1)


def test_values_of_the_environment_are_sent_and_never_shown(both: Both) -> None:
    code, out, err = both.there("deploy carousel v1 --env TOKEN=hunter2 -o json")
    file = both.engine.lives[UnitName("carousel", "v1", 1)].file
    assert (code, "hunter2" in out + err, file is not None and "hunter2" in file.text) == (0, False, True)


def test_v_shows_every_request_and_no_login(both: Both) -> None:
    _, _, err = both.there("units carousel -v")
    assert re.fullmatch(r"> GET /v1/services/carousel/units  200  [0-9.]+s\n.*", err, re.DOTALL)
    assert PASSWORD not in err


def test_v_shows_a_request_that_nobody_answers(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOYSTER_SERVER_PASSWORD", PASSWORD)
    _, _, err = shell(f"units -v --server http://127.0.0.1:{closed_port()}")
    assert "> GET /v1/units  no answer  " in err


@pytest.mark.parametrize(
    "line", ["render carousel v1", "diff carousel v1", "check", "unlock carousel", "ssh carousel", "ssh carousel -- ls"]
)
def test_what_a_server_can_not_do_is_refused_in_one_sentence(shell: Shell, line: str) -> None:
    code, out, err = shell(f"--server http://127.0.0.1:9 {line}")
    name = line.split(maxsplit=1)[0]
    assert (code, out, err.count("\n")) == (2, "", 2)
    assert f"{name} needs an engine or local files" in err
