"""script/mutants: a change that a test notices is told from one that none does."""

from __future__ import annotations

import ast
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
MUTATING = ROOT / "script" / "mutating"
GIT = shutil.which("git")
PARTS = tuple(path.stem for path in MUTATING.glob("*.py"))


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """``part("operators")``: a module of the script, which is no package."""
    monkeypatch.syspath_prepend(str(MUTATING))
    for known in PARTS:
        monkeypatch.delitem(sys.modules, known, raising=False)
    return lambda name: runpy.run_path(str(MUTATING / f"{name}.py"), run_name="mutating")


CHANGES = [
    ("f = lambda a, b: a < b", ["comparison: a < b → (a <= b)", "comparison: a < b → (a > b)"]),
    ("f = lambda a, b: a is not b", ["comparison: a is not b → (a is b)"]),
    ("f = lambda a, b: a in b", ["comparison: a in b → (a not in b)"]),
    (
        "f = lambda a, b: a and b",
        ["and, or: a and b → (a or b)", "part left out: a and b → (b)", "part left out: a and b → (a)"],
    ),
    ("f = lambda a: not a", ["not left out: not a → (a)"]),
    ("f = lambda a: any(a)", ["any: any(a) → (all(a))"]),
    ("f = lambda a: sorted(a, key=len)", ["sorted: sorted(a, key=len) → (list(a))"]),
    (
        "f = lambda a: a[0]",
        ["first, last: a[0] → (a[-1])", "constant: 0 → (1)", "constant: 0 → (-1)"],
    ),
    ("f = lambda a, b: a[b:]", ["slice left out: a[b:] → (a)"]),
    (
        "f = lambda a, b: [c for c in a if b]",
        ["filter left out: [c for c in a if b] → ([c for c in a])", "condition: b → (not (b))"],
    ),
    ("f = lambda a, b: a + b", ["arithmetic: a + b → (a - b)"]),
    ("f = True", ["true, false: True → False"]),
    ("f = 3", ["constant: 3 → (4)", "constant: 3 → (2)"]),
    ("f()", ["left out: f() → pass"]),
    ("raise f", ["left out: raise f → pass"]),
    ("a.b = f", ["left out: a.b = f → pass"]),
    ("f = a if b else c", ["branches swapped: a if b else c → (c if b else a)"]),
    ("if a(b):\n    c = d", ["condition: a(b) → (not (a(b)))"]),
    (
        "def f(a):\n    return a == b",
        [
            "result: return a == b → return None",
            "result: return a == b → return not (a == b)",
            "comparison: a == b → (a != b)",
        ],
    ),
    ("def f(a: int = b, *, c: list[0]) -> 3:\n    '''Text.'''", []),
    ("@f(1)\nclass A(B):\n    '''Text.'''\n    a: C = d", []),
    ("if TYPE_CHECKING:\n    f(1)", []),
    ("f = f'{a + 1}'", []),
    ("A = B | None", []),
    ("f = 'text'", []),
]


@pytest.mark.parametrize(("source", "changes"), CHANGES, ids=[source.partition("\n")[0] for source, _ in CHANGES])
def test_what_is_changed(part: Callable[[str], dict[str, Any]], source: str, changes: list[str]) -> None:
    assert sorted(mutant.told for mutant in part("operators")["mutants_of"]("a.py", source)) == sorted(changes)


def test_a_change_leaves_the_rest_of_the_text_as_it_is(part: Callable[[str], dict[str, Any]]) -> None:
    source = "a = 'é'; b = x < y  # why\n\n\ndef f():\n    g(  # here\n        'ü',\n    )\n"
    mutants = {mutant.told: mutant for mutant in part("operators")["mutants_of"]("a.py", source)}
    assert mutants["comparison: x < y → (x <= y)"].text == source.replace("x < y", "(x <= y)")
    left_out = mutants["left out: g( # here 'ü', ) → pass"]
    assert (left_out.text, left_out.line, left_out.last) == (source[: source.index("g(")] + "pass\n", 5, 7)


@pytest.mark.parametrize(
    "path", ["domain/units/names.py", "domain/rollout/plan.py", "config/layers.py", "server/middleware/credentials.py"]
)
def test_every_change_of_the_core_can_be_read(part: Callable[[str], dict[str, Any]], path: str) -> None:
    mutants = list(part("operators")["mutants_of"](path, (ROOT / "deployster_cli" / path).read_text()))
    assert len(mutants) > 20
    for mutant in mutants:
        ast.parse(mutant.text)


def test_the_same_seed_draws_the_same(part: Callable[[str], dict[str, Any]]) -> None:
    operators = part("operators")
    everything = sorted(operators["mutants_of"]("a.py", "f(1, 2, 3, 4, 5)\n" * 20))
    given = type("Given", (), {"seed": 7, "count": 10})
    choose = part("__main__")["_chosen"]
    assert choose(everything, given) == choose(everything, given)
    assert len(choose(everything, given)) == 10


