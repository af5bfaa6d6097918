"""examples/nginx: its units, and rollouts behind a real nginx without one failed request.

On loopback everything but etcd is real. The last test is for a real cluster (``tests.fleet_cluster``), whose etcd has
the v2 API and is named in DEPLOYSTER_TEST_ETCD, as the machines reach it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from deployster_cli.config.load import load
from deployster_cli.domain.templates.render import Templates
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import Stamp, UnitFile
from deployster_cli.engines.fleet.declaration import FleetOptions
from deployster_cli.operations import templates
from tests.examples.front import EXAMPLE, KEYS, FakeEtcd, Front

ETCD = "DEPLOYSTER_TEST_ETCD"

needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="curl is missing")


def unit(template: str, etcd: str = "", extra: Mapping[str, str] | None = None) -> UnitFile:
    """Instance 1 of the example's service, rendered."""
    settings = load({}, {}, EXAMPLE)
    service = settings.service("web")._replace(template=template, extra=extra or {})
    if etcd:
        service = service._replace(env={"ETCD": etcd})
    name, stamp = UnitName.checked("web", "v1-rc", 1), Stamp("web", "v1-rc", 1, "now", "me", template, port=20000)
    return Templates(templates.load(settings.templates_dir)).render(name, service, stamp)


@pytest.mark.parametrize("template", ["web", "web-docker"])
def test_an_instance_is_announced_once_it_is_healthy(template: str) -> None:
    posts = unit(template).values("Service", "ExecStartPost")
    assert ["/up" in posts[0], "-X PUT" in posts[-1], len(posts)] == [True, True, 2]


@pytest.mark.parametrize("template", ["web", "web-docker"])
def test_leaving_nginx_is_the_first_step_of_a_stop(template: str) -> None:
    assert "nginx/used/web" in unit(template).values("Service", "ExecStop")[0]


@pytest.mark.parametrize("template", ["web", "web-docker"])
def test_a_crash_takes_the_instance_out_of_etcd_too(template: str) -> None:
    assert "-X DELETE" in unit(template).values("Service", "ExecStopPost")[0]


@pytest.mark.parametrize("template", ["web", "web-docker"])
def test_no_line_is_longer_than_fleet_reads(template: str) -> None:
    assert max(map(len, unit(template).text.splitlines())) < 2048


def test_docker_publishes_the_port_that_is_announced() -> None:
    assert "--publish=20000:20000 --env=PORT=20000" in unit("web-docker").values("Service", "ExecStart")[0]


HERE, MINE, USED_BY = "10.0.0.1:20000", "nginx/wanted/web/web--v1-rc-1", "nginx/used/web"


def run(etcd: FakeEtcd, option: str) -> subprocess.CompletedProcess[str]:
    """Run the last command that a web unit has for ``option``, as systemd does, with a second's patience."""
    command = unit("web", etcd.url, {"join": "1", "drain": "1"}).values("Service", option)[-1]
    quoted = command.partition(' -c "')[2][:-1]
    script = re.sub(r"\\(.)|\$(?=\$)|%(?=%)", r"\1", quoted)  # as systemd reads it
    argv = ["/bin/sh", "-c", script]
    env = {**os.environ, "COREOS_PRIVATE_IPV4": "10.0.0.1"}
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=30)


@needs_curl
@pytest.mark.process
def test_an_instance_has_started_when_every_nginx_uses_it(etcd: FakeEtcd) -> None:
    etcd.put(f"{USED_BY}/edge1", f" {HERE} ")
    etcd.put(f"{USED_BY}/edge2", f" 10.0.0.1:2000 {HERE} ")
    assert (run(etcd, "ExecStartPost").returncode, etcd.values[MINE]) == (0, HERE)


@needs_curl
@pytest.mark.process
@pytest.mark.parametrize("other", ["  ", f" {HERE}0 ", f" 2{HERE} "])
def test_one_nginx_without_it_fails_the_start_and_takes_it_out_again(etcd: FakeEtcd, other: str) -> None:
    etcd.put(f"{USED_BY}/edge1", f" {HERE} ")
    etcd.put(f"{USED_BY}/edge2", other)
    done = run(etcd, "ExecStartPost")
    assert (done.returncode, "not every nginx took it" in done.stderr, MINE in etcd.values) == (1, True, False)


@needs_curl
@pytest.mark.process
def test_where_there_is_no_nginx_the_start_fails(etcd: FakeEtcd) -> None:
    assert run(etcd, "ExecStartPost").returncode == 1


@needs_curl
@pytest.mark.process
def test_an_instance_that_no_nginx_uses_may_stop(etcd: FakeEtcd) -> None:
    etcd.put(MINE, HERE)
    etcd.put(f"{USED_BY}/edge1", f" {HERE}0 ")
    done = run(etcd, "ExecStop")
    assert (done.returncode, done.stderr, MINE in etcd.values) == (0, "", False)


@needs_curl
@pytest.mark.process
def test_an_instance_that_an_nginx_keeps_using_says_so_and_stops_in_the_end(etcd: FakeEtcd) -> None:
    etcd.put(f"{USED_BY}/edge1", f" {HERE} ")
    done = run(etcd, "ExecStop")
    assert (done.returncode, done.stderr) == (0, f"{HERE} stops although an nginx may still use it\n")


