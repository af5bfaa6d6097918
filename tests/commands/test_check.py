"""check: each fault is named, with its cure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from deployster_cli.domain.units.model import Machine
from deployster_cli.engines.base import Trouble
from deployster_cli.engines.fleet.ssh import agent as ssh_agent
from deployster_cli.errors import EngineUnreachable
from deployster_cli.operations import registry_client
from deployster_cli.operations.images import Answer
from tests.commands.conftest import PROJECT, Shell
from tests.simulation import SimSetup

DOCKER = '[services.carousel]\ntemplate = "docker"\n'
Check = Callable[..., dict[str, tuple[str, str]]]


@pytest.fixture(autouse=True)
def agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ssh-agent with a key."""
    monkeypatch.setattr(ssh_agent, "agent_problem", lambda: ("", ""))


@pytest.fixture
def check(shell: Shell) -> Check:
    """``check(words, code=…)``: subject → (state, text) of each finding, once the exit code is that."""

    def checked(words: str = "", code: int = 0) -> dict[str, tuple[str, str]]:
        ended, out, _ = shell(f"check {words} -o plain")
        assert ended == code
        return {line.split("\t")[0]: (line.split("\t")[1], line.split("\t")[2]) for line in out.splitlines()}

    return checked


@pytest.fixture
def docker(shell: Shell, tmp_path: Path) -> Shell:
    """A project whose service runs in docker."""
    (tmp_path / "deployster.toml").write_text(DOCKER)
    return shell


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """``web(404)``: what every registry answers."""

    def answers(status: int) -> None:
        def fetch(method: str, url: str, headers: Mapping[str, str]) -> Answer:
            return Answer(status, {"docker-content-digest": f"sha256:{'0' * 64}"})

        monkeypatch.setattr(registry_client, "fetch", fetch)

    return answers


def test_where_all_is_well_every_look_says_so(docker: Shell, check: Check) -> None:
    assert {subject: state for subject, (state, _) in check().items()} == dict.fromkeys(
        ["engine", "machines", "units", "ssh", "docker", "clocks", "service carousel"], "ok"
    )


def test_docker_matters_only_where_a_service_runs_in_it(check: Check) -> None:
    assert "docker" not in check()


def test_an_engine_that_can_not_be_used_is_exit_4_and_the_templates_are_still_looked_at(
    shell: Shell, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell.engine, "check", lambda: "fleetctl is not here.")
    found = check(code=4)
    assert (found["engine"][1], set(found)) == ("fleetctl is not here.", {"engine", "left out", "service carousel"})


MACHINES = "the way to each machine and its host key"


def test_what_an_engine_hides_that_can_not_be_used_is_named(
    docker: Shell, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker.engine, "check", lambda: "fleetctl is not here.")
    wanted = f"machines, units, {MACHINES}, its clock and docker: the engine can't be used. Fix that, and check again."
    assert check(code=4)["left out"] == ("unsure", wanted)