def test_each_change_that_was_judged_is_one_that_there_is(part: Callable[[str], dict[str, Any]]) -> None:
    equivalents, operators = part("equivalents"), part("operators")
    for one in equivalents["judged"]((MUTATING / "equivalents.toml").read_text()):
        source = (ROOT / one.path).read_text()
        lines = source.splitlines()
        told = {(lines[m.line - 1].strip(), m.told) for m in operators["mutants_of"](one.path, source)}
        assert (one.line, one.change) in told
        assert one.why


def test_the_quickest_tests_run_first_and_those_of_the_modules_own_before_others_as_quick(
    part: Callable[[str], dict[str, Any]],
) -> None:
    seconds = {"test_a.py::slow": 60, "test_a.py::quick": 3, "test_b.py::quick": 1, "test_b.py::slow": 9}
    coverage = part("covering")["Coverage"]({"a.py": {1: list(seconds)}}, seconds)
    in_order = ["test_a.py::quick", "test_b.py::quick", "test_a.py::slow", "test_b.py::slow"]
    assert coverage.of("a.py", [1], inside=True, budget=99) == (in_order, 0)


def test_a_change_that_lived_tells_of_the_tests_that_took_too_long(part: Callable[[str], dict[str, Any]]) -> None:
    coverage = part("covering")["Coverage"](
        {"a.py": {1: ["fast", "slow", "slower"]}}, {"fast": 1, "slow": 2, "slower": 9}
    )
    assert coverage.of("a.py", [1], inside=True, budget=3) == (["fast", "slow"], 1)
    (mutant, *_) = part("operators")["mutants_of"]("a.py", "f(1)")
    verdict = part("trying")["Verdict"](mutant, "LIVED", unrun=1)
    assert verdict.row == "a.py:1: left out: f(1) → pass | LIVED | 1 of its tests not run, see --limit"


# A run of it over a small package


CODE = """\
LIMIT = 3


def tested(number):
    return number < LIMIT


def untested(number):
    return number > 9


def half_tested(numbers):
    return [number for number in numbers if number != 0]


def counted_down(number):
    while number:
        number -= 1
    return number


def called_at_import(number):
    return number


MADE = called_at_import(LIMIT)
"""
TESTS = """\
import pytest
from deployster_cli.core import MADE, counted_down, half_tested, tested


@pytest.mark.parametrize("number", [2, 3])
def test_tested(number):
    assert tested(number) is (number == 2)


def test_half_tested():
    assert half_tested([1]) == [1]


def test_counted_down():
    assert counted_down(3) == 0


def test_made():
    assert MADE == 3


def test_that_fails_as_things_are():
    assert not tested(1)
"""
KNOWN = '["deployster_cli/core.py"]\n"return number > 9" = { "constant: 9 → (10)" = "nobody asks" }\n'


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A checkout with a package of one module, its tests, and the script."""
    shutil.copytree(MUTATING, tmp_path / "script" / "mutating", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "script" / "mutating" / "equivalents.toml").write_text(KNOWN)
    files = {"deployster_cli/core.py": CODE, "deployster_cli/__init__.py": "", "tests/test_it.py": TESTS}
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    subprocess.run([GIT or "git", "init", "-q", str(tmp_path)], check=True, timeout=30)
    return tmp_path


@pytest.mark.process
@pytest.mark.skipif(not GIT, reason="the program git is not installed")
def test_a_change_that_a_test_notices_is_told_from_one_that_none_does(small: Path) -> None:
    argv = [sys.executable, str(small / "script/mutating"), "--count", "0", "--jobs", "2", "deployster_cli/core.py"]
    done = subprocess.run(argv, cwd=small, capture_output=True, text=True, timeout=300, check=False)
    table = dict(row.split(" | ", 1) for row in done.stdout.splitlines() if " | " in row)
    at = "deployster_cli/core.py:"
    of = "[number for number in numbers if number != 0] → ([number for number in numbers])"
    assert table[f"{at}5: comparison: number < LIMIT → (number <= LIMIT)"].startswith("noticed | tests/test_it.py::")
    assert table[f"{at}1: constant: 3 → (4)"].startswith("noticed | ")
    assert table[f"{at}9: comparison: number > 9 → (number >= 9)"] == "UNTESTED"
    assert table[f"{at}9: constant: 9 → (10)"] == "changes nothing | nobody asks"
    assert table[f"{at}13: filter left out: {of}"] == "LIVED"
    assert table[f"{at}18: left out: number -= 1 → pass"] == "ran on"
    assert table[f"{at}23: result: return number → return None"] == "noticed | tests/test_it.py::test_made"
    lived = [row for row in table.values() if row in {"LIVED", "UNTESTED"}]
    summed_up = f"{len(table)} changes: {len(table) - len(lived) - 1} noticed, {len(lived)} not, 1 change nothing"
    assert summed_up in done.stdout.splitlines()
    assert (done.returncode, (small / "deployster_cli/core.py").read_text()) == (1, CODE)
