"""The scripts in completions/ and where --install puts them."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployster_cli.cli.completion.scripts import SHELLS, install, place
from deployster_cli.errors import DeploysterError, InvalidInput
from deployster_cli.main import run

FOLDER = Path(__file__).parent.parent / "completions"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_in_the_checkout_is_what_is_printed_now(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(["completion", shell])
    assert (FOLDER / f"deployster.{shell}").read_text() == capsys.readouterr().out  # else: make completions


@pytest.mark.parametrize(
    ("shell", "environ", "at"),
    [
        ("bash", {"HOME": "/h"}, "/h/.local/share/bash-completion/completions/deployster"),
        ("bash", {"HOME": "/h", "XDG_DATA_HOME": "/d"}, "/d/bash-completion/completions/deployster"),
        ("zsh", {"HOME": "/h"}, "/h/.local/share/zsh/site-functions/_deployster"),
        ("fish", {"HOME": "/h"}, "/h/.config/fish/completions/deployster.fish"),
        ("fish", {"HOME": "/h", "XDG_CONFIG_HOME": "relative"}, "/h/.config/fish/completions/deployster.fish"),
    ],
)
def test_each_shell_has_its_place(shell: str, environ: dict[str, str], at: str) -> None:
    assert str(place(SHELLS[shell], environ)) == at


def test_without_a_home_there_is_no_place() -> None:
    with pytest.raises(InvalidInput, match="Nowhere to install it"):
        place(SHELLS["fish"], {})


@pytest.mark.parametrize("shell", SHELLS)
def test_install_writes_the_script_and_says_where(
    shell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"HOME": str(tmp_path)}
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run(["completion", shell, "--install"]) == 0
    at = place(SHELLS[shell], environ)
    assert at.read_text() == SHELLS[shell].script
    assert capsys.readouterr().err.startswith(f"Wrote {at}. ")


def test_a_path_to_load_by_hand_stands_on_a_line_of_its_own(tmp_path: Path) -> None:
    said = install(SHELLS["bash"], {"HOME": str(tmp_path)})
    assert said.splitlines()[1:] == [f"source {tmp_path}/.local/share/bash-completion/completions/deployster"]


def test_installing_twice_is_nothing_to_do(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    install(SHELLS["fish"], environ)
    assert "is up to date" in install(SHELLS["fish"], environ)


def test_an_older_script_of_ours_is_replaced(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    install(SHELLS["fish"], environ)
    at = place(SHELLS["fish"], environ)
    at.write_text(at.read_text() + "# older\n")
    assert install(SHELLS["fish"], environ).startswith("Wrote ")


def test_a_file_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    at = place(SHELLS["fish"], {"HOME": str(tmp_path)})
    at.parent.mkdir(parents=True)
    at.write_text("mine\n")
    with pytest.raises(InvalidInput, match="was not written by deployster"):
        install(SHELLS["fish"], {"HOME": str(tmp_path)})
    assert at.read_text() == "mine\n"


def test_a_folder_that_can_not_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / ".config").write_text("")
    with pytest.raises(DeploysterError, match="can't be written"):
        install(SHELLS["fish"], {"HOME": str(tmp_path)})
