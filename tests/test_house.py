"""The house is kept: sizes, docstrings, and nothing that nobody uses. Each rule is shown to bite."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from statistics import median, quantiles

import pytest

from deployster_cli.config.load import ServeOptions
from deployster_cli.config.schema import SERVE
from deployster_cli.engines.declaration import declared
from tests.test_architecture import ROOT, Module, Modules, Rule, read

LONGEST_MODULE = 400
LONGEST_FUNCTION = 50

# Lines of the body of a command: it says what is asked for, and leaves the work to those who do it.
LONGEST_COMMAND = 15

MEDIAN_FUNCTION, P90_FUNCTION = 8, 25

# Methods and classes whose name stands nowhere in the package, because somebody else calls them.
CALLED_BY_LIBRARIES = {
    *("list_commands", "get_command", "get_completion_args", "format_completion"),  # click
    *("redirect_request", "collect"),  # urllib, prometheus-client
    "DECLARATION",  # engines.declaration.TABLE has its module as text
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(module: Module) -> Iterator[Function]:
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def lines(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def modules_that_are_too_long(modules: Modules) -> list[str]:
    last = {module.name: max((node.end_lineno or 0 for node in module.tree.body), default=0) for module in modules}
    return [f"{name}: {length} lines" for name, length in last.items() if length >= LONGEST_MODULE]


def functions_that_are_too_long(modules: Modules) -> list[str]:
    return [
        f"{module.name}.{function.name}: {lines(function)} lines"
        for module in modules
        for function in functions(module)
        if lines(function) > LONGEST_FUNCTION
    ]


def command_bodies_that_are_too_long(modules: Modules) -> list[str]:
    return [
        f"{module.name}.{command.name}: {length} lines"
        for module in modules
        if module.name.startswith("commands.")
        for command in functions(module)
        if any("command" in ast.unparse(decorator) for decorator in command.decorator_list)
        and (length := _body_lines(command)) >= LONGEST_COMMAND
    ]


def _body_lines(function: Function) -> int:
    """Lines of a function behind its docstring, which of a command is its help text."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def modules_that_do_not_say_why(modules: Modules) -> list[str]:
    return [module.name for module in modules if module.tree.body and not ast.get_docstring(module.tree)]


def public_parts_without_a_docstring(modules: Modules) -> list[str]:
    return [f"{module.name}.{name}" for module in modules for name in _undocumented(module.tree)]


def _undocumented(tree: ast.Module | ast.ClassDef) -> Iterator[str]:
    """Public functions, classes and methods without one. Decorated methods may say it by their signature alone."""
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node) and not node.decorator_list:
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{name}" for name in _undocumented(node))


def parts_nobody_uses(modules: Modules) -> list[str]:
    """Functions, classes, methods and constants whose name is written once only. Tests don't count as users."""
    used = {name for module in modules for name in _used(module.tree)} | CALLED_BY_LIBRARIES
    return [f"{module.name}.{name}" for module in modules for name in _defined(module.tree) if name not in used]


def _used(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg


def _defined(tree: ast.Module | ast.ClassDef) -> Iterator[str]:
    """What a module or a class defines, but for what a decorator hands to somebody else, and for dunders."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from (name for name in _defined(node) if not _is_record(node))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from [node.name] if not node.decorator_list and not node.name.startswith("__") else []
        elif isinstance(node, ast.Assign) and isinstance(tree, ast.Module):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name) and target.id != "__all__")
        elif isinstance(node, ast.AnnAssign) and isinstance(tree, ast.Module) and isinstance(node.target, ast.Name):
            yield node.target.id


def _is_record(node: ast.ClassDef) -> bool:
    """Whether a class is the answer or the body of a request, whose fields a library reads."""
    return any(ast.unparse(base) in {"BaseModel", "TypedDict"} for base in node.bases)


RULES: tuple[Rule, ...] = (
    modules_that_are_too_long,
    functions_that_are_too_long,
    command_bodies_that_are_too_long,
    modules_that_do_not_say_why,
    public_parts_without_a_docstring,
    parts_nobody_uses,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps_the_rule(rule: Rule) -> None:
    assert rule(read(ROOT)) == []


def test_most_functions_are_short() -> None:
    lengths = [lines(function) for module in read(ROOT) for function in functions(module)]
    assert (median(lengths) <= MEDIAN_FUNCTION, quantiles(lengths, n=10)[-1] <= P90_FUNCTION) == (True, True)


LONG = "def f():\n" + "  x()\n" * 51
COMMAND = "@cli.command()\ndef deploy():\n  '''Help.'''\n" + "  x()\n" * 15

BROKEN: tuple[tuple[Rule, str, str, str], ...] = (
    (modules_that_are_too_long, "a", "x()\n" * 400, "a: 400 lines"),
    (functions_that_are_too_long, "a", LONG, "a.f: 52 lines"),
    (command_bodies_that_are_too_long, "commands.deploy", COMMAND, "commands.deploy.deploy: 15 lines"),
    (modules_that_do_not_say_why, "a", "x = 1", "a"),
    (public_parts_without_a_docstring, "a", "def f(): ...", "a.f"),
    (public_parts_without_a_docstring, "a", "class _A: ...\nclass B:\n  '''.'''\n  def f(self): ...", "a.B.f"),
    (parts_nobody_uses, "a", "def f(): ...", "a.f"),
    (parts_nobody_uses, "a", "MOST = 1", "a.MOST"),
    (parts_nobody_uses, "a", "class A:\n  def f(self): ...\nA()", "a.f"),
)


@pytest.mark.parametrize(("rule", "name", "source", "wrong"), BROKEN)
def test_the_rule_bites(rule: Rule, name: str, source: str, wrong: str) -> None:
    assert rule((Module(name, ast.parse(source)),)) == [wrong]


OPTIONS = ((set(engine.kinds), f"engines.{name}") for name, engine in declared().items())


@pytest.mark.parametrize(
    ("settings", "readers"), [*OPTIONS, (set(SERVE), "server"), (set(ServeOptions.__annotations__), "server")]
)
def test_every_setting_is_read_by_whom_it_is_for(settings: set[str], readers: str) -> None:
    read_there = {
        node.attr
        for module in read(ROOT)
        if module.name.startswith((readers, "commands.serve", "engines.base"))
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
    }
    assert settings - read_there == set()
