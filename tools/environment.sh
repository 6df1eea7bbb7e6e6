#!/bin/sh
# Chooses the interpreter and hands over to environment.py, which makes .venv and fills it.
# Reads PYTHON (the interpreter to use), TORCH_INDEX and VENV (a folder in place of .venv) from the
# environment; each may be missing.
set -eu
cd "$(dirname "$0")/.."

usable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
        >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    if usable "$PYTHON"; then
        exec "$PYTHON" tools/environment.py
    fi
    echo "PYTHON=$PYTHON cannot be used: it has to be Python 3.11, 3.12 or 3.13 with its venv module. It says:" >&2
    "$PYTHON" --version >&2 || true
else
    for candidate in "${VENV:-.venv}/bin/python" python3.11 python3.12 python3.13 python3 python; do
        if usable "$candidate"; then
            exec "$candidate" tools/environment.py
        fi
    done
    echo "No usable Python was found: the course needs Python 3.11, 3.12 or 3.13 with its venv module." >&2
fi
echo "On Debian and Ubuntu: apt install python3 python3-venv. Elsewhere: the installer of python.org." >&2
echo "If it is not on your PATH, name it: make lab PYTHON=/path/to/python3.11" >&2
exit 1
