#!/bin/sh
# Run uv with the given arguments. Uses the uv on PATH; without one that works, installs uv inside
# this project (.tools/): in a virtual environment, else by pip --target. Needs no root.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
tools=$root/.tools

works() {
    "$1" --version >/dev/null 2>&1
}

fail() {
    echo "error: $1; install uv from https://docs.astral.sh/uv/ and run this again" >&2
    exit 1
}

find_local() {
    for candidate in "$tools/venv/bin/uv" "$tools/packages/bin/uv"; do
        if works "$candidate"; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

install_local() {
    for python in python3 python; do
        if works "$python"; then
            break
        fi
    done
    works "$python" || fail "neither uv nor Python 3.11 or newer is on PATH"
    echo "no uv on PATH: installing it in $tools" >&2
    mkdir -p "$tools"
    {
        rm -rf "$tools/venv" && "$python" -m venv "$tools/venv" &&
            "$tools/venv/bin/python" -m pip install --quiet --disable-pip-version-check uv
    } >"$tools/install.log" 2>&1 ||
        "$python" -m pip install --quiet --disable-pip-version-check \
            --target "$tools/packages" uv >>"$tools/install.log" 2>&1 || true
}

if works uv; then
    exec uv "$@"
fi
if ! uv=$(find_local); then
    install_local
    uv=$(find_local) || fail "uv could not be installed (the reason is in $tools/install.log)"
fi
exec "$uv" "$@"
