"""What a run has learnt: units, and the phones that are read from them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import nn

from ezrvc_features.content.soft_units_network import SoftUnitsNetwork


@dataclass(frozen=True, eq=False)
class Reader:
    """A trained network and its reader of phones.

    Attributes:
        network: from mel bands to units, in evaluation mode.
        phones: from units to classes.
        classes: number of each phone.
    """

    network: SoftUnitsNetwork
    phones: nn.Linear
    classes: dict[str, int]

    @classmethod
    def load(cls, checkpoint: Path, device: torch.device) -> Self:
        """The reader in a checkpoint of `soft_units.train`."""
        state = torch.load(checkpoint, weights_only=True, map_location="cpu")
        network = SoftUnitsNetwork(**state["config"]).eval()
        network.load_state_dict(state["network"])
        phones = nn.Linear(state["config"]["dim"], len(state["classes"]))
        weights = {name: state["judges"][f"phones.{name}"] for name in ("weight", "bias")}
        phones.load_state_dict(weights)
        return cls(network.to(device), phones.to(device), state["classes"])

    @torch.no_grad()
    def probabilities(self, mel: torch.Tensor) -> torch.Tensor:
        """Of each phone in each frame.

        Args:
            mel: on the network's scale, (batch, n_mels, n_columns).

        Returns:
            (batch, n_columns // 2, n_classes).
        """
        return self.phones(self.network(mel).mT).softmax(dim=2)
