"""docs/output.md: its commands do what they say, in a real shell with the real awk and jq."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deployster_cli import errors
from deployster_cli.domain import payloads
from deployster_cli.domain.units.model import Condition
from deployster_cli.views import results
from tests.test_shells import project

PAGE = (Path(__file__).parent.parent / "docs" / "output.md").read_text()
EXAMPLES = re.findall(r"^```sh\n(.*?)\n```", PAGE, re.MULTILINE | re.DOTALL)

# What each example prints over the stand-in for fleetctl.
PRINTS = [
    "10.77.0.11:-\n10.77.0.11:-\n",
    "",
    "",
    "carousel 9f88701 1/1\ncarousel a41c9e2 1/1\nother v1-rc 1/1\n",
    '["running","running"]\n',
]


@pytest.mark.process
@pytest.mark.parametrize(("example", "prints"), list(zip(EXAMPLES, PRINTS, strict=True)))
def test_an_example_prints_what_it_is_for(example: str, prints: str, tmp_path: Path) -> None:
    for program in ("awk", "jq"):
        if program in example and not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    project(tmp_path)
    line = example.replace(" | jq", " | head -n 1 | jq") if "--watch" in example else example
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": f"{tmp_path}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == prints


def test_the_unit_shown_has_the_fields_of_a_unit_in_their_order() -> None:
    (shown,) = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    fields = re.findall(
        r'^        "(\w+)":', Path(payloads.__file__).read_text().split("def unit_shape")[1], re.MULTILINE
    )
    assert list(json.loads(shown)) == fields[: len(json.loads(shown))]


def test_every_state_is_named() -> None:
    assert [condition for condition in Condition if f"`{condition.value}`" not in PAGE] == []


def test_every_exit_code_has_its_row() -> None:
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    rows = re.findall(r"^\| ([\d, ]+) \|", PAGE, re.MULTILINE)
    assert codes <= {int(code) for row in rows for code in row.split(",")}


def test_the_plain_columns_are_those_of_the_program() -> None:
    (row,) = re.findall(r"^\| `units` \| (.*) \|$", PAGE, re.MULTILINE)
    named = [re.sub(r"^\d+ ", "", column).replace(" ", "-").upper() for column in row.split(", ")]
    assert tuple(named) == results.UNIT_COLUMNS_WIDE
