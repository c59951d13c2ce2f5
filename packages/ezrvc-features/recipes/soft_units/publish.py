"""Write the weights of a run as the package ships them.

python -m soft_units.publish OUT/checkpoint.pt [--to FILE]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from ezrvc_device.weights.compact_file import write_compact

WEIGHTS = Path(__file__).parents[2] / "src/ezrvc_features/content/soft_units.safetensors"


def main(argv: Sequence[str] | None = None) -> None:
    """Read the checkpoint, write the weights, say how large they are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--to", type=Path, default=WEIGHTS)
    chosen = parser.parse_args(argv)
    state = torch.load(chosen.checkpoint, weights_only=True, map_location="cpu")
    write_compact(chosen.to, state["network"], state["config"])
    size = chosen.to.stat().st_size / 1e6
    print(f"{chosen.to}: {size:.1f} MB, after {state['step']} steps")


if __name__ == "__main__":
    main()
