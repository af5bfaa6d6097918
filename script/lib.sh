# What the scripts beside it share. Sourced by them with $root, the checkout, set. POSIX sh.
# PYTHON=python3.13 has them use that one; FLOORS=1 installs the oldest libraries that setup.cfg allows.

venv=$root/.venv${PYTHON:+-${PYTHON##*/}}${FLOORS:+-floors}

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

# Echo a command as in a transcript, then run it.
run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

recent() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# Set $python to the first Python that is new enough and can make a venv.
find_python() {
    for python in "${PYTHON:-python3}" ${PYTHON:-python3.11 python3.12 python3.13}; do
        if recent "$python"; then
            check_venv_module
            return
        fi
    done
    [ -z "${PYTHON-}" ] || fail "Deployster needs Python 3.11 or later, and $PYTHON is none."
    found=$(python3 --version 2>/dev/null) || fail "Deployster needs Python 3.11 or later, and there is no python3 here." \
        "On Debian 12 or later: apt-get install python3 python3-venv"
    fail "Deployster needs Python 3.11 or later, and python3 here is $found."
}

# Debian ships Python without the part of venv that installs pip.
check_venv_module() {
    "$python" -c 'import ensurepip, venv; ensurepip.version()' >/dev/null 2>&1 ||
        fail "$python can't make a virtual environment: its venv module is not installed." \
            "On Debian: apt-get install $python-venv"
}

# Whether .venv is of use: made in this very folder (its programs hold its path), its Python and pip start.
usable() {
    [ "$(cat "$venv/made-in" 2>/dev/null || echo "$root")" = "$root" ] && recent "$venv/bin/python" &&
        "$venv/bin/python" -c 'import pip' >/dev/null 2>&1
}

make_venv() {
    find_python
    [ -w "$root" ] || fail "$root is not yours to write to, and ${venv##*/} belongs there."
    echo "Making ${venv##*/} with $("$python" --version)"
    rm -rf -- "$venv"
    "$python" -m venv "$venv" || fail "$python could not make ${venv##*/}."
    echo "$root" >"$venv/made-in"
}

# The oldest library of each kind that Deployster says it works with, as pip's constraints.
floors() {
    sed -n -e '/^install_requires =/,/^\[/p' -e '/^client =/,/^test =/p' "$root/setup.cfg" |
        sed -n 's/^ *\([a-z0-9-]*\)>=/\1==/p'
}

# Install this checkout, editable, with the extras $1, or none. What pip says is shown only where it fails.
install() {
    echo "Installing deployster${1:+[$1]} into ${venv##*/}"
    ${FLOORS:+floors} >"$venv/constraints"
    (cd "$root" && "$venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check \
        --constraint "$venv/constraints" --editable ".${1:+[$1]}") >"$venv/install.log" 2>&1 </dev/null
}

# Have .venv with this checkout and the extras $1, or none, in it. It is used again until the packaging files change.
prepare() {
    stamp=$venv/installed-${1:-plain}
    wanted=$(cd "$root" && cksum setup.cfg pyproject.toml)
    if usable; then
        if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
            return
        fi
        rm -f -- "$stamp"
        install "$1" || make_and_install "$1"
    else
        make_and_install "$1"
    fi
    echo "$wanted" >"$stamp"
}

make_and_install() {
    make_venv
    install "$1" || {
        cat "$venv/install.log" >&2
        fail "pip could not install deployster${1:+[$1]}; what it said is above."
    }
}
