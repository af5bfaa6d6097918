"""The folders that have to be there before systemctl3 is started twice at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deployster_cli.domain.names import UnitName
from deployster_cli.engines.systemctl.layout import Layout

RUN_FOLDER = "from systemctl2 import systemctl3 as s; import sys; s._root = sys.argv[1]; print(s.get_RUN(False))"


@pytest.mark.process
def test_the_run_folder_of_systemctl3_is_there_before_it_could_make_it(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.prepare(UnitName("carousel", "v1", 1))
    before = set(layout.tree.iterdir())
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    argv = [sys.executable, "-c", RUN_FOLDER, str(layout.tree)]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=True, timeout=30)
    assert Path(done.stdout.strip()).is_dir()
    assert set(layout.tree.iterdir()) == before
