"""The clock of whoever waits for a reader."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import IO

import pytest

from deployster_cli.operations.clock import SystemClock, while_read


@pytest.fixture
def pipe() -> Iterator[tuple[IO[bytes], IO[str]]]:
    """The two ends of a pipe."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as reader, os.fdopen(writing, "w") as writer:
        yield reader, writer


def test_it_waits_while_the_pipe_is_read(pipe: tuple[IO[bytes], IO[str]]) -> None:
    clock = while_read(pipe[1])
    began = clock.now()
    clock.sleep(0.05)
    assert clock.now() - began >= 0.05


def test_waiting_ends_at_once_when_the_reader_has_left(pipe: tuple[IO[bytes], IO[str]]) -> None:
    clock = while_read(pipe[1])
    pipe[0].close()
    with pytest.raises(BrokenPipeError):
        clock.sleep(60)


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_what_is_no_file_has_no_reader_to_lose(stream: IO[str] | None) -> None:
    assert while_read(stream) == SystemClock()
