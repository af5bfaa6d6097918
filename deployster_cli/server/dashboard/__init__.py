"""The page to watch and change services on: four files of ours, which use the same routes as everybody."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter
from starlette.responses import Response

from deployster_cli.server.state import Serving

# Path → file and media type.
FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/assets/dashboard.css": ("dashboard.css", "text/css; charset=utf-8"),
    "/assets/dashboard.js": ("dashboard.js", "text/javascript; charset=utf-8"),
    "/assets/icon.svg": ("icon.svg", "image/svg+xml"),
}


def router(serving: Serving) -> APIRouter:  # noqa: ARG001 - every router takes it
    """Return the routes of the files; they are read once."""
    api = APIRouter(include_in_schema=False)
    for path, (name, media_type) in FILES.items():
        _add(api, path, files(__name__).joinpath(name).read_bytes(), media_type)
    return api


def _add(api: APIRouter, path: str, body: bytes, media_type: str) -> None:
    @api.get(path)
    async def file() -> Response:
        return Response(body, media_type=media_type, headers={"Cache-Control": "no-cache"})
