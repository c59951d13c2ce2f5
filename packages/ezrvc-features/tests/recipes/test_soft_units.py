"""The recipe of a small encoder: its labels, its augmentation, and a whole run in small."""

import itertools
import json
from pathlib import Path

import librosa
import numpy as np
import pytest
import torch

from ezrvc_audio.testing import speech_like
from ezrvc_audio.writing import write
from ezrvc_device.weights.compact_file import open_compact, read_compact
from ezrvc_features.content.soft_units_network import SoftUnitsNetwork, mel_power, scale_power
from soft_units.align import LEAST_LIKELY, aligned_names, best_path, run_lengths, states_of
from soft_units.augmentation import augment, warp_formants
from soft_units.corpus import Clip, held_out_speakers, phone_classes, read_manifest
from soft_units.labels import IGNORED, SILENCE, frame_labels, phone_spans
from soft_units.objective import Judges
from soft_units.publish import between
from soft_units.publish import main as publish
from soft_units.reader import Reader
from soft_units.train import Training, arguments, clip_weights


def test_marks_belong_to_sounds_and_words_to_nobody() -> None:
    spans = phone_spans("hˈiː, ɐ", [4, 1, 2, 3, 1, 6, 2, 2, 5])
    assert spans == [(SILENCE, 4), ("h", 1), ("i", 6), (SILENCE, 6), (None, 2), ("ɐ", 2), ("_", 5)]
    with pytest.raises(ValueError, match="3 durations for 2 symbols"):
        phone_spans("ab", [1, 1, 1])


def test_a_frame_has_the_phone_of_its_middle() -> None:
    """Frames of 20 ms, phones that end at 50 and 100 ms: middles at 10, 30, 50, 70, 90, 110."""
    spans = [("a", 2), (None, 2)]
    labels = frame_labels(spans, {"a": 7}, 6)
    assert labels.tolist() == [7, 7, IGNORED, IGNORED, IGNORED, IGNORED]


def test_pauses_are_possible_between_words_and_at_the_ends() -> None:
    states = states_of("hˈiː, q", {SILENCE: 0, "h": 1, "i": 2})
    assert states == [("_", True), ("h", False), ("i", False), ("_", True), (None, False),
                      ("_", True)]  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_the_best_path_is_the_best_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    optional = [True, False, False, True, False, True]
    scores = rng.normal(size=(6, len(optional)))

    def may_follow(one: int, other: int) -> bool:
        return other - one in (0, 1) or (other - one == 2 and optional[one + 1])

    ways = [
        way
        for way in itertools.product(range(len(optional)), repeat=len(scores))
        if way[0] <= 1 and way[-1] >= len(optional) - 2
        and all(may_follow(*pair) for pair in itertools.pairwise(way))
    ]  # fmt: skip
    best = max(ways, key=lambda way: sum(scores[range(len(way)), way]))
    path, total = best_path(scores, optional)
    assert path.tolist() == list(best)
    assert total == pytest.approx(sum(scores[range(len(best)), best]))


def test_words_that_were_not_said_are_not_aligned() -> None:
    classes = {SILENCE: 0, "a": 1, "b": 2}
    heard = [0, 1, 1, 2, 2, 2, 0]
    sure = np.log(np.where(np.eye(3)[heard] > 0, 0.98, 0.01))
    assert aligned_names(sure, "ab", classes) == [list(classes)[c] for c in heard]
    assert aligned_names(sure, "bababa", classes) is None
    assert aligned_names(sure[:1], "ab", classes) is None  # too short for two phones
    assert run_lengths(["a", "a", None, "a"]) == [("a", 2), (None, 1), ("a", 1)]
    assert LEAST_LIKELY < 0


