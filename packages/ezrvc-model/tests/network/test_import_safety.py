"""Files that are not what they claim are refused before anything in them could run."""

import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from ezrvc_model.errors import ModelError
from ezrvc_model.interop.discriminators import import_discriminator
from ezrvc_model.interop.rvc import import_rvc
from ezrvc_model.interop.sovits import import_sovits

IMPORTERS = [import_sovits, import_rvc, import_discriminator]


class Malicious:
    """Writes a file when it is unpickled carelessly."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self):
        return os.system, (f"touch '{self.victim}'",)


@pytest.mark.parametrize("read", IMPORTERS)
@pytest.mark.parametrize("form", ["torch", "bare pickle", "deep inside"])
def test_a_malicious_pickle_is_refused_and_nothing_runs(tmp_path, read, form):
    victim, path = tmp_path / "victim", tmp_path / "G_0.pth"
    malicious = Malicious(victim)
    if form == "torch":
        torch.save(malicious, path)
    elif form == "deep inside":
        torch.save({"model": {"emb_g.weight": torch.zeros(2, 2), "x": [malicious]}}, path)
    else:
        path.write_bytes(pickle.dumps({"model": malicious}, protocol=2))
    with pytest.raises(ModelError, match=r"G_0\.pth: refused, because it asks to run"):
        read(path)
    assert not victim.exists()
    pickle.loads(pickle.dumps(malicious))  # noqa: S301 - what would have happened
    assert victim.exists()


@pytest.mark.parametrize("read", IMPORTERS)
@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path, read, kept):
    path = tmp_path / "G_0.pth"
    torch.save({"model": {"emb_g.weight": torch.zeros(50, 50)}}, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    with pytest.raises(ModelError, match=r"G_0\.pth: not a checkpoint, or a damaged one"):
        read(path)


@pytest.mark.parametrize("read", IMPORTERS)
def test_other_things_are_refused(tmp_path, read):
    with pytest.raises(ModelError, match="cannot be read"):
        read(tmp_path / "missing.pth")
    text = tmp_path / "text.pth"
    text.write_text("not a checkpoint at all")
    with pytest.raises(ModelError, match=r"text\.pth: not a checkpoint"):
        read(text)
    archive = tmp_path / "archive.pth"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("readme.txt", "hello")
    with pytest.raises(ModelError, match=r"archive\.pth: not a checkpoint"):
        read(archive)
    tensor = tmp_path / "tensor.pth"
    torch.save(torch.zeros(3), tensor)
    with pytest.raises(ModelError, match="holds a Tensor, not the dictionary"):
        read(tensor)
    empty = tmp_path / "empty.pth"
    torch.save({"optimizer": {}}, empty)
    with pytest.raises(
        ModelError, match=r"holds no weights under '(model|weight)'; keys: optimizer"
    ):
        read(empty)
