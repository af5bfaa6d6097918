"""Lines of a [Service] that systemd 252 refuses or ignores with a warning, and lines that it takes."""

from __future__ import annotations

PROGRAM = "a program is an absolute path, or a plain name without /; the nearest is "
PREFIXES = "of the prefixes @ - : each comes once, and one of + ! !!; the nearest is /bin/echo."
NO_PROGRAM = "it names no program; a prefix such as - stands right before the path."
SPAN = "it is a span of time such as 90, 500ms, 1min 30s or infinity."
FOLDER = "it is an absolute path without .., or ~; the nearest is "
RESTARTS = "it is one of no, on-success, on-failure, on-abnormal, on-watchdog, on-abort, always"
KILL_MODES = "it is one of control-group, process, mixed, none"
ASSIGNMENT = 'is no NAME=value; one with spaces is written "NAME=a value".'
MEANT = "where the quote is meant as a character."

# What stands beside an ExecStart where it brings none → the sentence that refuses it.
REFUSED = {
    'ExecStart=/bin/echo "a': f"""ExecStart has a quote that nothing closes, '"a'; the nearest is \\", {MEANT}""",
    "ExecStart=/bin/echo it's": f"""ExecStart has a quote that nothing closes, ''s'; the nearest is \\', {MEANT}""",
    'ExecStop=/bin/echo "a\\"': f"""ExecStop has a quote that nothing closes, '"a\\"'; the nearest is \\", {MEANT}""",
    "ExecStart=/bin/echo '\\'": f"""ExecStart has a quote that nothing closes, ''\\''; the nearest is \\', {MEANT}""",
    "ExecStart=bin/echo a": f"ExecStart can't be 'bin/echo': {PROGRAM}/bin/echo.",
    "ExecStartPre=./echo": f"ExecStartPre can't be './echo': {PROGRAM}/echo.",
    "ExecStartPost=~/echo": f"ExecStartPost can't be '~/echo': {PROGRAM}/echo.",
    "ExecReload=..": f"ExecReload can't be '..': {PROGRAM}/bin/sh.",
    "ExecStopPost=-/bin/": f"ExecStopPost can't be '/bin/': {PROGRAM}/bin.",
    "ExecCondition=/": f"ExecCondition can't be '/': {PROGRAM}/bin/sh.",
    "ExecStart=$SHELL -c a": f"ExecStart can't be '$SHELL': {PROGRAM}/SHELL.",
    "ExecStart=/bin/echo ; bin/echo": f"ExecStart can't be 'bin/echo': {PROGRAM}/bin/echo.",
    "ExecStart=-": f"ExecStart can't be '-': {NO_PROGRAM}",
    "ExecStart=- /bin/echo": f"ExecStart can't be '-': {NO_PROGRAM}",
    'ExecStart="" a': f"""ExecStart can't be '""': {NO_PROGRAM}""",
    "ExecStart=--/bin/echo": f"ExecStart can't be '--/bin/echo': {PREFIXES}",
    "ExecStart=+!/bin/echo": f"ExecStart can't be '+!/bin/echo': {PREFIXES}",
    "ExecStart=!!!/bin/echo": f"ExecStart can't be '!!!/bin/echo': {PREFIXES}",
    "ExecStart=@/bin/echo": (
        "ExecStart can't be '@/bin/echo': after @ and the path comes the name to run it by; the nearest is /bin/echo."
    ),
    "ExecStart=/bin/echo %z": ("ExecStart can't be '/bin/echo %z': %z means nothing to systemd; the nearest is %%z."),
    "ExecStart=/bin/echo %%%02": (
        "ExecStart can't be '/bin/echo %%%02': %0 means nothing to systemd; the nearest is %%0."
    ),
    "ExecStart=/bin/echo ; /bin/echo": ("its [Service] has 2 ExecStart, and only Type=oneshot may have more than one."),
    "Type=onehot": (
        "Type can't be 'onehot': it is one of simple, exec, forking, oneshot, dbus, notify, notify-reload, idle; "
        "the nearest is oneshot."
    ),
    "Type=": ("Type can't be '': it is one of simple, exec, forking, oneshot, dbus, notify, notify-reload, idle."),
    "Type=dbus": "Type can't be 'dbus': it needs BusName=, the name that the service takes on the bus.",
    "Restart=Allways": f"Restart can't be 'Allways': {RESTARTS}; the nearest is always.",
    "Restart=yes": f"Restart can't be 'yes': {RESTARTS}.",
    "Type=oneshot\nRestart=always": (
        "Restart can't be 'always': Type=oneshot is meant to end; the nearest is on-failure."
    ),
    "Type=oneshot\nRestart=on-success": (
        "Restart can't be 'on-success': Type=oneshot is meant to end; the nearest is on-failure."
    ),
    "RemainAfterExit=ye": "RemainAfterExit can't be 'ye': it is yes or no; the nearest is yes.",
    "GuessMainPID=2": "GuessMainPID can't be '2': it is yes or no.",
    "SendSIGKILL=": "SendSIGKILL can't be '': it is yes or no.",
    "SendSIGHUP=maybe": "SendSIGHUP can't be 'maybe': it is yes or no.",
    "NoNewPrivileges=00": "NoNewPrivileges can't be '00': it is yes or no.",
    "IgnoreSIGPIPE=flase": "IgnoreSIGPIPE can't be 'flase': it is yes or no; the nearest is false.",
    "RestartSec=soon": f"RestartSec can't be 'soon': {SPAN}",
    "TimeoutStartSec=": f"TimeoutStartSec can't be '': {SPAN}",
    "TimeoutStopSec=-1": f"TimeoutStopSec can't be '-1': {SPAN}",
    "TimeoutSec=5x": f"TimeoutSec can't be '5x': {SPAN}",
    "RuntimeMaxSec=1.": f"RuntimeMaxSec can't be '1.': {SPAN}",
    "WatchdogSec=1,5": f"WatchdogSec can't be '1,5': {SPAN}",
    "RestartSec=Infinity": f"RestartSec can't be 'Infinity': {SPAN}",
    "RestartSec=1 infinity": f"RestartSec can't be '1 infinity': {SPAN}",
    "RestartSec=90sek": f"RestartSec can't be '90sek': {SPAN}",
    "RestartSec=1min, 2s": f"RestartSec can't be '1min, 2s': {SPAN}",
    "RestartSec=1.5.5": f"RestartSec can't be '1.5.5': {SPAN}",
    "RestartSec=1ns": f"RestartSec can't be '1ns': {SPAN}",
    "RestartSec=99999999999999999999": f"RestartSec can't be '99999999999999999999': {SPAN}",
    "RestartSec=１": f"RestartSec can't be '１': {SPAN}",  # noqa: RUF001 - a digit, but none that systemd reads
    "KillSignal=SIGTRM": "KillSignal can't be 'SIGTRM': it is a signal such as SIGTERM or 15; the nearest is SIGTERM.",
    "KillSignal=term": "KillSignal can't be 'term': it is a signal such as SIGTERM or 15; the nearest is SIGTERM.",
    "KillSignal=0": "KillSignal can't be '0': it is a signal such as SIGTERM or 15.",
    "FinalKillSignal=65": "FinalKillSignal can't be '65': it is a signal such as SIGTERM or 15.",
    "RestartKillSignal=SIGRTMIN+31": (
        "RestartKillSignal can't be 'SIGRTMIN+31': it is a signal such as SIGTERM or 15; the nearest is SIGRTMIN."
    ),
    "WatchdogSignal=": "WatchdogSignal can't be '': it is a signal such as SIGTERM or 15.",
    "KillMode=Mix": f"KillMode can't be 'Mix': {KILL_MODES}; the nearest is mixed.",
    "WorkingDirectory=srv": f"WorkingDirectory can't be 'srv': {FOLDER}/srv.",
    "WorkingDirectory=-srv": f"WorkingDirectory can't be '-srv': {FOLDER}/srv.",
    "WorkingDirectory=-": f"WorkingDirectory can't be '-': {FOLDER}/.",
    "WorkingDirectory=~/x": f"WorkingDirectory can't be '~/x': {FOLDER}/x.",
    'WorkingDirectory="/a b"': f"""WorkingDirectory can't be '"/a b"': {FOLDER}/a b.""",
    "WorkingDirectory=/a/../b": f"WorkingDirectory can't be '/a/../b': {FOLDER}/b.",
    "WorkingDirectory=%%": f"WorkingDirectory can't be '%%': {FOLDER}/%%.",
    "WorkingDirectory=/a%z": "WorkingDirectory can't be '/a%z': %z means nothing to systemd; the nearest is %%z.",
    'Environment="A=b': f"""Environment has a quote that nothing closes, '"A=b'; the nearest is \\", {MEANT}""",
    "Environment=A=b c": f"Environment can't be 'A=b c': 'c' {ASSIGNMENT}",
    "Environment=A-B=c": f"Environment can't be 'A-B=c': 'A-B=c' {ASSIGNMENT}",
    "Environment=A=%z": "Environment can't be 'A=%z': %z means nothing to systemd; the nearest is %%z.",
    r"Environment=A=\z": r"Environment can't be 'A=\z': \z means nothing there; the nearest is \\z.",
    r"Environment=A=\x41\\\x00": (r"Environment can't be 'A=\x41\\\x00': \x means nothing there; the nearest is \\x."),
}

