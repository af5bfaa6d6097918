"""python -m bench [NAME…] [--quick] [--write FILE]: run the benchmarks and print one table."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import click

from bench.effort import Effort, Failed
from bench.machine import machine
from bench.page import Found, page
from bench.results import Comparison, Missing
from bench.table import on_screen, row

# Each is ``run`` in the module bench.NAME.
BENCHMARKS = ("startup", "units", "memory", "calls", "serving", "cluster", "deploy", "ssh")


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(BENCHMARKS))
@click.option("--quick", is_flag=True, help="Few runs: whether it works, not how fast it is.")
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="Write the page to this file too.")
def main(names: tuple[str, ...], quick: bool, write: Path | None) -> None:
    """Measure everything, or the benchmarks named, and print one table."""
    here = machine()
    click.echo(here)
    run = Run()
    for name in names or BENCHMARKS:
        run.measure(name, Effort(quick))
    click.echo(f"\n{on_screen(run.rows)}", nl=False)
    for name, why in run.skipped:
        click.echo(f"{name} skipped: {why}")
    if run.failed:
        raise click.ClickException("; ".join(run.failed))
    if write:
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        write.write_text(page(Found(_command(names, quick=quick), today, here, run.rows, run.skipped)))


@dataclass
class Run:
    """The rows so far, what was skipped with why, and what failed: the rest is measured all the same."""

    rows: list[Comparison] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def measure(self, name: str, effort: Effort) -> None:
        """One benchmark; each of its rows is told of on stderr as it comes."""
        try:
            for found in importlib.import_module(f"bench.{name}").run(effort):
                click.echo("  ".join(row(found)), err=True)
                self.rows.append(found)
        except Missing as missing:
            self.skipped.append((name, str(missing)))
        except Failed as failed:
            self.failed.append(f"{name}: {failed}")


def _command(names: Sequence[str], *, quick: bool) -> str:
    """What was typed, but for where the page goes."""
    words = (*names, *(["--quick"] if quick else []))
    return " ".join(("script/bench", *words)) if words else "make bench"


def _terminate(*_: object) -> None:
    """SIGTERM unwinds as Ctrl-C does, so that whatever a benchmark has put somewhere is taken away."""
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminate)
    main()
