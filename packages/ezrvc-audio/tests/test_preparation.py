"""Recordings to an experiment: what is made, what is skipped, what is done again."""

import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ezrvc_audio.config import PreparationConfig, SlicerConfig, SplitConfig
from ezrvc_audio.errors import AudioError
from ezrvc_audio.experiment import ExperimentFolder
from ezrvc_audio.loudness import measure_lufs
from ezrvc_audio.manifest import read_manifest
from ezrvc_audio.preparation import PreparationReport, prepare_recordings, read_ledger
from ezrvc_audio.reading import read
from ezrvc_audio.speaker_map import read_speaker_map
from ezrvc_audio.splitting import read_file_list
from ezrvc_audio.waveform import Waveform

RATE = 8000
CONFIG = PreparationConfig(
    slicer=SlicerConfig(min_clip_s=1.0, max_clip_s=4.0, min_sound_s=0.3), loudness_lufs=None
)


def record(path: Path, n_phrases: int = 2, *, hz: float = 200.0, rate: int = RATE) -> Path:
    """Phrases of 1.5 s, a pause of 0.4 s after each: as many clips as phrases."""
    time_s = np.arange(round(1.5 * rate)) / rate
    phrase = 0.4 * np.sin(2 * np.pi * hz * time_s)
    pause = np.zeros(round(0.4 * rate))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.concatenate([phrase, pause] * n_phrases), rate)
    return path


