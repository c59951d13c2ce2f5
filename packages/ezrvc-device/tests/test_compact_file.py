from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ezrvc_device.errors import WeightsError
from ezrvc_device.weights.compact_file import open_compact, read_compact, write_compact


def test_rows_keep_their_own_scale(tmp_path: Path) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(6, 40) * torch.tensor([1e-4, 1e-2, 1, 10, 100, 0.0])[:, None]
    tensors = {"a.weight": matrix, "a.bias": torch.tensor([0.5, -2.0]), "c": torch.randn(3, 2, 5)}
    path = tmp_path / "small.safetensors"
    write_compact(path, tensors, {"dim": 3})
    opened = open_compact(path)
    assert opened.config == {"dim": 3}
    read = read_compact(path)
    assert read.keys() == tensors.keys()
    assert torch.equal(read["a.bias"], tensors["a.bias"])
    for name in ("a.weight", "c"):
        rows, again = tensors[name].flatten(1), read[name].flatten(1)
        # half a step of 1/127 of each row's largest value, and the rounding of the scale itself
        allowed = rows.abs().amax(dim=1, keepdim=True) * (0.5 / 127 + 2**-11) + 1e-6
        assert ((rows - again).abs() <= allowed).all()
    assert set(read_compact(path, ["a.bias"])) == {"a.bias"}
    assert path.stat().st_size < 1000


def test_an_ordinary_file_is_read_as_it_is(tmp_path: Path) -> None:
    tensors = {
        "a": torch.tensor([[0.5, 3.0]]).half(),
        "a.scales": torch.ones(2),
        "n": torch.tensor(7),
    }
    save_file(tensors, tmp_path / "plain.safetensors")
    read = read_compact(tmp_path / "plain.safetensors")
    assert read.keys() == tensors.keys()
    assert torch.equal(read["a"], torch.tensor([[0.5, 3.0]]))
    assert read["n"].dtype == torch.int64


def test_what_is_no_compact_file_is_refused(tmp_path: Path) -> None:
    missing, text, other = (tmp_path / name for name in ("none", "text", "other"))
    text.write_text("not tensors", encoding="utf-8")
    save_file({"x": torch.zeros(1)}, other)
    for path in (missing, text, other):
        with pytest.raises(WeightsError, match=f"{path.name}: not a file of compact weights"):
            open_compact(path)