ON = ("success", "failure", "abnormal", "watchdog", "abort")

# What systemd 252 reads without a word.
TAKEN = (
    *(f"ExecStart={prefix}/bin/echo a" for prefix in ("", "-", ":", "+", "!", "!!", "@", "@-:", "+-", "-@!!")),
    *('ExecStart="/bin/echo" a', "ExecStart=echo a", 'ExecStart="-/bin/echo" a', "ExecStart=/bin/echo ;"),
    *(r"ExecStart=/bin/echo a\" it\'s", """ExecStart=/bin/echo a"b c"'d "e'f "" '\\''""", "ExecStart=%s"),
    *("ExecStart=/bin/echo % %% %%z 50%! %n %i %H", r"ExecStart=/bin/echo \x41", "ExecStart=/bin/e'cho'"),
    "ExecStart=/bin/true\nExecStart=\nExecStart=/bin/echo",
    "Type=oneshot\nExecStart=/bin/echo ; /bin/true\nExecStart=/bin/echo",
    "ExecStop=",
    *(f"Type={word}" for word in ("simple", "exec", "forking", "oneshot", "notify", "idle", "dbus\nBusName=org.a.B")),
    *(f"Restart={word}" for word in ("no", "always", *(f"on-{end}" for end in ON))),
    *(f"Type=oneshot\nRestart={word}" for word in ("no", "on-failure", "always\nRestart=no")),
    *(f"RemainAfterExit={word}" for word in ("1", "yes", "y", "true", "t", "on", "YES", "True")),
    *(f"RemainAfterExit={word}" for word in ("0", "no", "n", "false", "f", "off")),
    *(f"RestartSec={span}" for span in ("3", "0", "infinity", "1.5", ".5s", "1 5", "1s2", "1 s5", "+5", "5 m", "1 .5")),
    *(f"RestartSec=2{unit}" for unit in ("us", "usec", "\N{MICRO SIGN}s", "\N{GREEK SMALL LETTER MU}s", "ms", "msec")),
    *(f"RestartSec=2{unit}" for unit in ("s", "sec", "second", "seconds", "m", "min", "minute", "minutes", "h", "hr")),
    *(f"RestartSec=2{unit}" for unit in ("hour", "hours", "d", "day", "days", "w", "week", "weeks", "M", "month")),
    *(f"RestartSec=2{unit}" for unit in ("months", "y", "year", "years")),
    *("TimeoutStartSec=1min 30s", "TimeoutStopSec=1h30m", "TimeoutSec=0", "RuntimeMaxSec=1w", "WatchdogSec=0"),
    *(f"KillSignal={signal}" for signal in ("SIGTERM", "INT", "15", "64", "+1", "015", "SIGRTMIN", "RTMIN+30")),
    *(f"KillSignal={signal}" for signal in ("SIGRTMAX-30", "SIGSTKFLT", "SIGPWR", "SIGIO", "SIGSYS", "SIGWINCH")),
    *(f"KillMode={word}" for word in ("control-group", "process", "mixed", "")),
    *(f"WorkingDirectory={path}" for path in ("/", "~", "-/", "-~", "", "/a b", "/a/./b", "%h/x", "-%h", "/a%")),
    *(f"Environment={line}" for line in ("", "A=b", '"A=b c"', "'A=b c' B=", "A=%%", "_A1=%h", r"A=\x41\"\\ B=\u00e9")),
)


def service(lines: str) -> str:
    """A unit file with these lines, and with something to run where they say nothing of it."""
    run = "" if "ExecStart=" in lines else "ExecStart=/bin/echo\n"
    return f"[Service]\n{run}{lines}\n"
