"""The dashboard in a real browser, over a real server and the local engine's real processes."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.browser

CAROUSEL = Path(__file__).parents[2] / "examples" / "carousel"
PASSWORD = "a-password-of-the-test"  # noqa: S105 - no secret

# Milliseconds that a rollout on the local engine may take on a busy machine.
ROLLOUT = 60_000


class Server:
    """A server process in a project's folder, on a port that it keeps when it is started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        environ = {**os.environ, "HOME": str(self._folder), "DEPLOYSTER_SERVE_PASSWORD": PASSWORD}
        argv = [sys.executable, "-m", "deployster_cli", "serve", "--listen", f"127.0.0.1:{self.port}"]
        with (self._folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(argv, cwd=self._folder, env=environ, stdout=log, stderr=log)
        until = time.monotonic() + 20
        while not self._answers():
            assert time.monotonic() < until, (self._folder / "server.log").read_text()
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2):
                return True
        except OSError:
            return False

    def end(self) -> None:
        """Take out whatever runs, and stop it."""
        with httpx.Client(base_url=self.url, auth=("deployster", PASSWORD), timeout=60) as client:
            for release in client.get("/v1/services").json()["services"]:
                gone = client.delete(f"/v1/services/{release['service']}/deploys/{release['version']}")
                assert gone.status_code == httpx.codes.NO_CONTENT, gone.text
        self.stop()

    def stop(self) -> None:
        """SIGTERM, and its end."""
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=15)
            self.process = None


@pytest.fixture(scope="module")
def end() -> Iterator[Callable[[Server], None]]:
    """Ends a test's server while the next test begins; what went wrong with that is told in the end."""
    with ThreadPoolExecutor() as pool:
        ends: list[Future[None]] = []
        yield lambda server: ends.append(pool.submit(server.end))
        for one in ends:
            one.result()


