"""A small web app to try Deployster with: a page of slides that says which version and instance shows it.

It runs in its release's folder, where ``slides.json`` lies, and listens on ``$PORT`` of this machine only.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template

PAGE = Template("""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Carousel $version, instance $instance</title>
<style>
  body { margin: 0; font: 18px/1.5 system-ui, sans-serif; background: $colour; color: #fff; }
  header { padding: 1rem 1.5rem; display: flex; justify-content: space-between; gap: 1rem; flex-wrap: wrap; }
  code { background: rgb(0 0 0 / .25); border-radius: .4rem; padding: .1rem .5rem; }
  main { display: flex; overflow-x: auto; scroll-snap-type: x mandatory; }
  section { flex: 0 0 100%; box-sizing: border-box; min-height: 70vh; padding: 12vh 12vw; scroll-snap-align: start; }
  h1 { font-size: clamp(2rem, 7vw, 4.5rem); line-height: 1.1; margin: 0 0 1rem; }
  p { max-width: 34em; margin: 0; }
</style>
<header><strong>Carousel</strong><span>version <code>$version</code> instance <code>$instance</code></span></header>
<main tabindex="0" aria-label="Slides">
$slides
</main>
</html>
""")

SLIDE = Template("<section><h1>$title</h1><p>$text</p></section>")


@dataclass(frozen=True)
class Release:
    """What one instance shows: its own version and number, and the slides of its release."""

    version: str
    instance: str
    colour: str
    slides: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, file: Path, version: str, instance: str) -> Release:
        """The release whose slides ``file`` holds."""
        content = json.loads(file.read_text(encoding="utf-8"))
        slides = tuple((slide["title"], slide["text"]) for slide in content["slides"])
        return cls(version, instance, content["colour"], slides)

    def page(self) -> str:
        """The whole page as HTML."""
        slides = [SLIDE.substitute(title=escape(title), text=escape(text)) for title, text in self.slides]
        return PAGE.substitute(
            version=escape(self.version),
            instance=escape(self.instance),
            colour=escape(self.colour),
            slides="\n".join(slides),
        )


class Handler(BaseHTTPRequestHandler):
    """Answers ``/`` with the page and ``/up`` with ok, as the health gate asks."""

    timeout = 5
    page = b""

    def do_GET(self) -> None:
        """Answer one request."""
        answers = {"/": ("text/html; charset=utf-8", self.page), "/up": ("text/plain", b"ok\n")}
        found = answers.get(self.path.partition("?")[0])
        if found is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        kind, body = found
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """Lets the requests under way finish when it closes."""

    daemon_threads = False


def serve(release: Release, port: int) -> None:
    """Answer requests until SIGTERM."""
    Handler.page = release.page().encode()
    with Server(("127.0.0.1", port), Handler) as server:
        # shutdown() waits for the loop that this handler interrupts, so it needs a thread of its own.
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        print(f"Carousel {release.version}, instance {release.instance}: http://127.0.0.1:{port}/", flush=True)  # noqa: T201
        server.serve_forever(poll_interval=0.1)


def main() -> None:
    """Serve the release of the working folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", required=True)
    parser.add_argument("--instance", required=True)
    given = parser.parse_args()
    try:
        release = Release.read(Path("slides.json"), given.version, given.instance)
    except (OSError, KeyError, ValueError) as error:
        raise SystemExit(f"slides.json can't be used: {error!r}") from error
    serve(release, int(os.environ["PORT"]))


if __name__ == "__main__":
    main()
