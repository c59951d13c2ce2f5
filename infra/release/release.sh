#!/bin/sh
# Release one package of the workspace: bump its version, check that its CHANGELOG speaks of it,
# commit, tag <package>-v<version>, and build its wheel and sdist without workspace sources.
# Publishing stays a decision of a person: `uv publish dist/<package>/*`.
set -eu
package=$1
bump=$2
root=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$root"
uv=${UV:-uv}

if [ -n "$(git status --porcelain)" ]; then
    echo "error: there are uncommitted changes; commit or stash them first" >&2
    exit 1
fi
folder=
for candidate in packages/* apps/*; do
    if grep -qx "name = \"$package\"" "$candidate/pyproject.toml"; then
        folder=$candidate
    fi
done
if [ -z "$folder" ]; then
    echo "error: no package is named $package; see packages/ and apps/" >&2
    exit 1
fi
version=$($uv version --package "$package" --bump "$bump" --dry-run --short)
if ! grep -q "^## $version" "$folder/CHANGELOG.md"; then
    echo "error: $folder/CHANGELOG.md has no section '## $version'; write what changed first" >&2
    exit 1
fi
$uv version --package "$package" --bump "$bump" --quiet
git add "$folder/pyproject.toml" uv.lock
git commit --quiet -m "Release $package $version"
git tag -a "$package-v$version" -m "$package $version"
$uv build --package "$package" --no-sources --out-dir "dist/$package"
echo "built dist/$package; publish with: git push --follow-tags && uv publish dist/$package/*"