@needs_curl
@pytest.mark.process
def test_an_instance_that_was_moved_keeps_its_new_address(etcd: FakeEtcd) -> None:
    etcd.put(MINE, "10.0.0.2:20000")
    run(etcd, "ExecStopPost")
    assert etcd.values[MINE] == "10.0.0.2:20000"


@pytest.fixture
def project(tmp_path: Path) -> Callable[[str, str], Path]:
    """Makes a folder with the example's templates and this deployster.toml."""

    def make(engine: str, service: str) -> Path:
        shutil.copytree(EXAMPLE / "templates", tmp_path / "project" / "templates")
        (tmp_path / "project" / "deployster.toml").write_text(f"{engine}\n\n{service}\n")
        return tmp_path / "project"

    return make


def deployster(folder: Path, *words: str) -> None:
    argv = [sys.executable, "-m", "deployster_cli", *words]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr


def under_load(front: Front, work: Callable[[], None]) -> dict[str, Any]:
    """What 200 requests a second met while ``work`` was done."""
    argv = [sys.executable, str(EXAMPLE / "load.py"), "--port", str(front.port), "--seconds", "600"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as load:
        time.sleep(1)
        work()
        time.sleep(1)
        load.send_signal(signal.SIGINT)
        found: dict[str, Any] = json.loads(load.communicate(timeout=30)[0])
        return found


def back_and_forth(folder: Path, service: str) -> None:
    for version in ("v2", "v1"):
        deployster(folder, "deploy", service, version, "--destroy-previous")


LOCAL = """engine = "local"
[local]
manager = "supervisor"
root = "machine"
"""


@needs_curl
@pytest.mark.process
def test_on_one_machine_no_request_fails(front: Front, etcd: FakeEtcd, project: Callable[[str, str], Path]) -> None:
    env = {"ETCD": etcd.url, "COREOS_PRIVATE_IPV4": "127.0.0.1", "LISTEN": "127.0.0.1"}
    folder = project(
        LOCAL, service_table("web", f"exec {shlex.join([sys.executable, str(EXAMPLE / 'app.py')])}", 2, env)
    )
    deployster(folder, "deploy", "web", "v1")
    try:
        seen = under_load(front, lambda: back_and_forth(folder, "web"))
    finally:
        deployster(folder, "destroy", "web", "v1", "--yes")
    versions = {answer.split()[1] for answer in seen["answers"]}
    assert (seen["failed"], seen["why"], versions, seen["requests"] > 1000) == (0, {}, {"v1", "v2"}, True)


def service_table(service: str, program: str, instances: int, env: dict[str, str]) -> str:
    """The service's table, with the example's app."""
    variables = ", ".join(f"{name} = {json.dumps(value)}" for name, value in env.items())
    command = f"{program} --version {{version}} --instance {{instance}}"
    return (
        f"[services.{service}]\ntemplate = 'web'\ninstances = {instances}\nhealth = '/up'\n"
        f"env = {{ {variables} }}\ncommand = {json.dumps(command)}\n"
    )


@pytest.fixture
def fleet_front(tmp_path: Path) -> Iterator[Front]:
    """nginx and its watcher beside the cluster's etcd, for a service of this test's own, whose app etcd carries."""
    if not shutil.which("nginx"):
        pytest.skip("nginx is missing")
    url = os.environ.get(ETCD, "")
    if not url:
        pytest.skip(f"no etcd with the v2 API: {ETCD} is not set")
    service = f"ngx{uuid.uuid4().hex[:8]}"
    app = f"{url}{KEYS}nginx/app-{service}"
    ask(app, "PUT", (EXAMPLE / "app.py").read_text())
    found = Front.made(tmp_path, service, url)
    with found.watch() as watcher:
        with found.start() as master:
            yield found
            master.terminate()
        watcher.terminate()
    ask(app, "DELETE")
    for folder in ("wanted", "used"):
        ask(f"{url}{KEYS}nginx/{folder}/{service}?recursive=true", "DELETE")


def ask(url: str, method: str, value: str = "") -> None:
    form = urllib.parse.urlencode({"value": value}).encode()
    request = urllib.request.Request(url, data=form, method=method)  # noqa: S310
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5).close()


READ = "import json, sys; print(json.load(sys.stdin)['node']['value'])"


@pytest.mark.fleet
def test_on_a_cluster_no_request_fails(
    fleet_options: FleetOptions, fleet_front: Front, project: Callable[[str, str], Path]
) -> None:
    service, url = fleet_front.service, fleet_front.etcd
    engine = f'engine = "fleet"\n[fleet]\nendpoint = "{fleet_options.endpoint}"'
    program = f"""exec python3 -c "$(curl -fsS {url}{KEYS}nginx/app-{service} | python3 -c \"{READ}\")\""""
    folder = project(engine, service_table(service, program, 3, {"ETCD": url}))
    deployster(folder, "deploy", service, "v1")
    try:
        seen = under_load(fleet_front, lambda: back_and_forth(folder, service))
    finally:
        deployster(folder, "destroy", service, "v1", "--yes")
    versions = {answer.split()[1] for answer in seen["answers"]}
    assert (seen["failed"], seen["why"], versions, seen["requests"] > 1000) == (0, {}, {"v1", "v2"}, True)
