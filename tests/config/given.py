"""What the tests of the settings share: a project's file, and how a refusal is caught."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from deployster_cli.config.load import Settings
from deployster_cli.errors import ConfigError

Load = Callable[..., Settings]

PROJECT = """\
engine = "local"
docker_hub_username = "acme"

[fleet]
endpoint = "http://127.0.0.1:49153"
read_timeout = 5

[clusters.staging.fleet]
tunnel = "staging.example.com"

[clusters.staging.services.carousel]
instances = 1
env = { RAILS_ENV = "staging" }

[services.carousel]
template = "process"
instances = 2
port = 3000
health = "/up"
command = "bin/serve --port $PORT"
directory = "releases/{version}"
volumes = [
  "/var/lib/carousel:/data",
  "/tmp:/tmp:ro,z",
]
env = { RAILS_ENV = "production", LANG = "C" }
env_file = "/etc/carousel.env"
machine_metadata = ["zone=z1"]
conflicts = true
"""


def refusal(load: Load, text: str | None = None, environ: Mapping[str, str] | None = None, **flags: object) -> str:
    with pytest.raises(ConfigError) as caught:
        load(text, environ, **flags)
    return caught.value.message
