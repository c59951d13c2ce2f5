#!/bin/sh
# Run uv with the given arguments. Uses the uv on PATH; without one, installs uv inside this
# project (.tools/): in a virtual environment, else by pip --target. Needs no root.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
tools=$root/.tools

if command -v uv >/dev/null 2>&1; then
    exec uv "$@"
fi

find_local() {
    for candidate in "$tools/venv/bin/uv" "$tools/packages/bin/uv"; do
        if [ -x "$candidate" ] && "$candidate" --version >/dev/null 2>&1; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

if ! uv=$(find_local); then
    python=$(command -v python3 || command -v python || true)
    echo "uv is not on PATH: installing it in $tools" >&2
    mkdir -p "$tools"
    if [ -n "$python" ]; then
        { rm -rf "$tools/venv" && "$python" -m venv "$tools/venv" &&
            "$tools/venv/bin/python" -m pip install --quiet --disable-pip-version-check uv; } \
            >"$tools/install.log" 2>&1 ||
            "$python" -m pip install --quiet --disable-pip-version-check \
                --target "$tools/packages" uv >>"$tools/install.log" 2>&1 || true
    fi
    if ! uv=$(find_local); then
        echo "error: could not install uv (see $tools/install.log); install it from" \
            "https://docs.astral.sh/uv/ and run this again" >&2
        exit 1
    fi
fi
exec "$uv" "$@"
