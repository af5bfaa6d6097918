"""The headers of every answer, the login, methods, paths, and pages of other sites."""

from __future__ import annotations

from collections.abc import Callable

from tests.prying.target import Answer, Header, Target, login
from tests.prying.tries import Try

PROMISED = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""Header → value, as docs/security.md has them."""

TOLD = ("server", "x-powered-by", "access-control-allow-origin", "access-control-allow-credentials", "set-cookie")
"""Headers that no answer has."""

DEPLOYS = "/v1/services/pried/deploys"
JSON: Header = ("Content-Type", "application/json")
READS = ("/", "/metrics", "/openapi.json", "/v1/services", "/v1/units", "/v1/deploys", "/readyz", "/no/such")


def _headers(path: str, method: str = "GET", *, known: bool = True) -> Callable[[Target], str]:
    def run(target: Target) -> str:
        found = target.ask(method, path, ("Origin", "http://evil.example"), known=known).headers
        wrong = [name for name, value in PROMISED.items() if found.get(name) != value]
        wrong += [name for name in TOLD if name in found]
        kept = found.get("cache-control") in {"no-store", "no-cache"}
        return ", ".join(wrong + ([] if kept else ["cache-control"])) or "all"

    return run


def _asked(method: str, path: str, *headers: Header, body: bytes = b"", known: bool = True) -> Callable[[Target], str]:
    return lambda target: target.ask(method, path, *headers, body=body, known=known).seen


def _logged_in(*make: Callable[[Target], Header]) -> Callable[[Target], str]:
    return lambda target: target.ask("GET", "/v1/units", *(one(target) for one in make), known=False).seen


def _guessed(target: Target) -> str:
    """Wrong passwords until one has to wait; then the right one, which was let in before."""
    target.ask("GET", "/v1/units")
    for _ in range(12):
        answer = target.ask("GET", "/v1/units", login(target.username, "a guess"), known=False)
    wait = "with Retry-After" if "retry-after" in answer.headers else ""
    return f"{answer.seen} {wait}, then {target.ask('GET', '/v1/units').seen}"


def _repeated(target: Target) -> str:
    """Where the password or the header that has it comes back."""
    secrets = (target.password.encode(), target.login[1].partition(" ")[2].encode())
    answers: list[tuple[str, Answer]] = [(path, target.ask("GET", path)) for path in READS]
    answers.append(("an error", target.ask("POST", DEPLOYS, JSON, body=b'{"deploy":{"by":"x y"}}')))
    return ", ".join(path for path, answer in answers if any(one in answer.raw for one in secrets)) or "nowhere"


def _files(path: str) -> Callable[[Target], str]:
    def run(target: Target) -> str:
        answer = target.ask("GET", path)
        return f"{answer.seen} with a file" if b"root:" in answer.body or b"import " in answer.body else answer.seen

    return run


def _split(path: str) -> Callable[[Target], str]:
    def run(target: Target) -> str:
        answer = target.ask("GET", path, ("X-Request-ID", "a%0d%0aX-Evil: 1"))
        return f"{answer.seen} with X-Evil" if "x-evil" in answer.headers else answer.seen

    return run


BODY = b'{"deploy":{"version":"1","dry_run":true}}'
EVIL: Header = ("Origin", "http://evil.example")

HEADERS = (
    *(Try(f"headers of {path}", "all", _headers(path)) for path in ("/", "/healthz", "/v1/services", "/no/such")),
    Try("headers of a refusal", "all", _headers("/v1/services", known=False)),
    Try("headers of a wrong method", "all", _headers("/v1/services", "PUT")),
)

LOGIN = (
    Try("the right login", "200", _logged_in(lambda at: at.login)),
    Try("its scheme in lower case", "200", _logged_in(lambda at: login(at.username, at.password, "basic"))),
    Try("no login", "401", _logged_in()),
    Try("no login, /healthz", "200", _asked("GET", "/healthz", known=False)),
    *(Try(f"no login, {path}", "401", _asked("GET", path, known=False)) for path in READS),
    Try("a wrong password", "401", _logged_in(lambda at: login(at.username, at.password + "x"))),
    Try("a wrong name", "401", _logged_in(lambda at: login(at.username.upper(), at.password))),
    Try("another scheme", "401", _logged_in(lambda at: ("Authorization", "Bearer " + at.password))),
    Try("a NUL behind the password", "401", _logged_in(lambda at: login(at.username, at.password + "\0"))),
    Try("a NUL in the header", "400|401", _logged_in(lambda at: ("Authorization", at.login[1] + "\0"))),
    Try("60,000 characters", "401", _logged_in(lambda _: login("x" * 30_000, "y" * 15_000))),
    Try("two logins, right and wrong", "400", _logged_in(lambda at: at.login, lambda _: login("a", "b"))),
    Try("two logins, wrong and right", "400", _logged_in(lambda _: login("a", "b"), lambda at: at.login)),
    Try("twelve wrong passwords, then the right one", "429 with Retry-After, then 200", _guessed),
    Try("the password in any answer", "nowhere", _repeated),
)

METHODS = (
    *(Try(f"{one} with the login", "405|404|400", _asked(one, "/v1/services")) for one in ("TRACE", "PUT", "PATCH")),
    Try("a method that nobody knows", "400|405", _asked("PRY", "/v1/services")),
    Try(
        "CONNECT", "400|404|405", lambda at: at.say(at.head("CONNECT", "evil.example:443", [at.login]), patience=2).seen
    ),
    Try("TRACE without the login", "401", _asked("TRACE", "/v1/services", known=False)),
    Try("a preflight of another site", "401", _asked("OPTIONS", DEPLOYS, EVIL, known=False)),
)

PATHS = (
    *(
        Try(f"a file by {path}", "404|422|400", _files(path))
        for path in (
            "/../../../../etc/passwd",
            "/assets/../../../../etc/passwd",
            "/assets/%2e%2e/%2e%2e/app.py",
            "/assets/..%2f..%2fapp.py",
            "/assets//etc/passwd",
            "/assets/dashboard.js%00.css",
            "/assets/..%5c..%5capp.py",
            "/v1/services/..%2f..%2fetc%2fpasswd/units",
            "/v1/services/carousel%00/units",
            "/v1/services/%2e%2e/units",
        )
    ),
    Try("a template by a path", "422", _asked("POST", DEPLOYS, JSON, body=BODY[:-2] + b',"template":"../../x"}}')),
    *(
        Try(f"a header by {path}", "404|422", _split(path))
        for path in ("/a%0d%0aX-Evil:%201", "/v1/services/a%0d%0aX-Evil:%201/units")
    ),
)

ELSEWHERE = (
    Try("a page of another site deploys", "403", _asked("POST", DEPLOYS, JSON, EVIL, body=BODY)),
    Try("… from a sandbox", "403", _asked("POST", DEPLOYS, JSON, ("Origin", "null"), body=BODY)),
    Try("… says the browser", "403", _asked("POST", DEPLOYS, JSON, ("Sec-Fetch-Site", "cross-site"), body=BODY)),
    Try("… destroys", "403", _asked("DELETE", f"{DEPLOYS}/1", EVIL)),
    Try("… by a form", "415", _asked("POST", DEPLOYS, ("Content-Type", "text/plain"), body=BODY)),
    Try("another Host, no login", "401|403", _asked("GET", "/v1/units", ("Host", "evil.example"), known=False)),
    Try(
        "two Hosts", "400", lambda at: at.ask("GET", "/v1/units", ("Host", "localhost"), ("Host", "evil.example")).seen
    ),
)

DOORS = (*HEADERS, *METHODS, *PATHS, *ELSEWHERE, *LOGIN)
