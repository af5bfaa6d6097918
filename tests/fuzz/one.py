"""One parser, fuzzed by atheris for some seconds: ``python -m tests.fuzz.one PARSER SECONDS FOLDER``.

A failure does not end the run: each different one is kept in FOLDER with the shortest input that shows it. A parse
that hangs does end it, as libFuzzer says.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LONGEST_INPUT = 4096

# Seconds in which every parse of so little has to end, on a machine that does other things too.
SLOW = 2.0

HANGS = 20


class TooSlow(Exception):
    """A parse took longer than SLOW."""


@dataclass(frozen=True)
class Failures:
    """What failed, in files named by what and where: NAME.txt says how, NAME.bin is the input."""

    folder: Path

    def note(self, error: Exception, data: bytes) -> None:
        """Keep it, where it is new or shorter than the one before."""
        frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-2:]]
        which = hashlib.sha256(repr((type(error).__name__, frames)).encode()).hexdigest()[:12]
        kept = self.folder / f"{which}.bin"
        if kept.exists() and kept.stat().st_size <= len(data):
            return
        kept.write_bytes(data)
        told = "".join(traceback.format_exception(error))
        kept.with_suffix(".txt").write_text(f"{data!r}\n\n{told}", "utf-8", errors="replace")


def _dictionary(words: tuple[bytes, ...], file: Path) -> Path:
    """libFuzzer's: a word a line in quotes, every byte by its number."""
    file.write_text("".join('"' + "".join(f"\\x{byte:02X}" for byte in word) + '"\n' for word in words if word))
    return file


def _corpus(seeds: tuple[bytes, ...], folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for seed in seeds:
        (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    return folder


def fuzz(name: str, seconds: int, folder: Path) -> None:
    """Never comes back: libFuzzer ends the process."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["deployster_cli"]):
        target = importlib.import_module("tests.fuzz.targets").TARGETS[name]
    failures = Failures(folder)

    def once(data: bytes) -> None:
        began = time.process_time()
        try:
            target.run(data)
        except Exception as error:
            failures.note(error, data)
        if time.process_time() - began > SLOW:
            failures.note(TooSlow(), data)

    words, seeds = _dictionary(target.words, folder / "words"), _corpus(target.seeds, folder / "corpus")
    options = (f"-max_total_time={seconds}", f"-max_len={LONGEST_INPUT}", f"-timeout={HANGS}", f"-dict={words}")
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/hang-", "-print_final_stats=1", str(seeds)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    fuzz(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
