"""python -m bench ssh over three machines: each side replaces its releases, and nothing is left of either."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engines.local.machine import missing
from tests.engines.ssh.machines import several

pytestmark = [pytest.mark.systemd, pytest.mark.ssh]

BENCH = """
import os
os.environ["SSH_CONFIG"] = PATH
from bench.effort import Effort
from bench.ssh import run
for row in run(Effort(quick=True)):
    print(row.name, "|", row.rival, "|", all(figure > 0 for figure in (*row.ours, *row.others)))
"""


def test_a_quick_run_compares_and_leaves_nothing(tmp_path: Path) -> None:
    if why := missing():
        pytest.skip(why)
    with several(tmp_path) as machines:
        rows = machines.python(BENCH.replace("PATH", repr(str(machines.config)))).splitlines()
        left = [machine.run("sh", "-c", "ls /etc/systemd/system | grep bench || :") for machine in machines.each]
    assert rows[0] == (
        "deploy 3 instances on as many machines, --destroy-previous --settle 0s | "
        "the shortest parallel shell script | True"
    )
    assert rows[-1] == "units | ssh … systemctl show on all machines at once | True"
    assert left == ["", "", ""]
