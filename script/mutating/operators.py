"""Small wrong changes of a module: each operator is a function from a node to what might stand in its place.

A change keeps the rest of the text as it is, so that what covers a line still does.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# What is done, in a word or two, and the text that takes the node's place.
Change = tuple[str, str]


@dataclass(frozen=True, order=True)
class Mutant:
    """One change of one file. ``line`` and ``last`` are where the changed text stands, 1 is the first; ``text`` is the
    whole file with it, ``before`` and ``after`` the text that is changed; ``inside``: a function has it.
    """

    path: str
    line: int
    column: int
    what: str
    after: str
    before: str
    last: int
    inside: bool
    text: str

    @property
    def told(self) -> str:
        """The change on one line, for the table and for the list of equivalents."""
        return f"{self.what}: {_flat(self.before)} → {_flat(self.after)}"


def mutants_of(path: str, source: str) -> Iterator[Mutant]:
    """Every change of this file, in the order of its text."""
    lines = source.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    whole = source.encode()
    tree = ast.parse(source)
    conditions = set(map(id, _conditions(tree)))
    for node, inside in _nodes(tree):
        negated = [("condition", f"(not {_written(node)})")] if id(node) in conditions else []
        for what, after in (*_changes(node), *negated):
            begin = starts[node.lineno - 1] + node.col_offset
            end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
            text = (whole[:begin] + after.encode() + whole[end:]).decode()
            before = whole[begin:end].decode()
            last = node.end_lineno or node.lineno
            yield Mutant(path, node.lineno, node.col_offset, what, after, before, last, inside, text)


def _nodes(tree: ast.Module) -> Iterator[tuple[ast.expr | ast.stmt, bool]]:
    """Every statement and expression that may be changed, and whether it is inside a function."""
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, inside = waiting.pop()
        if isinstance(node, ast.expr | ast.stmt):
            yield node, inside
        waiting += [(child, inside or _is_function(node)) for child in reversed(list(_children(node)))]


def _conditions(tree: ast.Module) -> Iterator[ast.expr]:
    """What is a condition as it stands, a name or a call: the others change by their parts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.IfExp):  # its branches are swapped, which is the same
            continue
        tests = node.ifs if isinstance(node, ast.comprehension) else [getattr(node, "test", None)]
        yield from (test for test in tests if isinstance(test, ast.Call | ast.Name | ast.Attribute | ast.NamedExpr))


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """What is inside it, but for types, decorators, docstrings, imports and text with values in it."""
    if isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom):
        return
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        yield from node.orelse
        return
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "bases", "keywords"} and not isinstance(node, ast.Call):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_text(child):
                yield child


def _is_text(node: ast.AST) -> bool:
    """Whether it is a docstring, or ``...``."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _changes(node: ast.expr | ast.stmt) -> Iterator[Change]:
    for operator in OPERATORS:
        yield from operator(node)


_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}


def _comparison(node: ast.AST) -> Iterator[Change]:
    if not isinstance(node, ast.Compare):
        return
    for index, operator in enumerate(node.ops):
        for other in _COMPARED[type(operator)]:
            changed = copy.deepcopy(node)
            changed.ops[index] = other()
            yield "comparison", _written(changed)


def _boolean(node: ast.AST) -> Iterator[Change]:
    if not isinstance(node, ast.BoolOp):
        return
    changed = copy.deepcopy(node)
    changed.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield "and, or", _written(changed)
    for index in range(len(node.values)):
        others = node.values[:index] + node.values[index + 1 :]
        yield "part left out", _written(ast.BoolOp(node.op, others) if len(others) > 1 else others[0])


def _negation(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not left out", _written(node.operand)
    elif isinstance(node, ast.IfExp):
        yield "branches swapped", _written(ast.IfExp(node.test, node.orelse, node.body))


def _constant(node: ast.AST) -> Iterator[Change]:
    if not isinstance(node, ast.Constant):
        return
    if isinstance(node.value, bool):
        yield "true, false", str(not node.value)
    elif isinstance(node.value, int | float):
        yield "constant", _written(ast.Constant(node.value + 1))
        yield "constant", _written(ast.Constant(node.value - 1))


_SWAPPED = {"any": "all", "all": "any", "min": "max", "max": "min", "sorted": "list", "reversed": "iter"}


def _choice(node: ast.AST) -> Iterator[Change]:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SWAPPED):
        return
    changed = copy.deepcopy(node)
    changed.func = ast.Name(_SWAPPED[node.func.id])
    if node.func.id == "sorted":
        changed.keywords = []
    yield node.func.id, _written(changed)


def _end(node: ast.AST) -> Iterator[Change]:
    """The first for the last, and a slice that takes all."""
    if not isinstance(node, ast.Subscript):
        return
    at = ast.unparse(node.slice)
    if at in {"0", "-1"}:
        yield "first, last", _written(ast.Subscript(node.value, ast.Constant(-1 if at == "0" else 0)))
    elif isinstance(node.slice, ast.Slice) and (node.slice.lower or node.slice.upper):
        yield "slice left out", _written(node.value)


def _filter(node: ast.AST) -> Iterator[Change]:
    """A comprehension without one of its conditions."""
    if not isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        return
    for number, generator in enumerate(node.generators):
        for index in range(len(generator.ifs)):
            changed = copy.deepcopy(node)
            del changed.generators[number].ifs[index]
            yield "filter left out", _written(changed)


_COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
}


def _arithmetic(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.BinOp) and type(node.op) in _COUNTED and not _is_type(node):
        yield "arithmetic", _written(ast.BinOp(node.left, _COUNTED[type(node.op)](), node.right))


def _is_type(node: ast.BinOp) -> bool:
    """Whether it reads like a type: ``A | B``, ``X | None``."""
    named = all(isinstance(side, ast.Name | ast.Attribute) for side in (node.left, node.right))
    none = isinstance(node.right, ast.Constant) and node.right.value is None
    return isinstance(node.op, ast.BitOr) and (none or (named and ast.unparse(node)[0].isupper()))


def _statement(node: ast.AST) -> Iterator[Change]:
    """A statement that is not carried out."""
    plain = isinstance(node, ast.Expr | ast.AugAssign | ast.Raise | ast.Continue | ast.Break | ast.Delete)
    kept = isinstance(node, ast.Assign) and any(isinstance(t, ast.Attribute | ast.Subscript) for t in node.targets)
    if plain or kept:
        yield "left out", "pass"


def _result(node: ast.AST) -> Iterator[Change]:
    if not isinstance(node, ast.Return) or node.value is None:
        return
    if ast.unparse(node.value) != "None":
        yield "result", "return None"
    if isinstance(node.value, ast.Compare | ast.BoolOp | ast.UnaryOp):
        yield "result", f"return not {_written(node.value)}"


OPERATORS: tuple[Callable[[ast.AST], Iterator[Change]], ...] = (
    _comparison,
    _boolean,
    _negation,
    _constant,
    _choice,
    _end,
    _filter,
    _arithmetic,
    _statement,
    _result,
)


def _written(node: ast.AST) -> str:
    return f"({ast.unparse(ast.fix_missing_locations(node))})"


def _flat(text: str) -> str:
    return " ".join(text.split())
