"""Conversions scored against a target voice, from the library, as orderings that must hold."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ezrvc_audio.testing import speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import write
from ezrvc_eval import CONVERSION_METRICS, EvaluationConfig, Interval, Scorer, Take

LOW = {"f0_hz": 110.0, "formant_scale": 0.9}
HIGH = {"f0_hz": 220.0, "formant_scale": 1.25}
SEMITONES = 12.0
"""From the low voice to the high one."""


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer(EvaluationConfig(metrics=CONVERSION_METRICS, f0_method="pm"), device="cpu")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Recordings of the high voice."""
    folder = tmp_path_factory.mktemp("target")
    paths = tuple(folder / f"{seed}.wav" for seed in (11, 12))
    for path, seed in zip(paths, (11, 12), strict=True):
        write(path, speech_like(3.0, 16000, seed=seed, **HIGH))
    return paths


def spoiled(waveform: Waveform) -> Waveform:
    """With noise, and the other way up after its loudest place."""
    samples = waveform.samples + np.random.default_rng(0).normal(0, 0.001, waveform.samples.shape)
    place = int(np.argmax(np.abs(samples[0])))
    samples[0, place:] *= -1
    return Waveform(samples.clip(-1, 1).astype(np.float32), waveform.sample_rate)


def conversions(kind: str, target: tuple[Path, ...]) -> Iterator[Take]:
    """Four sentences of the low voice said by the high one, left as they were, or spoiled."""
    for seed in range(4):
        source = speech_like(3.0, 16000, seed=seed, **LOW)
        converted = speech_like(3.0, 16000, seed=seed, **HIGH)
        made = {"good": converted, "unchanged": source, "spoiled": spoiled(converted)}[kind]
        yield Take(
            name=str(seed), converted=made, reference=source, target=target,
            transpose_semitones=SEMITONES,
        )  # fmt: skip


@pytest.fixture(scope="module")
def found(scorer: Scorer, target: tuple[Path, ...]) -> dict[str, dict[str, Interval]]:
    kinds = ("good", "unchanged", "spoiled")
    return {kind: scorer.summarise(conversions(kind, target)) for kind in kinds}


def test_everything_is_told_with_interval_and_number(
    found: dict[str, dict[str, Interval]],
) -> None:
    assert tuple(found["good"]) == CONVERSION_METRICS
    for interval in found["good"].values():
        assert interval.n == 4
        assert interval.low <= interval.value <= interval.high


def test_conversions_are_nearer_to_the_target_and_sources_are_not(
    found: dict[str, dict[str, Interval]],
) -> None:
    good, unchanged = found["good"], found["unchanged"]
    assert good["nearer_target"] == Interval(1, 1, 1, 4)
    assert unchanged["nearer_target"] == Interval(0, 0, 0, 4)
    assert good["speaker_similarity"].low > unchanged["speaker_similarity"].high
    assert good["source_similarity"].high < unchanged["source_similarity"].low


def test_the_melody_of_the_source_is_kept_in_another_key(
    found: dict[str, dict[str, Interval]],
) -> None:
    assert found["good"]["f0_correlation"].low > 0.8


def test_noise_and_a_bad_join_show(found: dict[str, dict[str, Interval]]) -> None:
    good, spoiled = found["good"], found["spoiled"]
    assert spoiled["dnsmos_difference"].value < good["dnsmos_difference"].value
    assert good["clicks"].value == 0
    assert spoiled["clicks"].value > 0
