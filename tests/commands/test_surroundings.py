"""What surrounds a deploy on the command line: hooks, tasks of the configuration, the image, a protected cluster."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from deployster_cli.domain.units.names import UnitName
from deployster_cli.operations import registry_client
from deployster_cli.operations.hooks import HookResult, LocalCommands, Pulse
from deployster_cli.operations.images import Answer, Unanswered
from tests.commands.conftest import PROJECT, Shell
from tests.simulation import Fate

CONFIG = "deployster.toml"
V9 = "carousel-v9@1.service"
V1, V2 = UnitName("carousel", "v1", 1), UnitName("carousel", "v2", 1)


def configured(text: str) -> None:
    """Put more into the project's file."""
    Path(CONFIG).write_text(f"{text}\n{PROJECT}")


def cut_off(
    _: LocalCommands, __: str, ___: Mapping[str, str], ____: str, _____: Pulse, said: Callable[[str], None]
) -> HookResult:
    """A hook during which somebody presses Ctrl-C."""
    said("on")
    raise KeyboardInterrupt


@pytest.mark.process
class TestHooks:
    def test_a_deploy_runs_its_hooks_before_and_after(self, shell: Shell) -> None:
        configured('[hooks]\npre_deploy = "echo before"\npost_deploy = "echo after $DEPLOYSTER_RESULT"')
        code, _, err = shell("deploy carousel v1")
        assert code == 0
        assert err.index("| before") < err.index("Starting carousel v1") < err.index("| after done")

    def test_they_are_told_what_it_is_about(self, shell: Shell) -> None:
        shell("deploy carousel v1 -q")
        configured('[hooks]\npre_deploy = "env | grep ^DEPLOYSTER_ > facts"')
        shell("deploy carousel v2 -q --destroy-previous")
        facts = dict(line.split("=", 1) for line in Path("facts").read_text().splitlines())
        said = {name: facts[f"DEPLOYSTER_{name}"] for name in ("VERB", "SERVICE", "VERSION", "PREVIOUS", "INSTANCES")}
        assert said == {
            "VERB": "deploy", "SERVICE": "carousel", "VERSION": "v2", "PREVIOUS": "v1", "INSTANCES": "1",
        }  # fmt: skip

    def test_they_are_told_the_machines_in_use(self, shell: Shell) -> None:
        shell.engine.ssh_targets = ("web1", "ssh://deploy@web2:2222")
        line = "echo $DEPLOYSTER_RESULT $DEPLOYSTER_MACHINES"
        configured(f'[hooks]\npre_deploy = "{line}"\npost_deploy = "{line}"')
        _, _, err = shell("deploy carousel v1")
        assert "| web1 ssh://deploy@web2:2222\n" in err
        assert "| done web1 ssh://deploy@web2:2222\n" in err

    def test_they_find_the_plan_that_plan_prints(self, shell: Shell) -> None:
        configured('[hooks]\npre_deploy = "cat > plan.json"')
        _, planned, _ = shell("plan carousel v1 -o json")
        shell("deploy carousel v1 -q")
        assert json.loads(Path("plan.json").read_text()) == json.loads(planned)

    def test_a_failing_pre_hook_stops_it_before_anything_was_changed(self, shell: Shell) -> None:
        configured('[hooks]\npre_deploy = "exit 3"')
        code, _, err = shell("deploy carousel v1")
        assert (code, shell.engine.calls, shell.engine.locks.notes) == (1, [], {})
        assert (
            "Error: The hook pre_deploy failed: 'exit 3' exited with 3. No unit was changed; what hooks did stays."
            in err
        )

    def test_a_failing_post_hook_only_warns(self, shell: Shell) -> None:
        configured('[hooks]\npost_deploy = "exit 3"')
        code, out, err = shell("deploy carousel v1")
        assert (code, out.startswith("Done: carousel v1 runs")) == (0, True)
        assert "The hook post_deploy failed" in err

    def test_a_failed_deploy_runs_on_failure_in_its_place(self, shell: Shell) -> None:
        configured('[hooks]\npost_deploy = "echo fine"\non_failure = "echo $DEPLOYSTER_VERSION $DEPLOYSTER_RESULT"')
        shell.engine.fates[V1] = Fate.FAILS
        code, _, err = shell("deploy carousel v1")
        assert (code, "| v1 failed" in err, "| fine" in err) == (1, True, False)

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("deploy carousel v2", "The deploy itself is done: carousel v2 @1 runs."),
            ("deploy carousel v1", "The deploy itself is done: carousel v1 @1 runs."),
            ("destroy carousel v1 --yes", "The destroy itself is done: carousel v1 @1 is gone."),
        ],
    )
    def test_ctrl_c_in_a_post_hook_says_that_the_deed_is_done(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch, line: str, said: str
    ) -> None:
        shell("deploy carousel v1 -q")
        configured('[hooks]\npost_deploy = "echo on"\npost_destroy = "echo on"')
        monkeypatch.setattr(LocalCommands, "run", cut_off)
        code, _, err = shell(line)
        assert code == 130
        assert f"Error: Interrupted while a hook ran after it; it was cut off. {said}\n" in err

    def test_ctrl_c_behind_it_names_no_hook_where_there_is_none(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def cut(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("deployster_cli.operations.preflight.run_post", cut)
        code, _, err = shell("deploy carousel v1")
        assert code == 130
        assert "Error: Interrupted. The deploy itself is done: carousel v1 @1 runs.\n" in err

    def test_ctrl_c_in_an_on_failure_hook_says_the_failure_first(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configured('[hooks]\non_failure = "echo on"')
        monkeypatch.setattr(LocalCommands, "run", cut_off)
        shell.engine.fates[V1] = Fate.FAILS
        code, _, err = shell("deploy carousel v1")
        said = (
            "The new instances were removed. Interrupted while a hook ran after it; it was cut off.\nTo keep the failed"
        )
        assert (code, "Error: carousel v1 @1 failed" in err, said in err) == (130, True, True)

    def test_a_rollback_and_a_destroy_have_their_own(self, shell: Shell) -> None:
        shell("deploy carousel v1 -q")
        shell("deploy carousel v2 -q")
        configured('[hooks]\npre_rollback = "echo back to $DEPLOYSTER_VERSION"\npost_destroy = "echo gone"')
        assert "| back to v1" in shell("rollback carousel")[2]
        assert "| gone" in shell("destroy carousel v1 --yes")[2]

    def test_a_dry_run_runs_none(self, shell: Shell) -> None:
        configured('[hooks]\npre_deploy = "touch ran"')
        shell("deploy carousel v1 --dry-run")
        assert not Path("ran").exists()


def test_the_tasks_of_the_configuration_run_before_those_of_the_command(shell: Shell) -> None:
    Path(CONFIG).write_text(f'{PROJECT}before_deploy = ["rake db:migrate"]\n')
    code, _, err = shell("deploy carousel v1 --before", "rake warm")
    assert code == 0
    assert err.index("Running rake db:migrate") < err.index("Running rake warm") < err.index("Starting carousel v1")


REPLIES: Mapping[str, Answer] = {"v1": Answer(200), "v2": Answer(404), "v3": Answer(401)}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A registry that has v1, not v2, wants a login for v3 and is silent of all else; what it was asked."""
    asked: list[str] = []

    def fetch(_: str, url: str, __: Mapping[str, str], **___: float) -> Answer:
        asked.append(url)
        reply = REPLIES.get(url.rpartition("/")[2])
        if reply is None:
            raise Unanswered("it took longer than 3 s")
        return reply

    monkeypatch.setattr(registry_client, "fetch", fetch)
    return asked


def test_an_image_that_its_registry_has_not_got_stops_a_deploy(shell: Shell, hub: list[str]) -> None:
    Path(CONFIG).write_text('registry_url = "registry.test:5000"\n')
    code, _, err = shell("deploy web v2")
    assert (code, shell.engine.calls, len(hub)) == (6, [], 1)
    assert "has no image registry.test:5000/web:v2" in err


@pytest.mark.parametrize("version", ["v1", "v3", "v4"])
def test_a_registry_that_has_it_or_can_not_tell_stops_nothing(shell: Shell, hub: list[str], version: str) -> None:
    Path(CONFIG).write_text('registry_url = "registry.test:5000"\n')
    assert shell(f"deploy web {version} -q")[0] == 0
    assert hub


def test_what_runs_no_image_asks_no_registry(shell: Shell, hub: list[str]) -> None:
    shell("deploy carousel v1 -q")
    assert hub == []


@pytest.mark.parametrize(
    "line", ["deploy carousel v2", "rollback carousel", "scale carousel 2", "restart carousel", "destroy carousel v1"]
)
def test_a_protected_cluster_wants_a_yes_off_a_terminal(shell: Shell, line: str) -> None:
    shell("deploy carousel v0 -q")
    shell("deploy carousel v1 -q")
    Path(CONFIG).write_text(f"{PROJECT}[clusters.live]\nprotected = true\n")
    shell.engine.calls.clear()
    code, _, err = shell(f"{line} --cluster live")
    assert (code, shell.engine.calls, "live" in err, "--yes" in err) == (2, [], True, True)
    assert shell(f"{line} --cluster live --yes -q")[0] == 0


def test_a_plan_says_which_cluster_it_is_for(shell: Shell) -> None:
    Path(CONFIG).write_text(f"{PROJECT}[clusters.staging]\n")
    assert "carousel v1 on staging: start 1" in shell("plan carousel v1 --cluster staging")[2]


class TestWhatUnitsNeed:
    @pytest.fixture(autouse=True)
    def is_local(self, shell: Shell) -> None:
        shell.engine.is_local = True

    def test_a_release_without_its_folder_is_refused_before_anything_is_started(self, shell: Shell) -> None:
        code, _, err = shell("deploy carousel v9")
        assert (code, shell.engine.calls, shell.engine.locks.notes) == (6, [], {})
        assert "Error: The folder /srv/carousel/v9 of carousel v9 does not exist. Nothing was started.\nPut it" in err

    def test_what_would_make_room_for_it_is_left_as_it_is(self, shell: Shell, tmp_path: Path) -> None:
        (tmp_path / "v1").mkdir()
        here = ("--set", f"directory={tmp_path}/{{version}}", "--order", "stop-first", "--destroy-previous")
        assert shell("deploy carousel v1 -q", *here)[0] == 0
        before = list(shell.engine.calls)
        assert (shell("deploy carousel v2 -q", *here)[0], shell.engine.calls) == (6, before)

    @pytest.mark.process
    def test_a_hook_may_bring_it(self, shell: Shell, tmp_path: Path) -> None:
        configured(f'[hooks]\npre_deploy = "mkdir {tmp_path}/$DEPLOYSTER_VERSION"')
        assert shell("deploy carousel v1 -q", "--set", f"directory={tmp_path}/{{version}}")[0] == 0

    def test_a_plan_only_remarks_on_it(self, shell: Shell) -> None:
        code, out, err = shell("plan carousel v9 --engine local")
        assert (code, V9 in out) == (0, True)
        assert "The folder /srv/carousel/v9 of carousel v9 does not exist. Put it there first" in err

    @pytest.mark.process
    @pytest.mark.parametrize("does", ["deploy", "plan", "check"])
    @pytest.mark.parametrize(
        ("content", "code", "said"),
        [
            (None, 6, "of carousel v1 does not exist. Nothing was started.\nPut it there first; the setting env_file"),
            (b"\xff\xfeA\0", 2, "of carousel v1 is UTF-16 text. Nothing was started."),
            (
                b"PORT=1\n",
                2,
                "of carousel v1 sets PORT, which the template sets itself. Nothing was started.\nLeave it",
            ),
        ],
    )
    def test_an_environment_file_is_looked_at_before_any_hook_runs(  # noqa: PLR0917 - the row's facts
        self, shell: Shell, tmp_path: Path, does: str, content: bytes | None, code: int, said: str
    ) -> None:
        path = tmp_path / "carousel.env"
        if content is not None:
            path.write_bytes(content)
        configured('[hooks]\npre_deploy = "touch ran"\non_failure = "touch ran"')
        named = PROJECT.replace("/srv/carousel/{version}", str(tmp_path)) + f"env_file = '{path}'\n"
        Path(CONFIG).write_text(Path(CONFIG).read_text().replace(PROJECT, named))
        found, out, err = shell(f"{does} carousel v1 --engine local" + (" -o plain" if does == "check" else ""))
        assert (shell.engine.calls, Path("ran").exists(), shell.engine.locks.notes) == ([], False, {})
        told = said.replace(" Nothing was started.\n", " ").replace(" Nothing was started.", "")
        assert (found, told in out) == (1, True) if does == "check" else (found, said in err) == (code, True)

    def test_what_starts_nothing_needs_none(self, shell: Shell, tmp_path: Path) -> None:
        (tmp_path / "carousel.env").write_text("A=1\n")
        given = ("--set", f"directory={tmp_path}", "--set", f"env_file={tmp_path}/carousel.env")
        shell("deploy carousel v1 -q --instances 2", *given)
        (tmp_path / "carousel.env").unlink()
        assert shell("scale carousel 1 -q --yes", *given)[0] == 0

    def test_where_nothing_is_missing_a_plan_has_no_remark(self, shell: Shell, tmp_path: Path) -> None:
        assert "exist" not in shell("plan carousel v9 --engine local", "--set", f"directory={tmp_path}")[2]


def test_a_folder_on_a_cluster_s_machines_is_not_looked_for(shell: Shell) -> None:
    assert (shell("deploy carousel v9")[0], "exist" in shell("plan carousel v8")[2]) == (0, False)


@pytest.mark.parametrize(("fate", "ran"), [(Fate.FAILS, ["page v1 failed"]), (Fate.RUNS, ["tell v1 done"])])
def test_a_deploy_that_fails_calls_on_failure_and_one_that_does_not_its_own_hook(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, fate: Fate, ran: list[str]
) -> None:
    found: list[str] = []

    def run(_: LocalCommands, line: str, variables: Mapping[str, str], *__: object) -> HookResult:
        found.append(f"{line} {variables['DEPLOYSTER_VERSION']} {variables['DEPLOYSTER_RESULT']}")
        return HookResult(0, 1.0)

    monkeypatch.setattr(LocalCommands, "run", run)
    configured('[hooks]\npost_deploy = "tell"\non_failure = "page"')
    shell.engine.fates[V1] = fate
    assert (shell("deploy carousel v1")[0], found) == (fate is Fate.FAILS, ran)
