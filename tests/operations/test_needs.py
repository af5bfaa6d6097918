"""What units need to find on this machine, and what of that is missing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from deployster_cli.domain.units.model import Machine, Service
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.errors import InvalidInput, NotFound
from deployster_cli.operations import prerequisites
from deployster_cli.operations.prerequisites import Lack, needed, refuse
from tests.simulation import SimClock, SimEngine
from tests.templates.cases import FULL, rendered

NOWHERE = "WorkingDirectory=/nonesuch/v9"
NOTHING = Lack("", "")


def missing(files: list[UnitFile], paths: list[str] | None = None) -> Lack:
    """The first that the units lack on this machine."""
    return next(iter(every(files, paths)), NOTHING)


def every(files: list[UnitFile], paths: list[str] | None = None) -> tuple[Lack, ...]:
    return prerequisites.missing(SimEngine(SimClock(), is_local=True), files, paths) or ()


def unit(*service: str, of: str = "carousel", before: str = "") -> UnitFile:
    """A unit with these lines in [Service], and ``before`` in [Unit]."""
    text = "\n".join(["[Unit]", before or "Description=x", "[Service]", *service, "ExecStart=/bin/true"])
    return UnitFile.parse(UnitName(of, "v9", 1), text)


def test_a_folder_that_is_not_there_is_told_with_its_cure() -> None:
    assert missing([unit(NOWHERE)]) == Lack(
        "The folder /nonesuch/v9 of carousel v9 does not exist.",
        "Put it there first, or have a pre_deploy hook do it; the setting directory says where it belongs.",
        brought=True,
    )


def test_so_is_an_environment_file() -> None:
    lack = missing([unit("EnvironmentFile=/nonesuch.env")])
    assert lack.text == "The environment file /nonesuch.env of carousel v9 does not exist."
    assert "the setting env_file says" in lack.cure


def test_a_file_in_a_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "v9").touch()
    text = f"The folder {tmp_path}/v9 of carousel v9 is a file."
    assert missing([unit(f"WorkingDirectory={tmp_path}/v9")])[0] == text


def test_a_folder_below_a_file_does_not_exist(tmp_path: Path) -> None:
    (tmp_path / "releases").touch()
    assert missing([unit(f"WorkingDirectory={tmp_path}/releases/v9")])[0].endswith(" does not exist.")


def test_the_first_unit_that_lacks_something_is_told_of(tmp_path: Path) -> None:
    assert "/nonesuch/v9" in missing([unit(f"WorkingDirectory={tmp_path}"), unit(NOWHERE)])[0]


def test_of_some_paths_only_those_are_looked_for() -> None:
    lacking = unit(NOWHERE, "EnvironmentFile=/nonesuch.env")
    assert "/nonesuch.env" in missing([lacking], ["/nonesuch.env"]).text
    assert missing([lacking], []) == NOTHING


def test_an_option_of_a_section_that_systemd_passes_over_makes_nothing() -> None:
    assert needed(UnitFile.parse(UnitName("carousel", "v9", 1), f"[Service]\n{NOWHERE}\n[X-Own]\nRequires=a.mount"))


def test_a_task_is_told_of_by_its_service() -> None:
    assert missing([unit(NOWHERE, of="carousel.task")])[0].startswith("The folder /nonesuch/v9 of carousel v9 ")


def test_a_percent_sign_is_written_twice_in_a_unit(tmp_path: Path) -> None:
    (tmp_path / "100%").mkdir()
    assert missing([unit(f"WorkingDirectory={tmp_path}/100%%")]) == NOTHING


@pytest.mark.parametrize("path", ["~", "-/nonesuch", "%h/nonesuch", "/%%%i/nonesuch", "/nonesuch/%i", ""])
def test_a_folder_that_only_systemd_can_tell_is_left_to_it(path: str) -> None:
    assert needed(unit(f"WorkingDirectory={path}")) == []


def test_a_folder_is_no_glob(tmp_path: Path) -> None:
    (tmp_path / "v9").mkdir()
    assert f"{tmp_path}/v[9]" in missing([unit(f"WorkingDirectory={tmp_path}/v[9]")])[0]


@pytest.mark.parametrize("path", ["-/nonesuch", "%h/nonesuch", "/nonesuch/*.env", "/nonesuch\nEnvironmentFile="])
def test_so_is_an_environment_file_that_only_systemd_can_tell(path: str) -> None:
    assert needed(unit(f"EnvironmentFile={path}")) == []


@pytest.mark.parametrize(
    "option",
    ["StateDirectory=v9", "ExecStartPre=/bin/mkdir /nonesuch", "RootDirectory=/srv", "BindPaths=/a:/nonesuch"],
)
def test_what_the_unit_itself_may_make_is_left_to_it(option: str) -> None:
    assert needed(unit(NOWHERE, option)) == []


def test_what_another_unit_may_bring_is_left_to_it() -> None:
    assert needed(unit(NOWHERE, before="Requires=releases.mount")) == []


def test_what_nobody_lets_us_look_at_is_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(Path, "stat", refused)
    assert missing([unit(NOWHERE)]) == NOTHING


def test_it_is_a_refusal_where_all_units_are_here() -> None:
    with pytest.raises(NotFound, match=r"does not exist\. Nothing was started\.") as refused:
        refuse(every([unit(NOWHERE)]))
    assert refused.value.hint.startswith("Put it there first")


# Environment files: what systemd and docker would refuse, or pass over


RUN = 'ExecStart=/bin/sh -c "exec \\"$$@\\"" docker-run /usr/bin/docker run --rm{} --env-file=/dev/stdin acme/carousel'
PULLS = ("ExecStartPre=/usr/bin/docker pull acme/carousel", 'ExecStartPre=-/bin/sh -c "exec /usr/bin/docker rm -f x"')


def by_systemd(path: Path) -> UnitFile:
    return unit(f"EnvironmentFile={path}")


def by_docker(path: Path) -> UnitFile:
    return told_docker(f" --env-file={path}")


def told_docker(words: str) -> UnitFile:
    return UnitFile.parse(UnitName("carousel", "v9", 1), "\n".join(["[Service]", *PULLS, RUN.format(words)]))


@pytest.mark.parametrize("read", [by_systemd, by_docker])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"A=1\nB=caf\xe9\n", ("Line 2 of the environment file", " of carousel v9 is not UTF-8 text.")),
        ("A=1\n".encode("utf-16"), ("The environment file", " of carousel v9 is UTF-16 text.")),
        (
            b"A=1\nexport X=hunter2\n",
            ("Line 2 of the environment file", ""),
        ),
    ],
)
def test_a_file_that_can_not_be_used_is_refused_before_anything_starts(
    tmp_path: Path, read: Callable[[Path], UnitFile], content: bytes, said: tuple[str, str]
) -> None:
    path = tmp_path / "carousel.env"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as refused:
        refuse(every([read(path)]))
    assert refused.value.message.startswith(f"{said[0]} {path}")
    assert refused.value.message.endswith(" Nothing was started.")
    assert said[1] in refused.value.message
    assert "hunter2" not in refused.value.message + refused.value.hint


@pytest.mark.parametrize("read", [by_systemd, by_docker])
def test_a_file_of_plain_lines_is_taken(tmp_path: Path, read: Callable[[Path], UnitFile]) -> None:
    (tmp_path / "carousel.env").write_text("# ours\nA=1\n\nB=caf\u00e9 b\n")
    assert missing([read(tmp_path / "carousel.env")]) == NOTHING


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: path.mkdir(), "a folder"),
        (os.mkfifo, "not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
    ],
    ids=["folder", "fifo", "device"],
)
def test_what_is_not_a_file_is_not_opened(tmp_path: Path, make: Callable[[Path], object], what: str) -> None:
    path = tmp_path / "carousel.env"
    make(path)
    lack = missing([by_systemd(path)])
    assert (lack.text, lack.there) == (f"The environment file {path} of carousel v9 is {what}.", True)


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    (tmp_path / "carousel.env").touch()
    monkeypatch.setattr(Path, "open", refused)
    lack = missing([by_systemd(tmp_path / "carousel.env")])
    assert (lack.text.endswith(" can't be read: Permission denied."), lack.there) == (True, True)


def test_so_is_one_in_a_folder_that_may_not_be_entered(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(Path, "stat", refused)
    assert missing([by_systemd(Path("/closed/carousel.env"))]).text.endswith(" can't be read: Permission denied.")


def test_a_loop_of_links_is_told(tmp_path: Path) -> None:
    (tmp_path / "carousel.env").symlink_to("carousel.env")
    lack = missing([by_systemd(tmp_path / "carousel.env")])
    assert lack.text.endswith(" can't be read: Too many levels of symbolic links.")


def test_only_the_beginning_of_a_large_file_is_read(tmp_path: Path) -> None:
    with (tmp_path / "carousel.env").open("wb") as file:
        file.truncate(1 << 40)  # with holes
        file.write(b"A=1\n" + b"#" * 1_000_001)
    assert "is larger than 1,000,000 bytes" in missing([by_systemd(tmp_path / "carousel.env")]).text


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (" --env-file=/etc/a.env", "/etc/a.env"),
        (' "--env-file=/etc/a b.env"', "/etc/a b.env"),
        ("", None),
        (" --env-file=~/a.env", None),
    ],
)
def test_dockers_file_is_found_on_its_command_line(words: str, path: str | None) -> None:
    assert needed(told_docker(words)) == ([("--env-file", path)] if path else [])


def test_docker_may_be_told_of_a_file_that_the_unit_makes() -> None:
    made = ["[Service]", "ExecStartPre=/usr/bin/make-env", RUN.format(" --env-file=/etc/a.env")]
    assert needed(UnitFile.parse(UnitName("carousel", "v9", 1), "\n".join(made))) == []


@pytest.mark.parametrize(
    "service", [FULL, FULL._replace(template="process", command="x"), FULL._replace(template="task")]
)
def test_the_built_in_templates_files_are_found(service: Service) -> None:
    extra = {"task": "x"} if service.template == "task" else {}
    found = [path for _, path in needed(rendered(service._replace(extra=extra)))]
    assert found == ["/etc/carousel.env"]


@pytest.mark.parametrize("name", ["PORT", "DEPLOYSTER_INSTANCE", "DEPLOYSTER_ENV_PORT", "DEPLOYSTER_ENV_LANG"])
def test_a_file_that_sets_what_its_template_sets_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "carousel.env"
    path.write_text(f"LANG=C\n{name}=1\n")
    service = Service("carousel", template="process", command="x", directory="/", env_file=str(path), env={"LANG": "D"})
    said = f"Line 2 of the environment file {path} of carousel 9f88701 sets {name}, which the template sets itself."
    assert missing([rendered(service)]).text == said


def test_in_the_file_of_a_container_or_of_one_s_own_unit_the_name_is_free(tmp_path: Path) -> None:
    path = tmp_path / "carousel.env"
    path.write_text("PORT=1\n")
    own = unit(f"EnvironmentFile={path}", "Environment=PORT=2")
    assert missing([own, rendered(Service("carousel", env_file=str(path)))]) == NOTHING


def test_what_is_there_for_every_version_no_hook_brings() -> None:
    found = every([unit(NOWHERE, "EnvironmentFile=/nonesuch/v9.env", "EnvironmentFile=/nonesuch/all.env")])
    assert [lack.brought for lack in found] == [True, True, False]
    assert found[-1].cure == "Put it there first; the setting env_file says where it belongs."


# On other machines


def afar(lacking: dict[str, list[str]] | None, *labels: str) -> SimEngine:
    hosts = tuple(Machine(label, metadata={"name": label}) for label in labels)
    return SimEngine(SimClock(), lacking=lacking, hosts=hosts)


def test_machines_that_lack_a_folder_are_named_together() -> None:
    engine = afar({"/nonesuch/v9": ["web1", "web2"], "/nonesuch.env": ["web2"]}, "web1", "web2", "web3")
    found = prerequisites.missing(engine, [unit(NOWHERE, "EnvironmentFile=/nonesuch.env")])
    assert found == (
        Lack(
            "web1 and web2 have no folder /nonesuch/v9.",
            "Put it there first, or have a pre_deploy hook do it; the setting directory says where it belongs.",
            brought=True,
        ),
        Lack(
            "web2 has no environment file /nonesuch.env.",
            "Put it there first; the setting env_file says where it belongs.",
        ),
    )


def test_of_many_machines_three_are_named() -> None:
    labels = [f"web{number}" for number in range(1, 6)]
    found = prerequisites.missing(afar({"/nonesuch/v9": labels}, *labels), [unit(NOWHERE)])
    assert found is not None
    assert found[0].text == "web1, web2, web3 and 2 others have no folder /nonesuch/v9."


def test_an_engine_that_can_not_look_says_so() -> None:
    assert prerequisites.missing(afar(None, "web1"), [unit(NOWHERE)]) is None


@pytest.mark.parametrize("line", ["WorkingDirectory=/", "Type=exec"])
def test_the_root_folder_is_not_looked_for(line: str) -> None:
    assert needed(unit(line)) == []


@pytest.mark.parametrize("name", ["PORT", "DEPLOYSTER_INSTANCE", "OTHER"])
def test_the_name_under_which_a_unit_hands_on_its_own_value_is_taken_too(tmp_path: Path, name: str) -> None:
    (tmp_path / "env").write_text(f"{name}=1\n")
    lack = missing([unit(f"EnvironmentFile={tmp_path}/env", f'Environment="DEPLOYSTER_ENV_{name}=1"')])
    assert bool(lack.text) is (name != "OTHER")


def test_what_is_there_and_can_not_be_used_is_refused_as_wrong_and_what_is_not_there_as_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "v9").touch()
    (tmp_path / "v9.env").write_text("no equals sign")
    (tmp_path / "unread.env").write_text("A=1")
    wrong = [
        *(f"WorkingDirectory={tmp_path}/v9", f"EnvironmentFile={tmp_path}"),
        *(f"EnvironmentFile={tmp_path}/v9.env", f"EnvironmentFile={tmp_path}/unread.env"),
    ]
    works = Path.open

    def opened(path: Path, mode: str) -> object:
        if path.name == "unread.env":
            raise PermissionError(13, "Permission denied")
        return works(path, mode)

    monkeypatch.setattr(Path, "open", opened)
    for line in wrong:
        with pytest.raises(InvalidInput):
            refuse_all(line)
    for line in (NOWHERE, "EnvironmentFile=/nonesuch.env"):
        with pytest.raises(NotFound):
            refuse_all(line)


def refuse_all(line: str) -> None:
    refuse(every([unit(line)]))
