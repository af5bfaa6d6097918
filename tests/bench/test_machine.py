"""The line about the machine."""

from __future__ import annotations

import platform

from bench.machine import machine

PROC = {
    "cpuinfo": "processor\t: 0\nmodel name\t: A Processor @ 2 GHz\n\nprocessor\t: 1\nmodel name\t: another\n",
    "meminfo": "MemTotal:        4194304 kB\nMemFree:  1 kB\n",
    "loadavg": "0.25 1.00 2.00 1/2 3\n",
}


def test_it_names_processor_memory_and_load() -> None:
    parts = machine(PROC.__getitem__).split(", ")
    assert (parts[0], parts[2], parts[-1]) == ("A Processor @ 2 GHz", "4.0 GB", "load 0.25 at the start")


def test_a_kernel_that_names_no_processor_leaves_its_kind() -> None:
    assert machine({**PROC, "cpuinfo": "", "meminfo": ""}.__getitem__).startswith(platform.machine())


def test_this_machine_has_a_line() -> None:
    assert f"Python {platform.python_version()}" in machine()
