"""Journal entries from a program that prints journald's export format. Both engines have such programs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from deployster_cli.domain.units.journal import Entry, Export
from deployster_cli.engines.process import Completed, Stream


class Exported:
    """engines.base.Entries over a stream. ``judge`` raises what its end means, if it ended by itself."""

    def __init__(self, stream: Stream, judge: Callable[[Completed], object]) -> None:
        self._stream = stream
        self._judge = judge

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries, as they come."""
        export = Export()
        with contextlib.closing(iter(self._stream)) as pieces:
            for piece in pieces:
                yield from export.feed(piece)
        if not self._stream.closed:
            self._judge(self._stream.completed())

    def close(self) -> None:
        """End the program."""
        self._stream.close()
