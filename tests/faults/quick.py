"""The program with a clock on which seconds pass quickly: python -m tests.faults.quick ARGUMENT…"""

from __future__ import annotations

from deployster_cli.main import main
from deployster_cli.operations import clock
from tests.faults.given import FastClock

if __name__ == "__main__":
    clock.SystemClock = FastClock  # type: ignore[misc]
    main()
