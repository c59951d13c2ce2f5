"""Write the weights of a run as the package ships them.

python -m soft_units.publish OUT/checkpoint.pt --whisper FOLDER [--trained 0.8] [--to FILE]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from ezrvc_device.weights.compact_file import write_compact
from ezrvc_features.content.soft_units_network import SoftUnitsNetwork
from soft_units.train import load_whisper

WEIGHTS = Path(__file__).parents[2] / "src/ezrvc_features/content/soft_units.safetensors"


def between(network: SoftUnitsNetwork, whisper: Path, trained: float) -> None:
    """Move a trained network part of the way back to the Whisper that it began as.

    Of weights between the two, more holds for sound unlike that of training: Wortsman et al.,
    "Robust fine-tuning of zero-shot models" (2022). The projection, which Whisper does not have,
    stays.

    Args:
        network: to move.
        whisper: folder with the model.bin that it began as.
        trained: 1: as it was trained, 0: as Whisper is.
    """
    beginning = SoftUnitsNetwork(**network.config)
    beginning.project.load_state_dict(network.project.state_dict())
    load_whisper(beginning, whisper)
    with torch.no_grad():
        for own, first in zip(network.parameters(), beginning.parameters(), strict=True):
            own.lerp_(first, 1 - trained)


def main(argv: Sequence[str] | None = None) -> None:
    """Read the checkpoint, write the weights, say how large they are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--whisper", type=Path, help="what it began as; none: as it was trained")
    parser.add_argument("--trained", type=float, default=0.8, help="share of the trained weights")
    parser.add_argument("--to", type=Path, default=WEIGHTS)
    chosen = parser.parse_args(argv)
    state = torch.load(chosen.checkpoint, weights_only=True, map_location="cpu")
    network = SoftUnitsNetwork(**state["config"])
    network.load_state_dict(state["network"])
    if chosen.whisper is not None:
        between(network, chosen.whisper, chosen.trained)
    write_compact(chosen.to, network.state_dict(), state["config"])
    size = chosen.to.stat().st_size / 1e6
    print(f"{chosen.to}: {size:.1f} MB, after {state['step']} steps")


if __name__ == "__main__":
    main()
