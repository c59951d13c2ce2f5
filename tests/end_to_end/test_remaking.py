"""A changed setting remakes exactly what depends on it; seen by which files were touched."""

from pathlib import Path

import pytest

from ezrvc_audio.testing import write_corpus
from ezrvc_cli.testing import Command
from ezrvc_features.testing.checkpoints import write_contentvec_folder

KINDS = {
    "clips": "audio/**/*.wav",
    "content": "features/**/*.soft.pt",
    "f0": "features/**/*.f0.npy",
    "volume": "features/**/*.vol.npy",
    "spectrogram": "features/**/*.spec.pt",
}


def times(experiment: Path) -> dict[str, dict[Path, int]]:
    return {
        kind: {path: path.stat().st_mtime_ns for path in experiment.glob(pattern)}
        for kind, pattern in KINDS.items()
    }


@pytest.mark.parametrize(
    ("change", "remade"),
    [
        ([], set()),
        (["--set", "features.f0.max_hz=900"], {"f0"}),
        (["--f0", "dio"], {"f0"}),
        (["--set", "model.n_fft=2048"], {"spectrogram"}),
        (
            [
                "--set", "model.decoder.upsample_rates=[8,5,2,2]",
                "--set", "model.decoder.upsample_kernel_sizes=[16,11,4,4]",
            ],
            {"f0", "volume", "spectrogram"},
        ),
        (["--rate", "22050"], set(KINDS)),
    ],
    ids=["nothing", "f0-range", "f0-method", "n_fft", "hop", "rate"],
)  # fmt: skip
def test_what_a_change_remakes(
    change: list[str], remade: set[str], home: Path, ezrvc: Command, small_voice: Path
) -> None:
    write_corpus(home / "data" / "raw", ["ada"], n_recordings=2, duration_s=4.0, sample_rate=24000)
    base = ["preprocess", "--speaker", "ada", "--preset", "tiny", "--config", str(small_voice)]
    assert ezrvc(*base).code == 0
    experiment = home / "data" / "processed" / "ada"
    before = times(experiment)
    assert all(before.values())
    finished = ezrvc(*base, *change)
    assert finished.code == 0, finished.err
    after = times(experiment)
    touched = {
        kind
        for kind in KINDS
        if any(after[kind].get(path) != time for path, time in before[kind].items())
    }
    assert touched == remade
    if remade:
        for kind in remade:
            assert all(after[kind].get(path) != time for path, time in before[kind].items())


def test_another_encoder_remakes_content_alone(
    home: Path, ezrvc: Command, small_voice: Path, tmp_path: Path
) -> None:
    weights = write_contentvec_folder(tmp_path / "contentvec")
    write_corpus(home / "data" / "raw", ["ada"], n_recordings=2, duration_s=4.0, sample_rate=24000)
    base = ["preprocess", "--speaker", "ada", "--preset", "tiny", "--config", str(small_voice)]
    assert ezrvc(*base).code == 0
    before = times(home / "data" / "processed" / "ada")
    finished = ezrvc(
        *base, "--encoder", "contentvec768l12", "--set", f"features.encoder_weights={weights}"
    )
    assert finished.code == 0, finished.err
    after = times(home / "data" / "processed" / "ada")
    assert all(after["content"][path] != time for path, time in before["content"].items())
    assert {kind: after[kind] for kind in KINDS if kind != "content"} == {
        kind: before[kind] for kind in KINDS if kind != "content"
    }
