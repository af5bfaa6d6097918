"""A web app to roll out under load: it says which version and instance answers.

``GET`` and ``POST`` are answered at once, but ``/slow`` after 0.3 seconds. It listens on ``$PORT`` of ``$LISTEN``,
an address, or of all that the machine has.
"""

from __future__ import annotations

import argparse
import os
import signal
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GRACE = 25.0
"""Seconds that requests under way have to end after SIGTERM: a little more than nginx's worker_shutdown_timeout."""


class Server(ThreadingHTTPServer):
    """Counts the requests under way."""

    request_queue_size = 256
    daemon_threads = True

    def __init__(self, host: str, port: int, says: str) -> None:
        super().__init__((host, port), Handler)
        self.says = says
        self.stopping = False
        self.busy = 0
        self.changed = threading.Condition()

    def count(self, step: int) -> None:
        """A request more or less."""
        with self.changed:
            self.busy += step
            self.changed.notify_all()

    def finish(self) -> None:
        """Wait until no request is under way."""
        with self.changed:
            self.changed.wait_for(lambda: not self.busy, GRACE)


class Handler(BaseHTTPRequestHandler):
    """Answers, and keeps connections longer than nginx does, so that it is never this side that closes a used one."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 75
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer one request."""
        self.server.count(+1)
        try:
            self._answer()
        finally:
            self.server.count(-1)

    def do_POST(self) -> None:
        """Like GET."""
        self.do_GET()

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/slow":
            time.sleep(0.3)
        body = self.server.says.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        if self.server.stopping:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Nothing: nginx has the log."""


def serve(server: Server) -> None:
    """Answer until SIGTERM, then finish what is under way."""

    def stop(*_: object) -> None:
        server.stopping = True
        # shutdown() waits for the loop that this handler interrupts, so it needs a thread of its own.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    server.finish()


def main() -> None:
    """Serve the version and instance given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", required=True)
    parser.add_argument("--instance", required=True)
    given = parser.parse_args()
    says = f"version {given.version} instance {given.instance}\n"
    serve(Server(os.environ.get("LISTEN", ""), int(os.environ["PORT"]), says))


if __name__ == "__main__":
    main()