def test_what_a_missing_list_of_machines_hides_is_named(
    shell: Shell, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise EngineUnreachable("It is away.", "Wait.")

    monkeypatch.setattr(shell.engine, "machines", fail)
    assert check(code=4)["left out"][1].startswith(f"{MACHINES} and its clock: nobody can say which machines there are")


def test_what_an_agent_hides_that_can_not_be_used_is_named(
    shell: Shell, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_agent, "agent_problem", lambda: ("The ssh-agent holds no key.", "Give it one."))
    assert check(code=1)["left out"][1].startswith(f"{MACHINES} and its clock: the ssh-agent can't be used")


def test_one_machine_hides_nothing_but_what_its_engine_does(
    shell: Shell, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.engine.is_local = True
    monkeypatch.setattr(shell.engine, "check", lambda: "systemd is away.")
    assert check(code=4)["left out"][1].startswith("machines and units: the engine can't be used")


def test_one_machine_without_a_list_of_itself_hides_nothing(
    shell: Shell, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise EngineUnreachable("It is away.", "Wait.")

    shell.engine.is_local = True
    monkeypatch.setattr(shell.engine, "machines", fail)
    assert "left out" not in check(code=4)


@pytest.mark.parametrize(("look", "subject"), [("machines", "machines"), ("units", "units")])
def test_a_listing_that_fails_is_exit_4(
    shell: Shell, check: Check, monkeypatch: pytest.MonkeyPatch, look: str, subject: str
) -> None:
    def fail() -> None:
        raise EngineUnreachable("It is away.", "Wait.")

    monkeypatch.setattr(shell.engine, look, fail)
    assert check(code=4)[subject] == ("FAULT", "It is away. Wait.")


def test_a_cluster_without_machines_is_a_fault(shell: Shell, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell.engine, "machines", lambda: ())
    assert check(code=1)["machines"] == ("FAULT", "The cluster has no machine. Have one join it.")


def test_an_agent_without_a_key_is_told_once_and_no_machine_is_asked(
    shell: Shell, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_agent, "agent_problem", lambda: ("The ssh-agent holds no key.", "Give it one."))
    found = check(code=1)
    assert (found["ssh"], "clocks" in found) == (("FAULT", "The ssh-agent holds no key. Give it one."), False)


def test_what_the_engine_says_of_the_agent_is_not_said_again(
    shell: Shell, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_agent, "agent_problem", lambda: ("The ssh-agent holds no key.", "Give it one."))
    monkeypatch.setattr(shell.engine, "check", lambda: "The tunnel needs an ssh-agent.")
    assert "ssh" not in check(code=4)


def test_a_cluster_that_is_away_does_not_hide_that_there_is_no_agent(
    shell: Shell, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_agent, "agent_problem", lambda: ("The ssh-agent holds no key.", "Give it one."))
    monkeypatch.setattr(shell.engine, "check", lambda: "Connection refused.")
    assert check(code=4)["ssh"] == ("FAULT", "The ssh-agent holds no key. Give it one.")


def test_machines_are_named_in_order(shell: Shell, check: Check) -> None:
    shell.engine.hosts = (Machine("m2", "10.0.0.2"), Machine("m1", "10.0.0.1"))
    assert check()["machines"] == ("ok", "10.0.0.1, 10.0.0.2")


def test_one_machine_needs_no_agent(shell: Shell, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_agent, "agent_problem", lambda: ("The ssh-agent holds no key.", "Give it one."))
    shell.engine.is_local = True
    assert check().keys() == {"engine", "machines", "units", "service carousel"}


@pytest.mark.parametrize(("there", "state"), [(True, "ok"), (False, "FAULT")])
def test_on_one_machine_a_version_s_folder_is_looked_for(
    shell: Shell, check: Check, tmp_path: Path, there: bool, state: str
) -> None:
    shell.engine.is_local = True
    folder = tmp_path / "v1"
    (tmp_path / "deployster.toml").write_text(PROJECT.replace("/srv/carousel", str(tmp_path)))
    if there:
        folder.mkdir()
    found, text = check("carousel v1", code=0 if there else 1)["files carousel"]
    assert (found, str(folder) in text) == (state, True)


def test_a_machine_that_ssh_can_not_reach_is_named(shell: Shell, check: Check) -> None:
    shell.engine.answers = EngineUnreachable("The host key is not known here.", "Log in once.")
    assert check(code=1)["ssh 10.0.0.1"] == ("FAULT", "The host key is not known here. Log in once.")


def test_an_answer_that_is_none_is_told(shell: Shell, check: Check) -> None:
    shell.engine.answers = "Welcome!"
    assert "said 'Welcome!'" in check(code=1)["ssh 10.0.0.1"][1]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("{now}\ndocker 127 not found", "/usr/bin/docker not found. Install docker there"),
        (
            "{now}\ndocker 1 Is the daemon running?",
            "/usr/bin/docker version failed: Is the daemon running? Have its service",
        ),
        ("{now}", "It gave no answer when asked for its version. Have its service"),
        (
            "{now}\ndocker 1 permission denied: docker.sock",
            "/usr/bin/docker version failed: permission denied: docker.sock As root there: usermod -aG docker LOGIN",
        ),
    ],
)
def test_a_machine_without_a_working_docker_is_named(docker: Shell, check: Check, answer: str, said: str) -> None:
    docker.engine.answers = answer
    assert check(code=1)["docker 10.0.0.1"][1].startswith(said)


@pytest.mark.parametrize(("there", "said"), [("900", "99 s behind"), ("1100", "100 s ahead of"), ("0", "999 s behind")])
def test_a_clock_that_is_off_is_named(shell: Shell, check: Check, there: str, said: str) -> None:
    shell.engine.clock.at, shell.engine.answers = 1000, there
    found = check(code=1)
    text = f"Its clock is {said} this machine's. Have both set by NTP (timedatectl set-ntp true)."
    assert (found["clock 10.0.0.1"][1], "clocks" in found) == (text, False)


def test_a_template_that_does_not_render_is_a_fault(shell: Shell, check: Check, tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").write_text('[services.carousel]\ntemplate = "nope"\n')
    assert check(code=1)["service carousel"][1].startswith("Template 'nope': no template has that name")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("template = 'process'\ncommand = 'x'", "web runs by a command and names no directory for it"),
        ("secrets = ['TOKEN']", "web takes 'TOKEN' from your environment, where it is not set. Set it where"),
    ],
)
def test_a_service_that_can_not_be_deployed_as_it_is_set_hides_no_other(
    shell: Shell, check: Check, tmp_path: Path, settings: str, said: str
) -> None:
    (tmp_path / "deployster.toml").write_text(f"{PROJECT}[services.web]\n{settings}\n")
    found = check(code=1)
    assert (found["service web"][0], found["service carousel"][0]) == ("FAULT", "ok")
    assert said in found["service web"][1]
    assert check("web", code=1).keys() >= {"engine", "service web"}


