"""Scripts as a shell takes them from its stdin, one after another."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from deployster_cli.engines.process import Dialogue, run
from deployster_cli.engines.ssh import parse, scripts
from tests.engines.process.scripts import sh

pytestmark = pytest.mark.process

MARK = "0123456789abcdef"


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_half_a_script_does_nothing(shell: str, tmp_path: Path) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not there")
    done, folder = tmp_path / "done", tmp_path / "a )\n) </dev/null b"
    body = f": >'{done}'\nmkdir -p -- '{folder}'\n"
    whole = scripts.script(body, MARK, user=False)
    inside = whole.index("\n) </dev/null\nprintf")
    for end in range(0, inside + 1, 3):
        run([shell, "-s"], limit=10, given=whole[:end])
        assert not done.exists()
    run([shell, "-s"], limit=10, given=whole)
    assert done.exists()
    assert folder.is_dir()


def test_a_script_leaves_nothing_to_the_next_one() -> None:
    shell = Dialogue(sh("exec sh -s"))

    def told(body: str) -> tuple[str, str]:
        done = shell.ask(
            scripts.script(body, MARK, user=False),
            lambda out, err: parse.is_ending(out, err, MARK),
            limit=10,
            argv=["sh"],
        )
        found = parse.ending(done.out, MARK)
        assert found
        return found[0], parse.said(done.err, MARK)

    assert told("cd /; N=1; trap 'echo bye' EXIT; set -- a; umask 0; cat; echo no >&2; exit 3") == ("bye\n", "no\n")
    assert told('printf "%s|" "$N" "$#" "$(umask)"; trap | grep -v PIPE') == ("|0|0077|", "")
    shell.close()


def test_a_script_that_nobody_listens_to_clears_up_behind_itself(tmp_path: Path) -> None:
    draft, began = tmp_path / "draft", tmp_path / "began"
    body = f'D={draft}\ntrap \'rm -f -- "$D"\' EXIT\n: >"$D"; : >{began}\nsleep 0.3\npart one; part two\nsleep 0.3\n'
    with subprocess.Popen(["/bin/sh", "-s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdin
        assert shell.stdout
        shell.stdin.write(scripts.script(body, MARK, user=False).encode())
        shell.stdin.close()
        while not began.exists():
            time.sleep(0.01)
        shell.stdout.close()
        shell.wait(10)
    assert not draft.exists()
