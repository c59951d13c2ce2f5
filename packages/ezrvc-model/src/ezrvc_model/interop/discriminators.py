"""Discriminators of so-vits-svc and RVC: `D_<step>.pth`."""

import re
from pathlib import Path

import torch

from ezrvc_model.discriminators.discriminator import RVC_V2_PERIODS, Discriminator
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.accounting import account_for
from ezrvc_model.interop.names import discriminator_names
from ezrvc_model.interop.reading import read_foreign, tensors_in

_MEMBER = re.compile(r"^discriminators\.(\d+)\.")


def import_discriminator(path: Path) -> Discriminator:
    """Read a discriminator of so-vits-svc 4.x or RVC, so that training can go on with it.

    Its number of members says which periods it has: the programs' lists begin alike.

    Raises:
        ModelError: the file is missing, damaged or refused, or a tensor of it is missing, unknown
            or mis-shaped.
    """
    tensors = tensors_in(read_foreign(path), "model", path)
    if any(name.endswith((".weight_orig", ".parametrizations.weight.0._u")) for name in tensors):
        raise ModelError(
            f"{path}: its discriminators use spectral normalisation, which is not supported; "
            "those with weight normalisation are"
        )
    members = {int(match[1]) for name in tensors if (match := _MEMBER.match(name)) is not None}
    n_periods = len(members) - 1
    if not 1 <= n_periods <= len(RVC_V2_PERIODS):
        raise ModelError(
            f"{path}: holds {len(members)} discriminators, expected a scale discriminator and 1 to "
            f"{len(RVC_V2_PERIODS)} of periods"
        )
    discriminator = Discriminator(RVC_V2_PERIODS[:n_periods])
    state = discriminator.state_dict()
    names = discriminator_names(state)
    expected: dict[str, torch.Size] = {theirs: state[ours].shape for ours, theirs in names.items()}
    account_for(tensors, expected, str(path))
    discriminator.load_state_dict({ours: tensors[theirs] for ours, theirs in names.items()})
    return discriminator
