"""The server's rival: one bare FastAPI route, no login and no engine, that answers as many units from a list in memory.

python -m bench.bare UNITS HOST:PORT
"""

from __future__ import annotations

import asyncio
import sys

from fastapi import FastAPI
from granian.constants import Interfaces
from granian.server.embed import Server

from deployster_cli.domain.payloads import unit_shape
from deployster_cli.domain.units.model import Machine, State, Unit
from deployster_cli.domain.units.names import UnitName


def bare(units: int) -> FastAPI:
    """The app: as the framework's own tutorial would write it."""
    host = Machine("09de01dc169e0dcf6a137baef3d7e12a", "10.77.0.12")
    launched = State.LAUNCHED
    running = [
        Unit(UnitName("carousel", "9f88701", n), launched, launched, "loaded", "active", "running", host, port=n)
        for n in range(1, units + 1)
    ]
    app = FastAPI()

    @app.get("/v1/services/{service}/units")
    async def of(service: str) -> dict[str, list[dict[str, object]]]:
        return {"units": [unit_shape(unit) for unit in running if unit.name.service == service]}

    return app


if __name__ == "__main__":
    _, wanted, listen = sys.argv
    port = int(listen.rpartition(":")[2])
    asyncio.run(Server(bare(int(wanted)), port=port, interface=Interfaces.ASGINL, log_enabled=False).serve())
