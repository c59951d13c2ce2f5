"""Manifest and speaker map: what is written is read back, what is broken is named."""

from pathlib import Path

import pytest

from ezrvc_audio.errors import AudioError
from ezrvc_audio.manifest import Clip, read_manifest, write_manifest
from ezrvc_audio.speaker_map import extend_speaker_map, read_speaker_map, speaker_map_text


def clip(name: str) -> Clip:
    return Clip(
        path=f"audio/{name}/x.wav", speaker=name, source=name, start_s=0.1, end_s=4.3, sha256="0"
    )


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    clips = [clip("ana"), clip('o\'n "二" 🎤'), clip("line\u2028and\u0085next")]
    write_manifest(tmp_path / "manifest.jsonl", clips)
    assert read_manifest(tmp_path / "manifest.jsonl") == clips
    assert clips[0].duration_s == pytest.approx(4.2)
    write_manifest(tmp_path / "manifest.jsonl", [])
    assert read_manifest(tmp_path / "manifest.jsonl") == []


def test_a_broken_manifest_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_text(clip("ana").model_dump_json() + "\n{}\n", encoding="utf-8")
    with pytest.raises(AudioError, match=r"manifest\.jsonl, line 2: not a clip"):
        read_manifest(path)
    with pytest.raises(AudioError, match=r"none\.jsonl: cannot be read .*; run preprocess"):
        read_manifest(tmp_path / "none.jsonl")


def test_new_speakers_take_the_next_indices() -> None:
    assert extend_speaker_map({}, ["zoe", "ana", "zoe"]) == {"ana": 0, "zoe": 1}
    assert extend_speaker_map({"zoe": 0}, ["ana", "zoe"]) == {"zoe": 0, "ana": 1}
    assert extend_speaker_map({"zoe": 0, "ana": 1}, ["bo"]) == {"zoe": 0, "ana": 1, "bo": 2}


def test_a_speaker_map_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "spk_map.json"
    path.write_text(speaker_map_text({"b 🎤": 1, "a\"'": 0}), encoding="utf-8")
    assert list(read_speaker_map(path).items()) == [("a\"'", 0), ("b 🎤", 1)]


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"a": "0"}', '{"a": 1}', '{"a": 0, "b": 0}', '{"a": true}', "null"]
)
def test_a_broken_speaker_map_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "spk_map.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AudioError, match=r"spk_map\.json: .*; delete it and run preprocess"):
        read_speaker_map(path)
