"""Rows as text: aligned columns for people, tab-separated lines for programs. Pure; colour comes from rich_tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from deployster_cli.views.rows import Row

GAP, INDENT = 2, 2
"""Blanks between columns, and before what stands below the line that it belongs to."""

_LEAST_ROOM = 20
"""A last column of sentences is folded within itself where it has at least this much room."""

Line = tuple[str, ...]
"""Cells with the blanks round them."""


def widths(columns: Row, rows: Sequence[Row]) -> list[int]:
    """How wide each column has to be."""
    return [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]


def aligned(columns: Row, rows: Sequence[Row]) -> str:
    """A header and the rows in columns, two spaces apart, without trailing blanks."""
    sizes = widths(columns, rows)
    lines = ("  ".join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)) for row in (columns, *rows))
    return "".join(line.rstrip() + "\n" for line in lines)


def plain(rows: Sequence[Row]) -> str:
    """One line a row, cells parted by one TAB, no header: what awk and cut expect."""
    return "".join("\t".join(row) + "\n" for row in rows)


def fitted(columns: Row, rows: Sequence[Row], width: int, by: int = 0) -> Iterator[Line]:
    """The header and the rows as lines of at most ``width`` characters, columns below one another.

    The first ``by`` cells stand only where they differ from those of the row above; where a row is too wide, on a line
    of their own. What is still too wide goes on below, between two cells, and a last column of sentences between two
    words. No cell without a blank in it is torn apart: a version or a machine wider than ``width`` stays as it is.
    """
    apart = bool(by) and sum(widths(columns, rows)) + GAP * (len(columns) - 1) > width
    leads = [row[:by] for row in (columns, *rows)]
    news = [lead != above for lead, above in zip(leads, [(), *leads], strict=False)]
    if not apart:
        blank = ("",) * by
        shown = [row if new else blank + row[by:] for row, new in zip(rows, news[1:], strict=True)]
        yield from (line for lines in _folded_rows(columns, shown, width) for line in lines)
        return
    below = _folded_rows(columns[by:], [row[by:] for row in rows], width - INDENT)
    for lead, new, lines in zip(leads, news, below, strict=True):
        if new:
            yield from _lead(lead, width)
        yield from ((" " * INDENT + first, *more) for first, *more in lines)


def _lead(cells: Row, width: int) -> Iterator[Line]:
    """What rows have in common, above them: on one line, or where that is too wide below one another."""
    if sum(map(len, cells)) + GAP * (len(cells) - 1) <= width:
        yield tuple(cell + " " * GAP for cell in cells)
        return
    first, *more = cells
    yield (first,)
    yield from ((" " * 2 * INDENT + cell,) for cell in more)


def _folded_rows(columns: Row, rows: Sequence[Row], width: int) -> list[list[Line]]:
    """The header and each row, as its lines."""
    sizes = widths(columns, rows)
    room = width - sum(sizes[:-1]) - GAP * (len(sizes) - 1)
    if _LEAST_ROOM <= room < sizes[-1] and any(" " in row[-1] for row in rows):
        sizes[-1] = room
    parts = list(_parts(sizes, width))
    return [
        [line for part in _own_parts(row, parts, sizes, width) for line in _lines(row, part, sizes, width)]
        for row in (columns, *rows)
    ]


def _parts(sizes: Sequence[int], width: int) -> Iterator[range]:
    """The columns that stand on each line of a row: as many as there is room for, at least one."""
    begin, used = 0, 0
    for column, size in enumerate(sizes):
        if column > begin and used + size > width:
            yield range(begin, column)
            begin, used = column, INDENT
        used += size + GAP
    yield range(begin, len(sizes))


def _own_parts(row: Row, parts: Sequence[range], sizes: Sequence[int], width: int) -> Sequence[range]:
    """The parts of this row: a last cell for which others have no room stays beside the rest where this one has."""
    *before, last = parts
    if not before or len(last) > 1:
        return parts
    *before, above = before
    taken = (INDENT if above.start else 0) + sum(sizes[i] + GAP for i in above)
    return [*before, range(above.start, last.stop)] if taken + len(row[-1]) <= width else parts


def _lines(row: Row, part: range, sizes: Sequence[int], width: int) -> Iterator[Line]:
    """One part of a row: a line, and more where its last cell is a sentence that has to be folded."""
    before = " " * (INDENT if part.start else 0)
    cells = [row[i].ljust(sizes[i]) + " " * GAP for i in part[:-1]]
    taken = len(before) + sum(map(len, cells))
    first, *more = _folded(row[part[-1]], max(width - taken, _LEAST_ROOM))
    texts = [*cells, first]
    texts[0] = before + texts[0]
    yield tuple(texts)
    yield from ((" " * taken + text,) for text in more)


def _folded(cell: str, width: int) -> list[str]:
    if len(cell) <= width:
        return [cell]
    import textwrap  # noqa: PLC0415 - only where something has to be folded

    return textwrap.wrap(cell, width, break_long_words=False, break_on_hyphens=False) or [""]