def snapshot(experiment: ExperimentFolder) -> dict[str, str]:
    """Every file of an experiment and a hash of what it holds."""
    return {
        path.relative_to(experiment.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(experiment.root.rglob("*"))
        if path.is_file()
    }


def touched(experiment: ExperimentFolder) -> dict[str, int]:
    """When each clip was written."""
    return {path.name: path.stat().st_mtime_ns for path in experiment.audio.rglob("*.wav")}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    for number in range(5):
        record(folder / f"take {number}.wav", 2, hz=150 + 20 * number)
    return folder


@pytest.fixture
def experiment(tmp_path: Path) -> ExperimentFolder:
    return ExperimentFolder(tmp_path / "processed" / "exp")


def prepare(
    raw: Path, experiment: ExperimentFolder, config: PreparationConfig = CONFIG
) -> PreparationReport:
    return prepare_recordings({"ana": raw}, experiment, RATE, config)


def test_every_artefact_agrees_with_the_others(raw: Path, experiment: ExperimentFolder) -> None:
    report = prepare(raw, experiment)
    clips = read_manifest(experiment.manifest)
    train = read_file_list(experiment.train_list)
    validation = read_file_list(experiment.validation_list)
    assert report.n_clips == len(clips) == 10
    assert (report.n_train, report.n_validation) == (len(train), len(validation)) == (8, 2)
    assert sorted(train + validation) == sorted(clip.path for clip in clips)
    assert len({clip.source for clip in clips if clip.path in validation}) == 1
    assert read_speaker_map(experiment.speaker_map) == {"ana": 0}
    for clip in clips:
        path = experiment.root / clip.path
        assert hashlib.sha256(path.read_bytes()).hexdigest() == clip.sha256
        assert read(path).n_samples == round(clip.duration_s * RATE)
        heard = read(raw / clip.source).cut(round(clip.start_s * RATE), round(clip.end_s * RATE))
        np.testing.assert_array_equal(read(path).samples, heard.samples)


def test_clips_are_mono_at_the_asked_rate_and_loudness(
    tmp_path: Path, experiment: ExperimentFolder
) -> None:
    path = record(tmp_path / "raw" / "song.flac", 4, hz=997.0, rate=44_100)
    both = np.repeat(read(path).samples.T, 2, axis=1) * [1.0, 0.5]
    soundfile.write(path, both, 44_100)
    config = CONFIG.model_copy(update={"loudness_lufs": -30.0, "bit_depth": 24})
    prepare_recordings({"ana": path.parent}, experiment, 16_000, config)
    paths = [experiment.root / clip.path for clip in read_manifest(experiment.manifest)]
    for path in paths:
        info = soundfile.info(path)
        assert (info.channels, info.samplerate, info.subtype) == (1, 16_000, "PCM_24")
    joined = np.concatenate([read(path).samples for path in paths], axis=1)
    assert measure_lufs(Waveform(joined, 16_000)) == pytest.approx(-30.0, abs=0.1)


def test_no_clip_passes_the_peak_however_loud_it_should_be(
    raw: Path, experiment: ExperimentFolder
) -> None:
    loud = CONFIG.model_copy(update={"loudness_lufs": -10.0, "peak_dbfs": -12.0})
    prepare(raw, experiment, loud)
    peaks = [np.abs(read(path).samples).max() for path in experiment.audio.rglob("*.wav")]
    assert max(peaks) == pytest.approx(10 ** (-12 / 20), abs=1e-3)


def test_names_of_any_kind_stay_apart(tmp_path: Path, experiment: ExperimentFolder) -> None:
    raw = tmp_path / "ra w"
    names = [
        "a.wav", "a.flac", "day 1/a.wav", "day-1/a.wav", "“quoted” 'n\" so.wav", "歌.wav",
        "🎤.wav", "Ünïcode\u0301.WAV", "x" * 200 + ".wav", "-.wav", "line\u2028end.wav",
    ]  # fmt: skip
    for number, name in enumerate(names):
        record(raw / name, 1, hz=100 + 10 * number)
    report = prepare_recordings({'o\'n "二" 🎤': raw}, experiment, RATE, CONFIG)
    clips = read_manifest(experiment.manifest)
    assert (report.skipped, len(clips)) == ((), len(names))
    assert {clip.source for clip in clips} == set(names)
    assert len({clip.path.lower() for clip in clips}) == len(names)
    listed = read_file_list(experiment.train_list) + read_file_list(experiment.validation_list)
    assert all((experiment.root / path).is_file() for path in listed)
    by_source = {clip.source: Path(clip.path).name for clip in clips}
    assert by_source["歌.wav"].startswith("歌-")
    assert by_source["🎤.wav"].startswith("clip-")
    assert by_source["“quoted” 'n\" so.wav"].startswith("quoted-n-so-")
    assert max(len(name.encode()) for name in by_source.values()) < 110


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_not_text_and_files_that_are_not_there(
    raw: Path, experiment: ExperimentFolder
) -> None:
    os.rename(raw / "take 0.wav", os.fsencode(raw) + b"/caf\xe9.wav")
    (raw / "gone.wav").symlink_to(raw / "nowhere.wav")
    report = prepare(raw, experiment)
    assert "caf\\xe9.wav" in {clip.source for clip in read_manifest(experiment.manifest)}
    assert report.n_clips == 10
    assert [(s.path.name, s.reason) for s in report.skipped] == [
        ("gone.wav", "cannot be read (No such file or directory)")
    ]
    record(raw / "nowhere.wav")
    assert prepare(raw, experiment).skipped == ()


@pytest.mark.parametrize("speaker", ["", ".hidden", "a/b", "a\\b", "a\nb", " a", "a\u2028b"])
def test_a_speaker_that_cannot_name_a_folder_is_refused(
    raw: Path, experiment: ExperimentFolder, speaker: str
) -> None:
    with pytest.raises(AudioError, match="cannot name a folder"):
        prepare_recordings({speaker: raw}, experiment, RATE, CONFIG)


def _not_finite(path: Path) -> None:
    soundfile.write(path, np.array([0.1, np.nan] * RATE, np.float32), RATE, subtype="FLOAT")


def _truncated(path: Path) -> None:
    path.write_bytes(record(path).read_bytes()[:9000])


BAD_FILES = [
    ("empty.wav", lambda path: path.write_bytes(b""), "empty"),
    ("text.mp3", lambda path: path.write_text("not a sound", encoding="utf-8"), "not a sound"),
    ("truncated.wav", _truncated, "truncated"),
    ("nan.wav", _not_finite, "not finite"),
    ("silent.wav", lambda path: soundfile.write(path, np.zeros(5 * RATE), RATE), "silent"),
    ("hum.wav", lambda path: soundfile.write(path, np.full(5 * RATE, 5e-4), RATE), "silent"),
    ("short.wav", lambda path: soundfile.write(path, np.full(RATE // 50, 0.3), RATE), "too short"),
    (
        "click.wav",
        lambda path: soundfile.write(path, np.eye(1, 3 * RATE, RATE)[0], RATE),
        "too short",
    ),
]


def test_bad_files_are_reported_and_never_stop_the_others(
    raw: Path, experiment: ExperimentFolder
) -> None:
    for name, make, _reason in BAD_FILES:
        make(raw / name)
    (raw / "lyrics.txt").write_text("la la", encoding="utf-8")
    (raw / ".hidden.wav").write_bytes(b"")
    report = prepare(raw, experiment)
    reasons = {skipped.path.name: skipped.reason for skipped in report.skipped}
    assert (report.n_clips, report.n_sources) == (10, 5 + len(BAD_FILES))
    assert set(reasons) == {name for name, _make, _reason in BAD_FILES}
    for name, _make, reason in BAD_FILES:
        assert reason in reasons[name]
        assert str(raw) not in reasons[name]
    assert report.ignored == (raw / "lyrics.txt",)
    again = prepare(raw, experiment)
    assert (again.n_unchanged, again.skipped) == (report.n_sources, report.skipped)


@pytest.mark.parametrize(("name", "make", "reason"), BAD_FILES, ids=[case[0] for case in BAD_FILES])
def test_nothing_but_a_bad_file_is_an_error(
    tmp_path: Path, experiment: ExperimentFolder, name: str, make: object, reason: str
) -> None:
    (tmp_path / "raw").mkdir()
    assert callable(make)
    make(tmp_path / "raw" / name)
    with pytest.raises(AudioError, match=rf"no recording gives a clip: .*{name}: .*{reason}"):
        prepare(tmp_path / "raw", experiment)
    assert not experiment.manifest.exists()


def test_a_missing_or_empty_folder_is_an_error(
    tmp_path: Path, experiment: ExperimentFolder
) -> None:
    with pytest.raises(AudioError, match=r"nobody: no such folder; put the recordings of 'ana'"):
        prepare(tmp_path / "nobody", experiment)
    with pytest.raises(AudioError, match="no sound or video files there"):
        prepare(tmp_path, experiment)
    with pytest.raises(AudioError, match="no speaker is given"):
        prepare_recordings({}, experiment, RATE, CONFIG)


def test_a_clip_that_cannot_be_written_stops_the_run(
    raw: Path, experiment: ExperimentFolder
) -> None:
    experiment.root.mkdir(parents=True)
    experiment.audio.write_text("in the way", encoding="utf-8")
    with pytest.raises(AudioError, match="cannot be written"):
        prepare(raw, experiment)
    experiment.audio.unlink()
    assert prepare(raw, experiment).n_clips == 10


def test_a_second_run_touches_nothing(raw: Path, experiment: ExperimentFolder) -> None:
    prepare(raw, experiment)
    kept = (experiment.manifest, experiment.train_list, experiment.speaker_map)
    before = touched(experiment), [path.stat().st_mtime_ns for path in kept]
    assert prepare(raw, experiment).n_unchanged == 5
    assert (touched(experiment), [path.stat().st_mtime_ns for path in kept]) == before


def _names(paths: Sequence[str]) -> set[str]:
    return {Path(path).name for path in paths}


def test_added_changed_and_removed_recordings_touch_their_own_clips_only(
    raw: Path, experiment: ExperimentFolder
) -> None:
    prepare(raw, experiment)
    before = touched(experiment)
    train = _names(read_file_list(experiment.train_list))
    validation = _names(read_file_list(experiment.validation_list))
    changed = next(n for n in range(5) if any(f"take-{n}-" in name for name in train))
    removed = next(n for n in range(4, 0, -1) if any(f"take-{n}-" in name for name in train))
    record(raw / f"take {changed}.wav", 1, hz=440)
    (raw / f"take {removed}.wav").unlink()
    record(raw / "take 9.wav", 2)
    by_hand = experiment.audio / "ana" / "notes.wav"
    by_hand.write_bytes(b"not ours")
    report = prepare(raw, experiment)
    by_hand.unlink()
    after = touched(experiment)
    assert (report.n_clips, report.n_unchanged) == (9, 3)
    untouched = {name for name in before if after.get(name) == before[name]}
    own = (f"take-{changed}-", f"take-{removed}-")
    assert untouched == {name for name in before if not name.startswith(own)}
    assert {name.rsplit("-", 2)[0] for name in after} == {
        f"take-{n}" for n in (0, 1, 2, 3, 4, 9) if n != removed
    }
    assert not _names(read_file_list(experiment.train_list)) & validation
    assert not _names(read_file_list(experiment.validation_list)) & train


def test_other_settings_redo_clips_but_another_split_does_not(
    raw: Path, experiment: ExperimentFolder
) -> None:
    prepare(raw, experiment)
    before = touched(experiment)
    more_held_out = CONFIG.model_copy(update={"split": SplitConfig(validation_share=0.5)})
    assert prepare(raw, experiment, more_held_out).n_unchanged == 5
    assert touched(experiment) == before
    longer = CONFIG.model_copy(update={"slicer": SlicerConfig(min_sound_s=0.3)})
    assert prepare(raw, experiment, longer).n_unchanged == 0
    assert {clip.path for clip in read_manifest(experiment.manifest)} == {
        f"audio/ana/{name}" for name in touched(experiment)
    }
    fresh = ExperimentFolder(experiment.root.with_name("fresh"))
    prepare(raw, fresh, longer)
    assert fresh.manifest.read_bytes() == experiment.manifest.read_bytes()


def test_a_clip_removed_by_hand_is_made_again(raw: Path, experiment: ExperimentFolder) -> None:
    prepare(raw, experiment)
    before = snapshot(experiment)
    next(experiment.audio.rglob("*.wav")).unlink()
    assert prepare(raw, experiment).n_unchanged == 4
    assert snapshot(experiment) == before


def test_speakers_keep_their_indices(raw: Path, experiment: ExperimentFolder) -> None:
    prepare_recordings({"mia": raw}, experiment, RATE, CONFIG)
    report = prepare_recordings({"mia": raw, "ana": raw, "zoe": raw}, experiment, RATE, CONFIG)
    assert read_speaker_map(experiment.speaker_map) == {"mia": 0, "ana": 1, "zoe": 2}
    assert report.speakers == {"ana": 10, "mia": 10, "zoe": 10}
    prepare_recordings({"zoe": raw}, experiment, RATE, CONFIG)
    assert read_speaker_map(experiment.speaker_map) == {"mia": 0, "ana": 1, "zoe": 2}
    assert [path.name for path in experiment.audio.iterdir()] == ["zoe"]


def test_worker_processes_make_the_same_experiment(
    raw: Path, experiment: ExperimentFolder, tmp_path: Path
) -> None:
    (raw / "bad.wav").write_bytes(b"")
    alone = prepare(raw, experiment)
    other = ExperimentFolder(tmp_path / "processed" / "two")
    together = prepare_recordings({"ana": raw}, other, RATE, CONFIG, workers=2)
    assert snapshot(other) == snapshot(experiment)
    assert together.skipped == alone.skipped


class FirstPhrase:
    """A diarizer that knows one speaker's turn, and fails for one recording."""

    fingerprint = "first phrase"

    def turns(self, recording: Path, speaker: str) -> list[tuple[float, float]]:
        assert speaker == "ana"
        if recording.name == "take 0.wav":
            raise AudioError("two voices at once")
        return [(0.0, 1.5)]


def test_turns_limit_what_is_used(raw: Path, experiment: ExperimentFolder) -> None:
    report = prepare_recordings({"ana": raw}, experiment, RATE, CONFIG, turns=FirstPhrase())
    spans = [(clip.start_s, clip.end_s) for clip in read_manifest(experiment.manifest)]
    assert spans == [(0.0, 1.5)] * 4
    assert [(s.path.name, s.reason) for s in report.skipped] == [
        ("take 0.wav", "two voices at once")
    ]
    assert prepare(raw, experiment).n_unchanged == 0


def test_progress_grows_to_the_number_of_recordings(
    raw: Path, experiment: ExperimentFolder
) -> None:
    told: list[tuple[str, float, float | None]] = []

    def progress(step: str, completed: float, total: float | None = None) -> None:
        told.append((step, completed, total))

    prepare_recordings({"ana": raw}, experiment, RATE, CONFIG, progress=progress)
    shares = [completed for step, completed, _total in told if step == "clips"]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 5.0)
    assert {total for _step, _completed, total in told} == {5}


def test_every_clip_of_the_ledger_is_in_the_manifest(
    raw: Path, experiment: ExperimentFolder
) -> None:
    prepare(raw, experiment)
    records = read_ledger(experiment.sources)
    assert [clip for r in records.values() for clip in r.clips] == read_manifest(
        experiment.manifest
    )
    assert {(r.size, r.duration_s) for r in records.values()} == {(60844, 3.8)}