def test_only_the_service_that_is_named_is_looked_at(shell: Shell, check: Check, tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").write_text(f'{DOCKER}[services.web]\ntemplate = "nope"\n')
    assert "service web" not in check("carousel")


def test_without_a_version_no_registry_is_asked(docker: Shell, check: Check) -> None:
    assert "image carousel" not in check("carousel")


@pytest.mark.parametrize(
    ("status", "code", "finding"),
    [
        (200, 0, ("ok", "Docker Hub has carousel:v1")),
        (404, 1, ("FAULT", "Docker Hub has no image carousel:v1. Push it, or check the version.")),
        (500, 0, ("unsure", "Docker Hub answered 500 when asked for carousel:v1. Check registry_url.")),
    ],
)
def test_with_a_version_its_registry_is_asked(  # noqa: PLR0917 - the row's facts
    docker: Shell, check: Check, web: Callable[[int], None], status: int, code: int, finding: tuple[str, str]
) -> None:
    web(status)
    assert check("carousel v1", code=code)["image carousel"] == finding


def test_a_process_has_no_image(check: Check) -> None:
    assert "image carousel" not in check("carousel v1")


def test_the_machines_own_registry_can_not_be_asked_from_here(docker: Shell, check: Check, tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").write_text(f'registry_url = "localhost:5000"\n{DOCKER}')
    assert check("carousel v1")["image carousel"][0] == "unsure"


def test_a_version_that_is_none_is_a_fault(docker: Shell, check: Check) -> None:
    assert "can't be a version" in check("carousel a:b", code=1)["service carousel"][1]


@pytest.mark.parametrize("of", ["carousel", "carousel v1"])
@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"A=1\nexport B=2\n", "Line 2 of the environment file {} of {} has something before its ="),
        (b"\xff\xfeA\0", "The environment file {} of {} is UTF-16 text. Save it as UTF-8."),
        (b"# nothing", "{}"),
    ],
)
def test_on_one_machine_an_environment_file_is_read(
    shell: Shell, tmp_path: Path, of: str, content: bytes, text: str
) -> None:
    shell.engine.is_local = True
    path = tmp_path / "carousel.env"
    path.write_bytes(content)
    named = PROJECT.replace("/srv/carousel/{version}", str(tmp_path)) + f"env_file = '{path}'\n"
    (tmp_path / "deployster.toml").write_text(named)
    said = shell(f"check {of} -o plain")[1]
    assert text.format(path, of) in said
    assert ("FAULT" in said) is (content != b"# nothing")


def test_of_many_machines_some_are_asked(shell: Shell, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = shell.engine.machines()[0]
    many = tuple(machine._replace(id=f"m{number}", ip=f"10.0.1.{number}") for number in range(30))
    monkeypatch.setattr(shell.engine, "machines", lambda: many)
    assert check()["ssh"] == ("ok", "10 of 30 machines asked")


def test_as_json_each_finding_has_its_state_and_cure(docker: Shell) -> None:
    docker.engine.answers = "{now}\ndocker 127 not found"
    findings = json.loads(docker("check -o json")[1])["findings"]
    assert next(finding for finding in findings if finding["subject"].startswith("docker")) == {
        "subject": "docker 10.0.0.1",
        "state": "fault",
        "ok": False,
        "text": "/usr/bin/docker not found.",
        "cure": "Install docker there, and have its service started.",
    }


def test_a_table_has_a_cure_that_holds_for_many_once(docker: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    first = docker.engine.machines()[0]
    monkeypatch.setattr(docker.engine, "machines", lambda: (first, first._replace(id="m2", ip="10.0.0.2")))
    docker.engine.answers = "{now}\ndocker 127 not found"
    assert docker("check -o table")[1].count("Install docker") == 1


@pytest.fixture
def ready(docker: Shell, web: Callable[[int], None]) -> Shell:
    """The project on an engine that makes its machines ready, and asks them itself."""
    web(200)
    docker.engine.setup = SimSetup({})
    return docker


def test_an_engine_is_asked_whether_each_machine_can_pull(ready: Shell, check: Check) -> None:
    assert check("carousel v1")["pull"] == ("ok", "each machine's /usr/bin/docker reaches the registry")
    assert ready.engine.needed[-1].images == (("/usr/bin/docker", "carousel:v1"),)
    ready.engine.troubled = (Trouble("m1", "It is slow.", "Wait.", "pull", sure=False),)
    found = check("carousel v1")
    assert (found["pull m1"], "pull" in found) == (("unsure", "It is slow. Wait."), False)


def test_a_port_that_no_unit_shares_is_looked_for(shell: Shell, check: Check, tmp_path: Path) -> None:
    (tmp_path / "deployster.toml").write_text(f"{PROJECT}port = 8080\n")
    check()
    assert list(shell.engine.needed[-1].ports) == [8080]


@pytest.mark.parametrize(
    ("answer", "ends"),
    [
        ("docker 127 not found", "have its service started: deployster setup does it."),
        ("docker 1 Is the docker daemon running?", "Have its service started: deployster setup does it."),
        ("docker 125 no graph driver", "Have its service started."),
    ],
)
def test_where_setup_cures_docker_that_is_said(ready: Shell, check: Check, answer: str, ends: str) -> None:
    ready.engine.answers = f"{{now}}\n{answer}"
    assert check(code=1)["docker 10.0.0.1"][1].endswith(ends)