@pytest.fixture
def server(tmp_path: Path, end: Callable[[Server], None]) -> Iterator[Server]:
    """A server over the carousel, with nothing deployed yet; whatever runs at the end is taken out."""
    project = tmp_path / "carousel"
    shutil.copytree(CAROUSEL, project, ignore=shutil.ignore_patterns(".deployster"))
    with (project / "deployster.toml").open("a") as config:
        config.write('\n[services.broken]\ntemplate = "process"\ncommand = "echo out of luck; exit 7"\ninstances = 1\n')
        config.write("\n[services.hostile]\ntemplate = 'process'\ninstances = 1\n")
        config.write("command = \"echo '<script>alert(1)</script><img src=x onerror=alert(1)>'; exit 7\"\n")
    running = Server(project)
    running.start()
    yield running
    end(running)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="the Python package playwright is not installed")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("the program chromium is not installed")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=quiet)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The page, logged in. What it says on its console, or asks of another host, fails the test."""
    context = browser.new_context(http_credentials={"username": "deployster", "password": PASSWORD})
    page = context.new_page()
    complaints: list[str] = []
    strangers: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(server.url) else strangers.append(asked.url))
    page.route(re.compile("/(deploys|rollback)$"), soon_settled)
    page.goto(server.url)
    yield page
    context.close()
    assert [said for said in complaints if "Failed to load resource" not in said and "ERR_" not in said] == []
    assert strangers == []


def soon_settled(route: Route) -> None:
    """Have what the page asks for settle sooner than in the three seconds that it leaves to the server."""
    asked = route.request.post_data_json if route.request.method == "POST" else None
    for wish in asked.values() if asked else ():
        wish["settle"] = "0.3s"
    route.continue_(post_data=asked) if asked else route.continue_()


def deploy(page: Page, service: str, version: str, *, instances: str = "1", destroy_previous: bool = False) -> None:
    """Fill in the dialog and say yes."""
    page.get_by_role("button", name="Deploy…", exact=True).click()
    page.get_by_label("Service", exact=True).fill(service)
    page.get_by_label("Version", exact=True).fill(version)
    page.get_by_label("Instances", exact=True).fill(instances)
    if destroy_previous:
        page.get_by_label("Destroy previous").check()
    page.get_by_role("button", name="Deploy", exact=True).click()


def job_is(page: Page, what: str, state: str) -> None:
    """Wait until the newest job that is ``what`` is in that state."""
    job = page.locator("li.job", has_text=what).first
    job.locator(f"summary .state[data-state={state}]").wait_for(timeout=ROLLOUT)


def test_a_version_is_deployed_watched_rolled_back_and_destroyed(page: Page) -> None:
    page.get_by_text("Nothing runs yet").wait_for()
    deploy(page, "carousel", "9f88701", instances="2")
    job_is(page, "Deploy carousel 9f88701", "done")
    assert "ready on" in page.locator("li.job .lines").first.inner_text()
    assert page.locator("section.release", has_text="9f88701").locator("td.state").all_inner_texts() == ["running"] * 2
    deploy(page, "carousel", "a41c9e2", instances="", destroy_previous=True)
    job_is(page, "Deploy carousel a41c9e2", "done")
    page.locator("h3", has_text="9f88701").wait_for(state="detached", timeout=ROLLOUT)
    page.get_by_role("button", name="Roll back carousel").click()
    page.get_by_text("From a41c9e2 to 9f88701.").wait_for()
    page.get_by_role("button", name="Roll back", exact=True).click()
    job_is(page, "Roll back carousel 9f88701", "done")
    page.get_by_role("button", name="Destroy carousel 9f88701").click()
    page.get_by_text("2 instances will be stopped and removed.").wait_for()
    page.get_by_role("button", name="Destroy", exact=True).click()
    job_is(page, "Destroy carousel 9f88701", "done")
    page.get_by_text("Nothing runs yet").wait_for()


def test_a_failed_release_shows_its_journal_and_why(page: Page) -> None:
    deploy(page, "broken", "v1")
    job_is(page, "Deploy broken v1", "failed")
    job = page.locator("li.job", has_text="Deploy broken v1")
    job.get_by_text("out of luck").first.wait_for()
    assert "were removed" in job.locator(".error").inner_text()


def test_nothing_is_destroyed_without_a_yes(page: Page) -> None:
    deploy(page, "carousel", "9f88701")
    job_is(page, "Deploy carousel 9f88701", "done")
    page.get_by_role("button", name="Destroy carousel 9f88701").click()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for(state="hidden")
    assert page.locator("li.job").count() == 1


def test_what_the_server_refuses_is_said_in_the_dialog_and_can_be_mended(page: Page) -> None:
    deploy(page, "carousel", "a:b")
    page.get_by_text("'a:b' can't be a version").wait_for()
    page.get_by_label("Version", exact=True).fill("9f88701")
    page.get_by_role("button", name="Deploy", exact=True).click()
    job_is(page, "Deploy carousel 9f88701", "done")


def test_the_page_works_again_by_itself_after_the_server_restarts(page: Page, server: Server) -> None:
    page.get_by_text("live", exact=True).wait_for()
    server.stop()
    page.get_by_text("no connection, trying again").wait_for()
    server.start()
    page.get_by_text("live", exact=True).wait_for()
    deploy(page, "carousel", "9f88701")
    job_is(page, "Deploy carousel 9f88701", "done")


def test_a_deploy_can_be_made_by_keyboard_alone(page: Page) -> None:
    page.get_by_text("Nothing runs yet").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.type("carousel")
    page.keyboard.press("Tab")
    page.keyboard.type("9f88701")
    page.keyboard.press("Enter")
    job_is(page, "Deploy carousel 9f88701", "done")


def test_it_fits_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    deploy(page, "carousel", "9f88701")
    job_is(page, "Deploy carousel 9f88701", "done")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_it_has_a_dark_face(page: Page) -> None:
    def brightness() -> int:
        paint = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in re.findall(r"\d+", paint)[:3])

    page.emulate_media(color_scheme="light")
    light = brightness()
    page.emulate_media(color_scheme="dark")
    assert (light > 600, brightness() < 200) == (True, True)


def test_markup_in_a_journal_or_a_name_is_text(page: Page, server: Server) -> None:
    body = {"deploy": {"version": "v1", "settle": "0s", "by": "<img/src=x/onerror=alert(1)>"}}
    with httpx.Client(base_url=server.url, auth=("deployster", PASSWORD)) as client:
        assert client.post("/v1/services/hostile/deploys", json=body).status_code == 201
    page.locator("#jobs summary").click(timeout=ROLLOUT)
    page.locator("#jobs .lines", has_text="<script>alert(1)</script>").wait_for(timeout=ROLLOUT)
    assert "<img/src=x/onerror=alert(1)>" in page.locator("#jobs .when").inner_text()
    assert page.locator("#jobs").locator("img, script").count() == 0
    job_is(page, "Deploy hostile v1", "failed")
