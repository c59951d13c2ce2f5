#!/bin/sh
# Build every package as a wheel and import each alone, with only its own dependencies, in an
# empty environment. Needs the network. UV may name the uv command.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$root"
uv=${UV:-uv}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

$uv build --quiet --all-packages --wheel --out-dir "$work/wheels"
for wheel in "$work"/wheels/*.whl; do
    module=$(basename "$wheel" | cut -d- -f1)
    echo "== $module"
    $uv venv --quiet --clear "$work/venv"
    $uv pip install --quiet --python "$work/venv/bin/python" --find-links "$work/wheels" "$wheel"
    # -I: neither the working folder nor the user's site packages can lend a module
    (cd "$work" && "$work/venv/bin/python" -I -c "
import $module
names = [getattr($module, name) for name in getattr($module, '__all__', [])]
print('imported with', len(names), 'public names')")
done