def test_a_longer_throat_lowers_a_formant_by_its_factor() -> None:
    time = np.arange(16_000) / 16_000
    tone = torch.from_numpy(np.sin(2 * np.pi * 2000 * time)).float()[None]
    warped = warp_formants(mel_power(tone), torch.tensor([0.8]))
    bands_hz = librosa.mel_frequencies(n_mels=82, fmax=8000)[1:-1]
    assert bands_hz[int(warped.mean(dim=2).argmax())] == pytest.approx(1600, rel=0.04)
    same = warp_formants(mel_power(tone), torch.tensor([1.0]))
    torch.testing.assert_close(same, mel_power(tone), rtol=1e-3, atol=1e-3)


def test_augmentation_follows_its_generator() -> None:
    power = mel_power(torch.from_numpy(speech_like(1.0, 16_000).samples)).expand(3, -1, -1)
    one, again, other = (augment(power, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert one.shape == power.shape
    assert one.isfinite().all()
    assert not torch.allclose(one, other, atol=0.1)
    assert not torch.allclose(one[0], one[1], atol=0.1)  # each item its own
    assert not torch.allclose(one, scale_power(power), atol=0.1)


def test_kinds_of_clips_are_taken_in_their_shares() -> None:
    def clip(n_frames: int, exact: bool, labelled: bool) -> Clip:
        labels = torch.full((n_frames,), 1 if labelled else IGNORED)
        return Clip(0, None, torch.zeros(80, 2 * n_frames), labels, exact)

    clips = [
        clip(10, True, True),
        clip(30, True, True),
        clip(7, False, True),
        clip(9, False, False),
    ]
    np.testing.assert_allclose(clip_weights(clips, (0.4, 0.5, 0.1)), [0.1, 0.3, 0.5, 0.1])
    np.testing.assert_allclose(clip_weights(clips[:3], (0.4, 0.4, 0.2)), [0.125, 0.375, 0.5])


def test_what_a_teacher_says_is_followed() -> None:
    torch.manual_seed(0)
    judges = Judges(4, 3, 2)
    units = torch.randn(4, 4, 10)
    labels, speakers = torch.full((2, 10), IGNORED), torch.tensor([0, 1])
    own = judges.phones(units[:2].mT).softmax(dim=2).detach()
    agreed = judges(torch.cat([units[:2]] * 2), labels, speakers, 0.0, own).taught
    entropy = -(own * own.log()).sum(dim=2).mean()
    torch.testing.assert_close(agreed, entropy)  # no teacher is followed closer than oneself
    assert judges(torch.cat([units[:2]] * 2), labels, speakers, 0.0, own.roll(1, 2)).taught > agreed
    assert judges(units, labels, speakers, 0.0).taught == 0


def test_the_adversary_pulls_the_other_way() -> None:
    torch.manual_seed(0)
    judges = Judges(4, 3, 2)
    units = torch.randn(4, 4, 10, requires_grad=True)
    labels, speakers = torch.full((2, 10), IGNORED), torch.tensor([0, 1])
    gradients = []
    for pull in (1.0, -1.0, 0.0):
        loss = judges(units, labels, speakers, pull).speaker
        gradients.append(torch.autograd.grad(loss, units)[0])
    assert torch.equal(gradients[0], -gradients[1])
    assert gradients[0].abs().max() > 0
    assert not gradients[2].any()
    alike = torch.cat([units[:2], units[:2]])
    assert judges(alike, labels, speakers, 0.0).agreement.item() == pytest.approx(0, abs=1e-6)
    assert judges(alike, labels, speakers, 0.0).phones.item() == 0  # nothing is labelled


def test_published_weights_lie_between_what_was_trained_and_whisper(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = SoftUnitsNetwork(dim=4, width=16, n_layers=1, n_heads=1)
    trained = {name: value.clone() for name, value in network.state_dict().items()}

    def load(beginning: SoftUnitsNetwork, folder: Path) -> None:
        for name, value in beginning.named_parameters():
            if not name.startswith("project"):
                value.data.fill_(2.0)

    monkeypatch.setattr("soft_units.publish.load_whisper", load)
    between(network, Path("whisper"), trained=0.75)
    for name, value in network.state_dict().items():
        wanted = trained[name] if name.startswith("project") else 0.75 * trained[name] + 0.5
        torch.testing.assert_close(value, wanted, msg=name)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Eight speakers, two of them without phones; one licence and one voice to leave out."""
    rows, aligned = [], []
    for index, speaker in enumerate(["a", "b", "c", "d", "e", "f", "bf_emma", "g"]):
        for take in range(2):
            path = f"{speaker}/{take}.wav"
            (tmp_path / speaker).mkdir(exist_ok=True)
            write(tmp_path / path, speech_like(1.0, 24_000, seed=2 * index + take))
            licence = "CC-BY-SA-3.0" if speaker == "g" else "CC0-1.0"
            row = {"path": path, "speaker": speaker, "licence": licence}
            rows.append(row | ({"group": f"g{take}"} if speaker in "ab" else {}))
            if speaker not in "ef":
                aligned.append({"path": path, "phonemes": "ab a", "frames": [4, 8, 8, 2, 12, 6]})
    for name, lines in (("manifest.jsonl", rows), ("align.jsonl", aligned)):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_what_the_samples_and_licences_forbid_is_left_out(corpus: Path) -> None:
    manifest = read_manifest(corpus)
    assert {clip.speaker for clip in manifest} == set("abcdef")
    assert phone_classes(manifest) == {SILENCE: 0, "a": 1, "b": 2}
    held_out = held_out_speakers(manifest, 3)
    assert len(held_out & set("abcd")) == 2
    assert len(held_out & set("ef")) == 1
    assert held_out == held_out_speakers(list(reversed(manifest)), 3)


def test_a_run_in_small_is_measured_resumed_and_published(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("soft_units.train.held_out_speakers", lambda manifest: frozenset("d"))
    small = ["--device=cpu", "--dim=8", "--width=64", "--layers=1", "--batch=3", "--frames=20"]
    small += ["--steps=3", "--measure-every=3", "--save-every=1"]

    def begin(out: Path) -> Training:
        return Training(arguments([str(corpus), str(out), *small]))

    whole, halves = tmp_path / "whole", tmp_path / "halves"
    begin(whole).run()
    (row,) = [json.loads(line) for line in (whole / "scores.jsonl").read_text().splitlines()]
    assert row["step"] == 3
    for name in ("phone_accuracy", "phone_accuracy_live", "speaker_probe", "speaker_probe_mel"):
        assert 0 <= row[name] <= 1
    assert -1 <= row["agreement"] <= 1

    stopped = begin(halves)
    stopped._step()
    stopped._save()
    begin(halves).run()
    again = torch.load(halves / "checkpoint.pt", weights_only=True)
    straight = torch.load(whole / "checkpoint.pt", weights_only=True)
    assert again["step"] == straight["step"] == 3
    for name, weight in straight["network"].items():
        torch.testing.assert_close(again["network"][name], weight, rtol=1e-4, atol=1e-5)

    reader = Reader.load(whole / "checkpoint.pt", torch.device("cpu"))
    options = [f"--{name}={whole / 'checkpoint.pt'}" for name in ("teacher", "units-of")]
    taught = Training(
        arguments([str(corpus), str(tmp_path / "taught"), *small, *options, f"--more={corpus}"])
    )
    assert len(taught.clips) == 20  # those who are held out are so in the other corpus as well
    for name, weight in reader.network.state_dict().items():
        assert torch.equal(taught.network.state_dict()[name], weight)
    assert taught._step()["taught"] > 0
    assert not torch.equal(taught.network.project.weight, reader.network.project.weight)
    assert torch.equal(taught.judges.phones.weight, reader.phones.weight)

    publish([str(whole / "checkpoint.pt"), "--to", str(tmp_path / "units.safetensors")])
    opened = open_compact(tmp_path / "units.safetensors")
    assert opened.config["dim"] == 8
    assert read_compact(tmp_path / "units.safetensors").keys() == straight["network"].keys()
