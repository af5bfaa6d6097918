"""The services that golden units are rendered for, and the values that are hard to write down."""

from __future__ import annotations

from pathlib import Path

from deployster_cli.domain.templates.render import Templates
from deployster_cli.domain.units.model import Service
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import Stamp, UnitFile
from deployster_cli.operations import templates as template_files

GOLDEN = Path(__file__).parent.parent / "golden"

NAME = UnitName("carousel", "9f88701", 1)

# Values that quote, expand, continue or end something somewhere between here and a process.
HOSTILE = {
    "QUOTES": 'it\'s "quoted"',
    "PERCENT": "%n %% %i %d 100%",
    "DOLLAR_NAME": "$HOME ${HOME} a$HOME $1",
    "DOLLAR_ELSE": "$$ $(id) $",
    "DOLLAR_FIRST": "$PORT",
    "DOLLARS": "$$",
    "DOLLAR_OURS": "${DEPLOYSTER_DOLLAR}",
    "DOLLAR_WORD": "$(id)",
    "DOLLAR_LAST": "$",
    "SEMICOLON": ";",
    "BACKSLASH": "\\ \\\\ \\n \\x24 end\\",
    "UNICODE": "é ü 日本 \u00a0 ß",
    "OPTION": "--privileged -v /:/host",
    "SHELL": "; rm -rf / # `id` & | > x",
    "COMMENT": "; not a comment",
    "GLOB": "* ? [a-z] ~ {a,b}",
    "SPACES": "  two  spaces  ",
    "EMPTY": "",
}

PLAIN = Service("carousel")
FULL = Service(
    "carousel",
    port=8080,
    health="/up?deep=1&x",
    volumes=("/var/lib/carousel:/data",),
    env={"RAILS_ENV": "production", "GREETING": "hello there"},
    env_file="/etc/carousel.env",
    machine_metadata=("zone=z1", "disk=ssd"),
    conflicts=True,
    docker_hub_username="acme",
)
LIMITED = FULL._replace(
    memory="512m",
    cpu=0.25,
    restart="on-failure",
    global_=True,
    conflicts=False,
    env_file="",
    secrets=("GREETING",),
)
NASTY = Service(
    "carousel",
    port=8080,
    health="/it's\"%n$HOME\\",
    volumes=("/with space:/data", "--privileged:/x", "/%i/$HOME:/x"),
    env=HOSTILE,
    registry_url="registry.example.com:5000/team",
)
COMMAND = 'bin/serve --port $PORT --title "it\'s {version} 100%" ${EXTRA:-}'

TASK = {"task": 'rake db:migrate && echo "$RAILS_ENV 100%"'}

# Name of the golden file → the service it is rendered for.
SERVICES = {
    "docker-plain": PLAIN,
    "docker-full": FULL,
    "docker-limited": LIMITED,
    "docker-nasty": NASTY,
    "docker-vulcand-plain": PLAIN._replace(template="docker-vulcand"),
    "docker-vulcand-full": FULL._replace(template="docker-vulcand"),
    "deployster-plain": PLAIN._replace(template="deployster"),
    "deployster-full": FULL._replace(template="deployster"),
    "process-plain": PLAIN._replace(template="process", command="bin/serve"),
    "process-full": FULL._replace(
        template="process", port=None, command=COMMAND, directory="/srv/{service}/{version}/{instance}"
    ),
    "process-limited": LIMITED._replace(template="process", port=None, command=COMMAND),
    "process-nasty": NASTY._replace(
        template="process", port=None, command="cd a && exec ./b '%n'", directory='/srv/%n $HOME "x"'
    ),
    "task-plain": PLAIN._replace(template="task", extra=TASK),
    "task-full": FULL._replace(template="task", extra=TASK, directory="/srv/{service}/{version}"),
    "task-limited": LIMITED._replace(template="task", extra=TASK),
    "task-limited-folder": LIMITED._replace(template="task", extra=TASK, directory="/srv/{service}/{version}"),
    "task-nasty": NASTY._replace(template="task", extra=TASK),
}


def stamp(name: UnitName = NAME, template: str = "docker", port: int | None = None) -> Stamp:
    return Stamp(
        name.service,
        name.version,
        name.instance,
        "2026-01-02T03:04:05Z",
        "ada@laptop",
        template,
        port=port,
        previous=("a41c9e2",),
    )


def rendered(service: Service, texts: dict[str, str] | None = None, name: UnitName = NAME) -> UnitFile:
    """The service's unit by the built-in templates and ``texts``, on port 20001 where its template takes one."""
    templates = Templates({**template_files.load(None), **(texts or {})})
    render = templates.renderer(service)
    return render(name, stamp(name, service.template, 20001 if render.takes_port else None))


def rendered_task(name: UnitName, mark: Stamp, line: str) -> UnitFile:
    """The unit of a task that runs a line on a machine itself, in /tmp."""
    service = Service(name.service, template="task", directory="/tmp", extra={"task": line})
    return Templates(template_files.load(None)).renderer(service)(name, mark)
