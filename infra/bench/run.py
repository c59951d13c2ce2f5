"""Run the packages' benchmarks one after another: `make bench`, or `make bench ARGS=stages`.

Each is a script in packages/*/benchmarks that prints what it measures beside its baseline, as a
ratio taken in one run; absolute times vary between machines.
"""

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(wanted: list[str]) -> int:
    """Run the benchmarks whose file names contain any of the words (all without words)."""
    scripts = sorted((ROOT / "packages").glob("*/benchmarks/*.py"))
    chosen = [s for s in scripts if not wanted or any(word in s.stem for word in wanted)]
    if not chosen:
        print(f"no benchmark matches {wanted}; there are: {', '.join(s.stem for s in scripts)}")
        return 1
    for script in chosen:
        print(f"== {script.relative_to(ROOT)}", flush=True)
        sys.argv = [str(script)]
        runpy.run_path(str(script), run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
