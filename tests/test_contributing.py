"""CONTRIBUTING.md: its tree is the package's, its arrows are those of the layers, and its recipes work on a copy."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_architecture import MAY_IMPORT, ROOT

PAGE = (ROOT.parent / "CONTRIBUTING.md").read_text()


def part(title: str) -> str:
    """The text below a heading."""
    return PAGE.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_the_tree_says_of_each_folder_what_it_says_of_itself() -> None:
    told = dict(re.findall(r"^\| `([\w/]+)` \| (.+) \|$", part("The tree"), re.MULTILINE))
    there = {
        str(file.parent.relative_to(ROOT)): (ast.get_docstring(ast.parse(file.read_text())) or "").splitlines()
        for file in ROOT.rglob("__init__.py")
        if file.parent != ROOT
    }
    assert {folder: text.replace("`", "") for folder, text in told.items()} == {
        folder: lines[0].replace("`", "") for folder, lines in there.items()
    }


def test_the_arrows_are_those_that_are_allowed() -> None:
    told = {
        row.split(" ")[0]: set(re.findall(r"\w+", row.split("► ", 1)[1]))
        for row in part("Who may import whom").split("```")[1].strip().splitlines()
    }
    parts = {name for name in MAY_IMPORT if name and "." not in name} - {"__main__", "errors", "scaffold"}
    allowed = {
        name: {at.split(".")[0] for at in MAY_IMPORT[name]} & parts - {name, "engines"} for name in parts - {"domain"}
    }
    assert told == allowed


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package with its templates, as a wheel has it, to add to."""
    nothing = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT, tmp_path / "deployster_cli", ignore=nothing)
    shutil.copytree(ROOT.parent / "templates", tmp_path / "deployster_cli" / "templates", ignore=nothing)
    return tmp_path


def said(copy: Path, *words: str) -> str:
    """What the copy's program prints."""
    environ = {**os.environ, "PYTHONPATH": str(copy), "HOME": str(copy)}
    argv = [sys.executable, "-m", "deployster_cli", *words]
    done = subprocess.run(argv, cwd=copy, env=environ, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.process
def test_a_verb_is_two_files(copy: Path) -> None:
    command, line = re.findall(r"```python\n(.*?)```", part("To add a verb"), re.DOTALL)
    (copy / "deployster_cli" / "commands" / "hello.py").write_text(command)
    group = copy / "deployster_cli" / "cli" / "group.py"
    group.write_text(group.read_text().replace("COMMANDS = {\n", f"COMMANDS = {{\n{line}", 1))
    assert (said(copy, "hello"), "Say hello." in said(copy, "--help")) == ("hello\n", True)


@pytest.mark.process
def test_a_template_is_one_file(copy: Path) -> None:
    (copy / "deployster_cli" / "templates" / "mine.service.j2").write_text('{% extends "process.service.j2" %}\n')
    assert "mine" in said(copy, "templates", "list")
    (copy / "deployster.toml").write_text('[services.web]\ntemplate = "mine"\ncommand = "exec ./serve"\n')
    assert "ExecStart=/bin/sh" in said(copy, "render", "web", "v1")
