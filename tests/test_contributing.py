"""CONTRIBUTING.md: its tree is the package's, its arrows are those of the layers, and its recipes work on a copy."""

from __future__ import annotations

import ast
import json
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
    (copy / "deployster.toml").write_text(
        '[services.web]\ntemplate = "mine"\ncommand = "exec ./serve"\ndirectory = "/srv"\n'
    )
    assert "ExecStart=/bin/sh" in said(copy, "render", "web", "v1")


ENGINE = """\
\"\"\"The paper engine: nothing runs on it.\"\"\"

from deployster_cli.domain.units.model import Machine


class PaperEngine:
    \"\"\"As much of engines.base.Engine as ``check`` asks for.\"\"\"

    is_local = True
    setup = None

    def __init__(self, options):
        self.options = options

    def check(self):
        return ""

    def machines(self):
        return tuple(Machine(desk) for desk in self.options.desks)

    def troubles(self, needs):
        return ()

    def units(self):
        return ()
"""

SCAFFOLD = """\
engine = "paper"
[paper]
desks = ["left", "right"]
[services.@SERVICE@]
template = "@TEMPLATE@"
command = "true"
"""


def files(copy: Path) -> dict[str, bytes]:
    """Every file of the copy but what Python compiled."""
    found = (file for file in (copy / "deployster_cli").rglob("*") if file.is_file() and file.suffix != ".pyc")
    return {str(file.relative_to(copy / "deployster_cli")): file.read_bytes() for file in found}


@pytest.fixture
def with_engine(copy: Path) -> Path:
    """The copy with the engine of the recipe."""
    line, declaration = re.findall(r"```python\n(.*?)```", part("To add an engine"), re.DOTALL)
    table, folder = (
        copy / "deployster_cli" / "engines" / "declaration.py",
        copy / "deployster_cli" / "engines" / "paper",
    )
    table.write_text(table.read_text().replace("TABLE = {\n", f"TABLE = {{\n{line}", 1))
    folder.mkdir()
    template = '{% extends "process.service.j2" %}\n'
    written = {"declaration.py": declaration, "engine.py": ENGINE, "deployster.toml": SCAFFOLD, "__init__.py": ""}
    for name, text in {**written, "template.service.j2": template}.items():
        (folder / name).write_text(text)
    return copy


def configured(copy: Path, *words: str) -> dict[str, tuple[object, str]]:
    """Setting → value and where it is from."""
    found = json.loads(said(copy, *words, "config", "-o", "json"))["settings"]
    return {row["key"]: (row["value"], row["from"]) for row in found}


@pytest.mark.process
def test_an_engine_is_a_folder_and_a_line(with_engine: Path) -> None:
    before = {name: text for name, text in files(ROOT.parent).items() if not name.startswith("templates/")}
    now = {name: text for name, text in files(with_engine).items() if not name.startswith("templates/")}
    changed = [name for name in before if now[name] != before[name]]
    assert (changed, {name.rpartition("/")[0] for name in now.keys() - before}) == (
        ["engines/declaration.py"],
        {"engines/paper"},
    )
    assert len(now[changed[0]].splitlines()) == len(before[changed[0]].splitlines()) + 1


@pytest.mark.process
def test_its_settings_and_options_are_there(with_engine: Path) -> None:
    assert "--writer NAME" in said(with_engine, "deploy", "--help")
    (with_engine / "deployster.toml").write_text('engine = "paper"\n[paper]\ndesks = ["left"]\n')
    assert (
        configured(with_engine, "--writer", "you").items()
        >= {
            "engine": ("paper", "deployster.toml:1"),
            "paper.writer": ("you", "flag --writer"),
        }.items()
    )
    assert configured(with_engine)["paper.desks"] == (["left"], "deployster.toml:3")


@pytest.mark.process
def test_init_writes_its_files_and_check_asks_it(with_engine: Path) -> None:
    said(with_engine, "init", "web", "--engine", "paper")
    assert "[paper]" in (with_engine / "deployster.toml").read_text()
    told = said(with_engine, "check", "-o", "plain")
    assert "machines\tok\tleft, right" in told and "service web\tok\ttemplate web" in told


TABLES = """Kind(
    "a list of NAME or { name = NAME, room = NAME }",
    lambda value: isinstance(value, list),
    convert=lambda value: tuple(it if isinstance(it, str) else f"{it['name']} in {it['room']}" for it in value),
)"""


@pytest.mark.process
def test_a_setting_may_be_a_list_of_texts_and_tables(with_engine: Path) -> None:
    declaration = with_engine / "deployster_cli" / "engines" / "paper" / "declaration.py"
    text = declaration.read_text().replace('list_of("NAME", bool)', TABLES).replace("WORD, list_of", "WORD, Kind")
    declaration.write_text(text)
    (with_engine / "deployster.toml").write_text('[paper]\ndesks = ["left", { name = "right", room = "A" }]\n')
    assert configured(with_engine)["paper.desks"] == (["left", "right in A"], "deployster.toml:2")
    (with_engine / "deployster.toml").write_text('[[paper.desks]]\nname = "right"\nroom = "A"\n')
    assert configured(with_engine)["paper.desks"] == (["right in A"], "deployster.toml:1")
