"""Many idle event streams held on one real server, and what that costs: ``python -m tests.server.holding 1000 60``."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.server.killing import PASSWORD, Server

TICK = os.sysconf("SC_CLK_TCK")


class Held(Server):
    """A server whose process can be looked at."""

    def cost(self) -> tuple[float, float, int]:
        """Its memory in MB, its processor time in seconds, its threads."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        facts = dict(line.split(":", 1) for line in status.splitlines())
        stat = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(facts["VmRSS"].split()[0]) / 1024, (int(stat[11]) + int(stat[12])) / TICK, int(facts["Threads"])


async def opened(url: str, path: str) -> asyncio.StreamReader:
    """One stream, past its headers and its first events."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    login = base64.b64encode(f"deployster:{PASSWORD}".encode()).decode()
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {login}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    KEPT.append(writer)
    return reader


KEPT: list[asyncio.StreamWriter] = []


async def to_end(reader: asyncio.StreamReader) -> tuple[float, bytes]:
    """When the job's end arrived, and all that came until then."""
    text = b""
    while b"event: end" not in text:
        chunk = await reader.read(65536)
        assert chunk, "the stream broke off"
        text += chunk
    return time.monotonic(), text


async def hold(server: Held, path: str, count: int, seconds: float) -> dict[str, Any]:
    """Open the streams, hold them, and see the end arrive at each."""
    before = server.cost()
    readers = [await opened(server.url, f"{path}/events") for _ in range(count)]
    ends = [asyncio.ensure_future(to_end(reader)) for reader in readers]
    await asyncio.sleep(5)
    held = server.cost()
    await asyncio.sleep(seconds)
    after = server.cost()
    answers = []
    for _ in range(20):
        began = time.monotonic()
        await asyncio.to_thread(server.ask, "GET", path)
        answers.append(time.monotonic() - began)
    arrived = [at for at, _ in await asyncio.gather(*ends)]
    return {
        "streams": count,
        "held seconds": seconds,
        "MB before, with": [round(before[0], 1), round(after[0], 1)],
        "kB a stream": round((after[0] - before[0]) * 1024 / count, 1),
        "threads before, with": [before[2], after[2]],
        "% of a core while idle": round(100 * (after[1] - held[1]) / seconds, 2),
        "GET meanwhile, median ms": round(1000 * sorted(answers)[10], 1),
        "end told to all within s": round(max(arrived) - min(arrived), 3),
    }


def main() -> None:
    """The number of streams, and for how many seconds."""
    count, seconds = int(sys.argv[1]), float(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 500, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with tempfile.TemporaryDirectory(prefix="holding-") as folder:
        server = Held(Path(folder))
        server.start()
        try:
            rest = seconds + count / 100 + 10
            asked = {"version": "v1", "settle": f"{int(rest)}s", "timeout": "10m"}
            job = server.ask("POST", "/v1/services/alpha/deploys", {"deploy": asked})
            path = f"/v1/services/alpha/deploys/{job['id']}"
            report = asyncio.run(hold(server, path, count, seconds))
            sys.stdout.write(json.dumps(report, indent=1) + "\n")
            server.ask("DELETE", "/v1/services/alpha/deploys/v1")
        finally:
            server.end(signal.SIGTERM)


if __name__ == "__main__":
    main()
