"""What somebody does with a Deployster that they have installed. Each takes the person, its version, and an example."""

from __future__ import annotations

import base64
import json
import re
import shutil
import socket
import subprocess  # it builds and tries packages  # nosec B404
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from people import Person, Refused

# The example's releases.
FIRST, SECOND = "9f88701", "a41c9e2"

# The well-known one, which is good on this machine.
LOGIN = "Basic " + base64.b64encode(b"deployster:mmmhm").decode()

_COMMAND = re.compile(r"^  ([a-z]+)  ", re.MULTILINE)

Use = Callable[[Person, str, Path], None]


def expect(true: bool, otherwise: str) -> None:
    """Refused, with these words, unless it is true."""
    if not true:
        raise Refused(otherwise)


def version(person: Person, version: str, _: Path) -> None:
    """--version says the release's."""
    said = person.deployster("--version")
    expect(said == f"deployster {version}\n", f"--version says {said}")


def helps(person: Person, _: str, __: Path) -> None:
    """--help lists commands, and each has help of its own."""
    commands = _COMMAND.findall(person.deployster("--help"))
    expect({"deploy", "completion"} <= {*commands}, f"--help lists {commands}")
    for command in commands:
        said = person.deployster(command, "--help")
        expect(said.startswith(f"Usage: deployster {command}"), f"{command} --help says {said}")


def scaffold(person: Person, _: str, __: Path) -> None:
    """init and render find their files in the package."""
    here = person.home / "a project"
    here.mkdir()
    person.deployster("init", "web", "--engine", "local", here=here)
    said = person.deployster("render", "web", "v1", here=here)
    expect("[X-Deployster]" in said, f"render says {said}")
    for template in ("docker", "docker-vulcand", "process", "task", "deployster"):
        person.deployster("templates", "show", template, here=here)


def says_what_to_install(person: Person, _: str, __: Path) -> None:
    """A command that needs an extra names it."""
    lacking = {
        "client": ("units", "--server", "http://127.0.0.1:9"),
        "serve": ("serve",),
    }
    for extra, command in lacking.items():
        said = person.deployster(*command, code=2)
        expect(said.endswith(f"pip install 'deployster[{extra}]'\n"), f"{command} says {said}")


def demo(person: Person, _: str, example: Path) -> None:
    """Two releases of the example on this machine, one after the other, and the second answers."""
    here = person.home / "my carousel"
    shutil.copytree(example, here)
    try:
        person.deployster("deploy", "carousel", FIRST, "--instances", "2", here=here)
        person.deployster("deploy", "carousel", SECOND, "--destroy-previous", here=here)
        units = json.loads(person.deployster("units", "carousel", "-o", "json", here=here))["units"]
        expect([unit["version"] for unit in units] == [SECOND] * 2, f"units are {units}")
        page = get(f"http://127.0.0.1:{units[0]['port']}/")
        expect(f"Carousel {SECOND}" in page, f"the page is {page}")
    finally:
        for release in (FIRST, SECOND):
            subprocess.run(  # an argv of ours, and no shell  # nosec B603
                [person.programs / "deployster", "destroy", "carousel", release, "--yes"],
                cwd=here,
                env=person.environ(),
                capture_output=True,
                timeout=120,
                check=False,
            )


def serves(person: Person, _: str, __: Path) -> None:
    """The server answers, and its page is in the package."""
    with serving(person) as url:
        for path in ("/healthz", "/", *re.findall(r'(?:href|src)="(/[^"]+)"', get(url))):
            expect(len(get(url.rstrip("/") + path)) > 0, f"{path} is empty")


@contextmanager
def serving(person: Person) -> Iterator[str]:
    """A server on this machine, answering at the url."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        at = f"127.0.0.1:{taken.getsockname()[1]}"
    argv = [str(person.programs / "deployster"), "serve", "--engine", "local", "--listen", at]
    with (person.home / "server.log").open("w+") as log:
        # an argv of ours, and no shell
        server = subprocess.Popen(argv, cwd=person.home, env=person.environ(), stdout=log, stderr=log)  # nosec B603
        try:
            wait_for(f"http://{at}/healthz", server)
            yield f"http://{at}/"
        finally:
            server.terminate()
            server.wait(timeout=30)


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    """Come back once it answers."""
    for _ in range(300):
        try:
            get(url)
        except OSError:
            expect(server.poll() is None, f"the server ended with {server.returncode}")
            time.sleep(0.1)
        else:
            return
    raise Refused("the server does not answer")


def get(url: str) -> str:
    """What is there."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, headers={"Authorization": LOGIN})  # noqa: S310 - of this machine
    with opener.open(request, timeout=10) as answer:
        return str(answer.read().decode())


EVERYBODY: tuple[Use, ...] = (version, helps, scaffold)

# Extra → what it is for.
WITH_EXTRA: Mapping[str, tuple[Use, ...]] = {
    "plain": (says_what_to_install, demo),
    "serve": (serves,),
}
