"""The one contract between discriminators and the losses that read them."""

from dataclasses import dataclass

import torch

from ezrvc_model.errors import ModelError


@dataclass(frozen=True, eq=False)
class Judgement:
    """What a set of discriminators says of some audio; checked when made.

    Attributes:
        logits: one tensor for each discriminator, (batch, n_logits); high means real.
        feature_maps: for each discriminator, what each of its layers saw, (batch, ...).

    Raises:
        ModelError: not one list of feature maps for each tensor of logits, or something in them
            is no tensor, or batches differ.
    """

    logits: tuple[torch.Tensor, ...]
    feature_maps: tuple[tuple[torch.Tensor, ...], ...]

    def __post_init__(self) -> None:
        if not self.logits or len(self.logits) != len(self.feature_maps):
            raise ModelError(
                f"a judgement needs one list of feature maps for each tensor of logits, got "
                f"{len(self.logits)} logits and {len(self.feature_maps)} lists"
            )
        for index, (logits, maps) in enumerate(zip(self.logits, self.feature_maps, strict=True)):
            _check_tensor(logits, f"logits of discriminator {index}")
            if logits.ndim != 2:
                raise ModelError(
                    f"logits of discriminator {index} must be (batch, n_logits), got "
                    f"{tuple(logits.shape)}"
                )
            if not maps:
                raise ModelError(f"discriminator {index} gave no feature maps")
            for layer, feature_map in enumerate(maps):
                _check_tensor(feature_map, f"feature map {layer} of discriminator {index}")
                if feature_map.shape[0] != logits.shape[0]:
                    raise ModelError(
                        f"feature map {layer} of discriminator {index} holds "
                        f"{feature_map.shape[0]} items, its logits {logits.shape[0]}"
                    )

    def split(self, sizes: tuple[int, int]) -> tuple["Judgement", "Judgement"]:
        """Take a batch apart that was judged together, such as real audio and its imitation."""
        logits = [tensor.split(sizes) for tensor in self.logits]
        maps = [[tensor.split(sizes) for tensor in layers] for layers in self.feature_maps]
        first, second = (
            Judgement(
                tuple(parts[side] for parts in logits),
                tuple(tuple(parts[side] for parts in layers) for layers in maps),
            )
            for side in (0, 1)
        )
        return first, second


def check_comparable(real: Judgement, fake: Judgement) -> None:
    """Make sure that two judgements come from the same discriminators and equally long audio.

    Raises:
        ModelError: numbers or shapes differ; says where.
    """
    real_shapes, fake_shapes = _shapes(real), _shapes(fake)
    if len(real_shapes) != len(fake_shapes):
        raise ModelError(
            f"judgements of {len(real_shapes)} and {len(fake_shapes)} discriminators cannot be "
            "compared"
        )
    for index, (one, other) in enumerate(zip(real_shapes, fake_shapes, strict=True)):
        if one != other:
            raise ModelError(f"discriminator {index} saw different shapes: {one} and {other}")


def _shapes(judgement: Judgement) -> list[list[tuple[int, ...]]]:
    return [
        [tuple(tensor.shape) for tensor in (logits, *maps)]
        for logits, maps in zip(judgement.logits, judgement.feature_maps, strict=True)
    ]


def _check_tensor(value: object, what: str) -> None:
    if not isinstance(value, torch.Tensor):
        raise ModelError(f"{what} must be a tensor, got {type(value).__name__}")
