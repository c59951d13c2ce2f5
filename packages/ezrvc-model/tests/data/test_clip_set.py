"""File lists become usable clips; what cannot be used is named."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.manifest import read_manifest
from ezrvc_audio.testing import tone
from ezrvc_audio.writing import write
from ezrvc_model.data.batch import Batch
from ezrvc_model.data.batches import TrainingBatches
from ezrvc_model.data.clip_places import InMemory
from ezrvc_model.data.clip_set import (
    ClipReader,
    ClipSet,
    OpenedClips,
    open_clips,
    read_file_list,
    read_speakers,
)
from ezrvc_model.errors import ModelError
from ezrvc_model.testing import small_config

MODEL = small_config()
MakeExperiment = Callable[..., ExperimentFolder]


def opened(experiment: ExperimentFolder, *, min_frames: int = 1) -> OpenedClips:
    names = read_file_list(experiment.train_list)
    speakers = read_speakers(experiment)
    return open_clips(experiment, names, MODEL, speakers, min_frames=min_frames)


def batches(clips: ClipSet, *, seed: int = 1, augment: bool = False, **changes: Any) -> list[Batch]:
    """The first eight batches."""
    made = TrainingBatches(
        clips,
        MODEL.frames,
        MODEL.n_fft,
        batch_size=3,
        max_clip_frames=20,
        seed=seed,
        volume_augmentation=augment,
        **changes,
    )
    return [made[index].analyse(MODEL.frames, MODEL.n_fft) for index in range(8)]


def test_clips_come_with_aligned_features(make_experiment: MakeExperiment) -> None:
    clips = opened(make_experiment()).clips
    assert clips.names == tuple(f"audio/ada/{n:03d}.wav" for n in range(4))
    assert clips.duration_s == pytest.approx(0.5 + 0.6 + 0.7 + 0.8)
    for clip in clips:
        assert clip.features.content.shape == (80, clip.n_frames)
        assert clip.audio.shape == (clip.n_frames * MODEL.hop_length,)
        assert clip.speaker_id == 0


def test_speakers_have_their_rows_and_pitch(make_experiment: MakeExperiment) -> None:
    result = opened(make_experiment("duo", ("ada", "grace"), n_clips=2))
    assert [clip.speaker_id for clip in result.clips] == [0, 0, 1, 1]
    assert result.f0["grace"].low_hz == 110.0
    assert result.f0["grace"].high_hz == 220.0


def test_cached_and_computed_spectrograms_train_alike(make_experiment: MakeExperiment) -> None:
    computed = batches(opened(make_experiment("computed")).clips)[0]
    cached = batches(opened(make_experiment("cached", cache_spectrogram=True)).clips)[0]
    assert torch.equal(computed.audio, cached.audio)
    torch.testing.assert_close(cached.spectrogram, computed.spectrogram, rtol=2e-3, atol=0.02)


def test_a_batch_is_a_function_of_seed_and_index(make_experiment: MakeExperiment) -> None:
    experiment = make_experiment()
    first = batches(opened(experiment).clips, augment=True)
    later = batches(opened(experiment).clips, augment=True)
    for index in (3, 0):
        assert torch.equal(first[index].audio, later[index].audio)
        assert torch.equal(first[index].volume, later[index].volume)
    other = batches(opened(experiment).clips, seed=2)
    assert not torch.equal(first[0].content, other[0].content)


def test_crops_of_a_clip_differ_from_epoch_to_epoch(make_experiment: MakeExperiment) -> None:
    experiment = make_experiment(n_clips=3)
    of_three = batches(opened(experiment).clips)
    whole = opened(experiment).clips[2]
    starts = {_place(of_three[epoch], whole.features.content) for epoch in range(6)}
    assert len(starts) > 1


def _place(batch: Batch, content: torch.Tensor) -> int:
    """Where in a clip the piece lies that a batch holds of it."""
    for start in range(content.shape[1] - 20 + 1):
        if any(torch.equal(piece, content[:, start : start + 20]) for piece in batch.content):
            return start
    return pytest.fail("the batch holds no piece of the clip")


def test_augmentation_never_clips_and_moves_volume_along(make_experiment: MakeExperiment) -> None:
    clips = opened(make_experiment()).clips
    plain, changed = batches(clips), batches(clips, augment=True)
    gains = []
    for index in range(8):
        ratio = changed[index].volume.amax(1) / plain[index].volume.amax(1)
        torch.testing.assert_close(
            ratio, changed[index].audio.abs().amax((1, 2)) / plain[index].audio.abs().amax((1, 2))
        )
        gains += ratio.tolist()
        assert changed[index].audio.abs().max() <= 1.0
    unchanged = np.isclose(gains, 1.0).mean()
    assert 0.2 < unchanged < 0.8
    assert min(gains) >= 0.0999


def test_each_kind_of_damage_is_named_and_left_out(
    make_experiment: MakeExperiment, caplog: pytest.LogCaptureFixture
) -> None:
    experiment = make_experiment(n_clips=7)
    audio, features = experiment.root / "audio/ada", experiment.root / "features/ada"
    (audio / "000.wav").unlink()
    (audio / "001.wav").write_bytes(b"RIFF")
    (features / "002.soft.pt").write_bytes(b"")
    (features / "003.meta.json").unlink()
    write(audio / "004.wav", tone(220, 1.0, 48000))
    with experiment.train_list.open("a", encoding="utf-8") as stream:
        stream.write("audio/ada/stranger.wav\n")
    with caplog.at_level(logging.WARNING):
        result = opened(experiment)
    assert result.clips.names == ("audio/ada/005.wav", "audio/ada/006.wav")
    reasons = {left.path: left.reason for left in result.left_out}
    assert set(reasons) == {f"audio/ada/{n:03d}.wav" for n in range(5)} | {"audio/ada/stranger.wav"}
    assert "48000 Hz" in reasons["audio/ada/004.wav"]
    assert "manifest" in reasons["audio/ada/stranger.wav"]
    for path, reason in reasons.items():
        assert path in reason
        assert "\n" not in reason
        assert reason in caplog.text


def test_clips_shorter_than_asked_are_left_out(make_experiment: MakeExperiment) -> None:
    result = opened(make_experiment(), min_frames=60)
    assert [left.path for left in result.left_out] == ["audio/ada/000.wav", "audio/ada/001.wav"]
    assert "60 are needed" in result.left_out[0].reason


def test_features_of_another_encoder_are_not_for_this_model(
    make_experiment: MakeExperiment,
) -> None:
    experiment = make_experiment()
    wide = MODEL.model_copy(update={"content_dim": 256})
    reader = ClipReader(experiment, wide, {"ada": 0})
    with pytest.raises(ModelError, match=r"000\.wav: .*80 wide, model\.content_dim is 256"):
        reader.read(read_manifest(experiment.manifest)[0])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"ada": 1}', '{"ada": 0, "bo": 0}'])
def test_a_broken_speaker_map_is_named(make_experiment: MakeExperiment, text: str) -> None:
    experiment = make_experiment()
    experiment.speaker_map.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"spk_map\.json.*preprocess"):
        read_speakers(experiment)


def test_a_missing_file_list_is_named(make_experiment: MakeExperiment) -> None:
    experiment = make_experiment()
    experiment.train_list.unlink()
    with pytest.raises(ModelError, match=r"train\.txt: cannot be read.*preprocess"):
        read_file_list(experiment.train_list)


def test_processes_share_a_batch_piece_by_piece(make_experiment: MakeExperiment) -> None:
    """However many take part, each piece is cut, changed and keyed as one process would."""
    clips = opened(make_experiment()).clips
    options = {"augment": True, "pitch_augmentation_semitones": 3.0, "min_frames": 8}
    whole = batches(clips, **options)
    first, second = (batches(clips, **options, rank=rank, n_processes=2) for rank in range(2))
    for one, left, right in zip(whole, first, second, strict=True):
        assert (left.size, right.size) == (2, 1)
        for part, places in ((left, [0, 2]), (right, [1])):
            assert part.keys.tolist() == one.keys[places].tolist()
            assert torch.equal(part.content, one.content[places, :, : part.content.shape[2]])
            assert torch.equal(part.audio, one.audio[places, :, : part.audio.shape[2]])
    keys = [key for batch in whole for key in batch.keys.tolist()]
    assert len(set(keys)) == len(keys)


def test_pitch_augmentation_moves_half_of_the_pieces(make_experiment: MakeExperiment) -> None:
    clips = opened(make_experiment()).clips
    made = batches(clips, pitch_augmentation_semitones=4.0, min_frames=8)
    plain = {110.0, 220.0, 330.0}
    f0 = torch.cat([batch.f0[:, 0] for batch in made])
    moved = torch.tensor([min(abs(12 * np.log2(float(x) / p)) for p in plain) for x in f0])
    assert 0.2 < (moved < 1e-4).float().mean() < 0.8
    assert moved.max() > 1
    assert moved.max() <= 4
    assert all((batch.lengths == 20).all() for batch in made)
    assert len({batch.content.shape for batch in made}) == 1


def test_compact_clips_are_half_as_precise_as_content_is_stored(
    make_experiment: MakeExperiment,
) -> None:
    experiment = make_experiment(cache_spectrogram=True)
    names = read_file_list(experiment.train_list)
    asked: list[int] = []

    def place(n_bytes: int) -> InMemory:
        asked.append(n_bytes)
        return InMemory()

    compact = open_clips(experiment, names, MODEL, {"ada": 0}, place=place).clips
    whole = opened(experiment).clips
    for one, other in zip(whole, compact, strict=True):
        assert one.features.spectrogram is not None
        assert other.features.spectrogram is None
        assert torch.equal(other.features.content.float(), one.features.content)
    assert asked[0] == pytest.approx(compact.n_bytes, rel=0.02)
    assert compact.place == "memory"
