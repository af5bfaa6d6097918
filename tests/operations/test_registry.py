"""What is asked of a registry, and what its answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from deployster_cli.operations.images import (
    DOCKER_HUB,
    MANIFESTS,
    Answer,
    Presence,
    Reference,
    Unanswered,
    image_problem,
    look_up,
)

HUB = f"https://{DOCKER_HUB}/v2/acme/carousel/manifests/v1"
AUTH = "https://auth.docker.io/token?service=registry.docker.io&scope=repository%3Aacme%2Fcarousel%3Apull"
CHALLENGE = {"www-authenticate": 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="x"'}
FOUND = Answer(200, {"content-type": "application/vnd.oci.image.index.v1+json; charset=utf-8"})
PAGE = Answer(200, {"content-type": "text/html", "docker-content-digest": "none"})


@dataclass
class Web:
    """Answers in turn; keeps what was asked."""

    answers: list[Answer | Unanswered]
    asked: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)

    def __call__(self, method: str, url: str, headers: Mapping[str, str]) -> Answer:
        self.asked.append((method, url, headers))
        answer = self.answers.pop(0)
        if isinstance(answer, Unanswered):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ("carousel:v1", Reference(DOCKER_HUB, "library/carousel", "v1")),
        ("acme/carousel:v1", Reference(DOCKER_HUB, "acme/carousel", "v1")),
        ("host:5000/carousel:v1", Reference("host:5000", "carousel", "v1")),
        ("localhost/carousel:v1", Reference("localhost", "carousel", "v1")),
        ("r.example.com/a/b/carousel:v1", Reference("r.example.com", "a/b/carousel", "v1")),
        ("[::1]:5000/carousel:v1", Reference("[::1]:5000", "carousel", "v1")),
    ],
)
def test_an_images_name_is_read_as_docker_reads_it(image: str, reference: Reference) -> None:
    assert Reference.parse(image) == reference


@pytest.mark.parametrize(
    ("registry", "loopback", "plain"),
    [
        ("localhost", True, True),
        ("127.0.0.1:5000", True, True),
        ("[::1]:5000", True, True),
        ("[::1]", True, True),
        ("host:5000", False, True),
        ("r.example.com", False, False),
        ("127.0.0.1.example.com", False, False),
    ],
)
def test_which_registries_are_ours_alone_and_may_speak_plain_http(registry: str, loopback: bool, plain: bool) -> None:
    reference = Reference(registry, "carousel", "v1")
    assert (reference.loopback, reference.may_be_plain) == (loopback, plain)


@pytest.mark.parametrize(
    ("status", "presence", "text"),
    [
        (200, Presence.THERE, "Docker Hub has acme/carousel:v1"),
        (404, Presence.MISSING, "Docker Hub has no image acme/carousel:v1."),
        (
            403,
            Presence.UNKNOWN,
            "Docker Hub wants a login to tell of acme/carousel:v1: it is private, or there is none.",
        ),
        (429, Presence.UNKNOWN, "Docker Hub was asked too often."),
        (307, Presence.UNKNOWN, "Docker Hub answered 307 when asked for acme/carousel:v1."),
        (500, Presence.UNKNOWN, "Docker Hub answered 500 when asked for acme/carousel:v1."),
    ],
)
def test_each_answer_is_one_sentence(status: int, presence: Presence, text: str) -> None:
    found = look_up("acme/carousel:v1", Web([Answer(status, FOUND.headers)]))
    assert (found.presence, found.text) == (presence, text)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/vnd.docker.distribution.manifest.list.v2+json"},
        {"content-type": "Application/vnd.docker.distribution.manifest.v1+prettyjws"},
        {"content-type": "application/octet-stream", "docker-content-digest": f"sha256:{'0a' * 32}"},
    ],
)
def test_a_manifest_is_known_by_its_kind_or_its_digest(headers: Mapping[str, str]) -> None:
    assert look_up("acme/carousel:v1", Web([Answer(200, headers)])).presence is Presence.THERE


@pytest.mark.parametrize("answer", [PAGE, Answer(200), Answer(200, {"content-type": "application/json"})])
def test_a_web_page_is_not_taken_for_a_registry(answer: Answer) -> None:
    found = look_up("host:5000/carousel:v1", Web([answer]))
    assert (found.presence, found.text, found.cure) == (
        Presence.UNKNOWN,
        "The registry host:5000 answers like a web page, not like a registry.",
        "Check registry_url.",
    )


def test_the_manifest_is_asked_for_by_head_in_every_form_there_is() -> None:
    web = Web([FOUND])
    look_up("acme/carousel:v1", web)
    assert web.asked == [("HEAD", HUB, {"Accept": MANIFESTS})]


def test_a_registry_that_wants_a_token_is_asked_again_with_one() -> None:
    web = Web([Answer(401, CHALLENGE), Answer(200, body=b'{"token": "abc"}'), Answer(200)])
    look_up("acme/carousel:v1", web)
    assert web.asked[1:] == [
        ("GET", AUTH, {"Accept": "application/json"}),
        ("HEAD", HUB, {"Accept": MANIFESTS, "Authorization": "Bearer abc"}),
    ]


@pytest.mark.parametrize(
    "answers",
    [
        [Answer(401)],
        [Answer(401, {"www-authenticate": 'Basic realm="x"'})],
        [Answer(401, {"www-authenticate": 'Bearer realm="http://auth/token"'})],
        [Answer(401, {"www-authenticate": 'Bearer realm="file:///etc/passwd"'})],
        [Answer(401, CHALLENGE), Answer(401)],
        [Answer(401, CHALLENGE), Answer(200, body=b"no json")],
        [Answer(401, CHALLENGE), Answer(200, body=b"[]")],
        [Answer(401, CHALLENGE), Answer(200, body=b'{"token": 1}')],
        [Answer(401, CHALLENGE), Answer(200, body=b'{"token": "a\\nb"}')],
        [Answer(401, CHALLENGE), Answer(200, body=b'{"access_token": "abc"}'), Answer(401)],
    ],
)
def test_a_registry_that_gives_no_token_wants_a_login(answers: list[Answer | Unanswered]) -> None:
    assert "wants a login" in look_up("acme/carousel:v1", Web(answers)).text


def test_a_registry_with_a_port_that_speaks_no_tls_is_asked_in_plain_http() -> None:
    web = Web([Unanswered("it speaks no TLS", plain=True), FOUND])
    look_up("host:5000/carousel:v1", web)
    assert [url for _, url, _ in web.asked] == [
        "https://host:5000/v2/carousel/manifests/v1",
        "http://host:5000/v2/carousel/manifests/v1",
    ]


@pytest.mark.parametrize(
    ("image", "plain"), [("r.example.com/carousel:v1", True), ("host:5000/carousel:v1", False), ("carousel:v1", True)]
)
def test_any_other_is_not(image: str, plain: bool) -> None:
    web = Web([Unanswered("it speaks no TLS", plain=plain)])
    found = look_up(image, web)
    assert (found.presence, found.text.endswith("gave no answer: it speaks no TLS.")) == (Presence.UNKNOWN, True)


def test_a_deploy_is_stopped_by_an_image_that_is_missing() -> None:
    said = image_problem("acme/carousel:v1", Web([Answer(404)]), is_local=False)
    assert said == "Docker Hub has no image acme/carousel:v1. Push it, or check the version."


@pytest.mark.parametrize("answer", [FOUND, PAGE, Answer(403), Answer(500), Unanswered("it is not there")])
def test_a_deploy_is_not_stopped_by_what_nobody_knows(answer: Answer | Unanswered) -> None:
    assert image_problem("acme/carousel:v1", Web([answer]), is_local=False) == ""


def test_the_machines_own_registry_is_not_ours_to_ask() -> None:
    assert image_problem("localhost:5000/carousel:v1", Web([]), is_local=False) == ""


def test_on_one_machine_it_is() -> None:
    assert image_problem("localhost:5000/carousel:v1", Web([Answer(404)]), is_local=True) != ""
