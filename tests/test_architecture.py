"""Which module may use what. Each rule is a table; each is shown to bite on a small made-up package."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = "deployster_cli"
ROOT = Path(__file__).parent.parent / PACKAGE

EVERYBODY_MAY = ("errors", "__version__")

# Part of the package → the parts it may import. The longest name that fits a module counts.
#
# An engine may import its own folder too; that over ssh reads what systemctl prints as the local one does.
MAY_IMPORT: Mapping[str, tuple[str, ...]] = {
    "": (),
    "__main__": ("main",),
    "main": ("cli", "views", "domain"),
    "commands": (
        *("cli", "backends", "operations", "views", "config", "domain", "engines.base", "engines.declaration"),
        "server.main",
    ),
    "cli": (
        *("cli", "backends", "operations", "views", "config", "domain", "engines.base"),
        *("engines.declaration", "engines.fleet.ssh.host_keys", "engines.process"),
    ),
    "server": ("server", "operations", "views", "config", "domain", "engines.base", "engines.process.end_all"),
    "backends": ("backends", "operations", "config", "domain", "engines.base"),
    "views": ("views", "operations", "domain"),
    "operations": (*("operations", "config", "domain", "engines.base", "engines.declaration", "engines.process"),),
    "config": ("config", "domain", "engines.base", "engines.declaration"),
    "engines": (*("engines.base", "engines.declaration", "engines.journal", "engines.process", "domain"),),
    "engines.process": ("engines.process",),
    "engines.ssh": (
        *("engines.base", "engines.declaration", "engines.journal", "engines.process", "domain"),
        *("engines.local.commands", "engines.local.join", "engines.local.parse", "engines.local.unit_folder"),
    ),
    "domain": ("domain",),
    "scaffold": (),
    "errors": (),
}

# Library → where it may be imported.
ONLY_IN: Mapping[str, tuple[str, ...]] = {
    "subprocess": ("engines.process",),
    "pty": (),
    "pexpect": ("engines.fleet.ssh.prompt",),
    "multiprocessing": (),
    "rich": ("views.terminal",),
    "jinja2": ("domain.templates.render",),
    "click": ("main", "cli", "commands"),
    "fastapi": ("server",),
    "starlette": ("server",),
    "granian": ("server",),
    "httpx": ("backends.remote",),
    "httpx_sse": ("backends.remote",),
}

# What domain may import: nothing that knows a clock, a file, the environment or the network.
PURE = {
    *("__future__", "collections", "contextlib", "dataclasses", "difflib", "enum", "functools", "hashlib", "itertools"),
    *("jinja2", "math", "re", "shlex", "traceback", "types", "typing", PACKAGE),
}

IMPURE_CALLS = {"open", "print", "input", "eval", "exec", "__import__", "now", "utcnow", "today", "getenv"}

# Beginnings of the functions of ``os`` that start or become a process.
STARTS_PROCESSES = ("exec", "spawn", "posix_spawn", "fork", "popen", "system")


@dataclass(frozen=True)
class Module:
    """One module: ``name`` is below the package (``domain.names``; the package itself is empty)."""

    name: str
    tree: ast.Module

    def imports(self) -> Iterator[str]:
        """Dotted names of all it imports, at the top or inside a function; ``from a import b`` is ``a.b``."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.name} imports relatively"
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "importlib.import_module":
                yield from (str(name.value) for name in node.args if isinstance(name, ast.Constant))

    def calls(self) -> Iterator[tuple[str, str, ast.Call]]:
        """(what the function is an attribute of, its name, the call): ``("os", "execv", …)``, ``("", "open", …)``."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield ast.unparse(node.func.value), node.func.attr, node
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield "", node.func.id, node


Modules = tuple[Module, ...]
Rule = Callable[[Modules], list[str]]


def read(root: Path) -> Modules:
    return tuple(Module(_name(file.relative_to(root)), ast.parse(file.read_text())) for file in root.rglob("*.py"))


def _name(file: Path) -> str:
    parts = file.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def below(name: str, part: str) -> bool:
    """Whether ``name`` is ``part`` or inside it."""
    return name == part or name.startswith(f"{part}.")


def row(name: str) -> str | None:
    """The row of MAY_IMPORT for a module: the longest that fits. The empty one fits the package itself only."""
    fitting = [part for part in MAY_IMPORT if name == part or (part and below(name, part))]
    return max(fitting, key=len, default=None)


def own_engine(name: str) -> tuple[str, ...]:
    """``engines.fleet``, for all that is in it."""
    return (".".join(name.split(".")[:2]),) if below(name, "engines") else ()


def modules_without_a_row(modules: Modules) -> list[str]:
    return [module.name for module in modules if row(module.name) is None]


def imports_against_the_layers(modules: Modules) -> list[str]:
    wrong = []
    for module in modules:
        allowed = (*EVERYBODY_MAY, *MAY_IMPORT.get(row(module.name) or "", ()), *own_engine(module.name))
        inside = [name.removeprefix(f"{PACKAGE}.") for name in module.imports() if below(name, PACKAGE)]
        wrong += [f"{module.name} → {name}" for name in inside if not any(below(name, part) for part in allowed)]
    return wrong


def permissions_nobody_uses(modules: Modules) -> list[str]:
    """What MAY_IMPORT allows a part and no module of it does: the table says how things are, not how they were."""
    done = {(row(module.name), name.removeprefix(f"{PACKAGE}.")) for module in modules for name in module.imports()}
    return [
        f"{part} → {allowed}"
        for part, permissions in MAY_IMPORT.items()
        for allowed in permissions
        if not any(by == part and below(name, allowed) for by, name in done)
    ]


def libraries_out_of_place(modules: Modules) -> list[str]:
    return [
        f"{module.name} → {library}"
        for module in modules
        for library, places in ONLY_IN.items()
        if any(below(name, library) for name in module.imports())
        and not any(below(module.name, place) for place in places)
    ]


def processes_out_of_place(modules: Modules) -> list[str]:
    """Processes that start, or are become, anywhere but in the one package for that."""
    return [
        f"{module.name} → {of}.{name}"
        for module in modules
        if not below(module.name, "engines.process")
        for of, name in [*((of, name) for of, name, _ in module.calls()), *_split(module.imports())]
        if (of == "os" and name.startswith(STARTS_PROCESSES)) or name.startswith("create_subprocess")
    ]


def _split(names: Iterator[str]) -> list[tuple[str, str]]:
    return [(name.rpartition(".")[0], name.rpartition(".")[2]) for name in names]


def shells(modules: Modules) -> list[str]:
    """Every ``shell=`` that is not plainly False."""
    return [
        f"{module.name} → shell={ast.unparse(keyword.value)}"
        for module in modules
        for _, _, call in module.calls()
        for keyword in call.keywords
        if keyword.arg == "shell" and ast.unparse(keyword.value) != "False"
    ]


def domain_that_is_not_pure(modules: Modules) -> list[str]:
    domain = [module for module in modules if below(module.name, "domain")]
    imports = [f"{at.name} → {name}" for at in domain for name in at.imports() if _root(name) not in PURE]
    return imports + [f"{at.name} → {name}()" for at in domain for _, name, _ in at.calls() if name in IMPURE_CALLS]


def _root(name: str) -> str:
    """The library a dotted name belongs to; of datetime only what computes is pure, so it never is."""
    return name.partition(".")[0]


RULES: tuple[Rule, ...] = (
    modules_without_a_row,
    imports_against_the_layers,
    permissions_nobody_uses,
    libraries_out_of_place,
    processes_out_of_place,
    shells,
    domain_that_is_not_pure,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps_the_rule(rule: Rule) -> None:
    assert rule(read(ROOT)) == []


BROKEN: tuple[tuple[Rule, str, str, str], ...] = (
    (modules_without_a_row, "util", "", "util"),
    (imports_against_the_layers, "domain.names", "import deployster_cli.operations", "domain.names → operations"),
    (imports_against_the_layers, "operations.a", "from deployster_cli import commands", "operations.a → commands"),
    (
        imports_against_the_layers,
        "commands.a",
        "def f():\n  from deployster_cli.engines.fleet.engine import FleetEngine",
        "commands.a → engines.fleet.engine.FleetEngine",
    ),
    (
        imports_against_the_layers,
        "engines.fleet.a",
        "from deployster_cli.engines import local",
        "engines.fleet.a → engines.local",
    ),
    (
        imports_against_the_layers,
        "config",
        "import deployster_cli.engines.local.engine",
        "config → engines.local.engine",
    ),
    (
        imports_against_the_layers,
        "views.a",
        "importlib.import_module('deployster_cli.server.app')",
        "views.a → server.app",
    ),
    (imports_against_the_layers, "", "from deployster_cli.domain import names", " → domain.names"),
    (libraries_out_of_place, "operations.a", "from subprocess import run", "operations.a → subprocess"),
    (libraries_out_of_place, "commands.a", "def f():\n  import rich.table", "commands.a → rich"),
    (libraries_out_of_place, "views.a", "import click", "views.a → click"),
    (libraries_out_of_place, "domain.plan", "from jinja2 import Template", "domain.plan → jinja2"),
    (libraries_out_of_place, "engines.fleet.a", "import pexpect", "engines.fleet.a → pexpect"),
    (processes_out_of_place, "views.a", "import os\nos.execvp('a', [])", "views.a → os.execvp"),
    (processes_out_of_place, "views.a", "from os import system", "views.a → os.system"),
    (
        processes_out_of_place,
        "server.a",
        "asyncio.create_subprocess_exec('a')",
        "server.a → asyncio.create_subprocess_exec",
    ),
    (shells, "engines.process", "subprocess.run('a', shell=True)", "engines.process → shell=True"),
    (shells, "engines.process", "subprocess.run('a', shell=x)", "engines.process → shell=x"),
    (domain_that_is_not_pure, "domain.a", "import os.path", "domain.a → os.path"),
    (domain_that_is_not_pure, "domain.a", "from datetime import datetime", "domain.a → datetime.datetime"),
    (domain_that_is_not_pure, "domain.a.b", "open('f')", "domain.a.b → open()"),
    (domain_that_is_not_pure, "domain.a", "clock.now()", "domain.a → now()"),
)


@pytest.mark.parametrize(("rule", "name", "source", "wrong"), BROKEN)
def test_the_rule_bites(rule: Rule, name: str, source: str, wrong: str) -> None:
    assert rule((Module(name, ast.parse(source)),)) == [wrong]


def test_a_permission_that_is_not_used_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MAY_IMPORT, "views", ("domain", "server"))
    assert "views → server" in permissions_nobody_uses(read(ROOT))


def test_modules_are_named_by_their_place(tmp_path: Path) -> None:
    (tmp_path / "domain").mkdir()
    for file in ("__init__.py", "main.py", "domain/__init__.py", "domain/names.py"):
        (tmp_path / file).touch()
    assert {module.name for module in read(tmp_path)} == {"", "main", "domain", "domain.names"}


def test_a_relative_import_is_refused() -> None:
    with pytest.raises(AssertionError, match="imports relatively"):
        list(Module("domain.a", ast.parse("from . import names")).imports())
