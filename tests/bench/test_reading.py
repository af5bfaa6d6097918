"""What is read off other programs: wrk and the kernel."""

from __future__ import annotations

from bench.memory import resident
from bench.serving import Load, parsed

WRK = """\
Running 5s test @ http://127.0.0.1:1
  1 threads and 32 connections
{"requests":7500,"microseconds":5000000,"p50":6500,"p99":38000,"failed":2}
"""

STATUS = "VmPeak:\t  30000 kB\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\n"


def test_what_wrk_measured_is_its_last_line() -> None:
    assert parsed(WRK) == Load(1500, 6.5, 38, 2)


def test_memory_is_read_in_megabytes() -> None:
    assert (resident(STATUS), resident(STATUS, "VmRSS")) == (20, 10)


def test_memory_told_after_other_output_is_found() -> None:
    assert resident("service\t9f88701\nVmHWM is no column\n" + STATUS) == 20
