"""DNSMOS as published, and UTMOS where there is a network."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from ezrvc_audio.errors import AudioError
from ezrvc_audio.testing import silence, speech_like
from ezrvc_audio.waveform import Waveform
from ezrvc_audio.writing import write
from ezrvc_eval.config import EvaluationConfig
from ezrvc_eval.errors import EvalError, MissingWeightsError
from ezrvc_eval.items import Take
from ezrvc_eval.metrics.dnsmos import windows
from ezrvc_eval.metrics.registry import Meter, load_meter

WINDOW = int(9.01 * 16000)


@pytest.fixture(scope="module")
def dnsmos() -> Meter:
    return load_meter("dnsmos", EvaluationConfig())


def scores(meter: Meter, waveform: Waveform) -> dict[str, float]:
    take = Take(name="x", converted=waveform)
    return {name: score.value for name, score in meter.measure(take).scores.items()}


def test_noise_lowers_dnsmos(dnsmos: Meter) -> None:
    spoken = speech_like(4.8, 16000, seed=1)
    hiss = np.random.default_rng(0).standard_normal(spoken.samples.shape).astype(np.float32)
    clean, faint, loud = (
        scores(dnsmos, Waveform(spoken.samples + gain * hiss, 16000)) for gain in (0, 0.003, 0.03)
    )
    for name in ("dnsmos_overall", "dnsmos_background", "dnsmos_p808"):
        assert clean[name] > faint[name] > loud[name]
    assert clean["dnsmos_background"] > loud["dnsmos_background"] + 1


def test_dnsmos_is_that_of_the_published_program(dnsmos: Meter) -> None:
    """Computed once with `speechmos.dnsmos.run` (0.0.1.1) of this sound."""
    time_s = np.arange(WINDOW) / 16000
    pulses = np.sin(2 * np.pi * 150 * time_s) ** 15 * np.sin(2 * np.pi * 2 * time_s)
    found = scores(dnsmos, Waveform(0.3 * pulses[None].astype(np.float32), 16000))
    expected = PUBLISHED
    assert found == pytest.approx(expected, abs=2e-3)


def test_the_difference_is_that_to_the_mean_of_the_targets(dnsmos: Meter, tmp_path: Path) -> None:
    spoken = speech_like(4.8, 16000, seed=1)
    hiss = np.random.default_rng(0).standard_normal(spoken.samples.shape).astype(np.float32)
    noisy = Waveform((spoken.samples + 0.03 * hiss).astype(np.float32), 16000)
    write(tmp_path / "clean.wav", spoken, bit_depth=32)
    write(tmp_path / "noisy.wav", noisy, bit_depth=32)
    clean, target = tmp_path / "clean.wav", (tmp_path / "clean.wav", tmp_path / "noisy.wav")
    found = {
        name: dnsmos.measure(Take(name=name, converted=noisy, target=paths)).scores
        for name, paths in (("alone", ()), ("to clean", (clean,)), ("to both", target))
    }
    assert "dnsmos_difference" not in found["alone"]
    lost = found["to clean"]["dnsmos_difference"].value
    assert lost == pytest.approx(
        scores(dnsmos, noisy)["dnsmos_overall"] - scores(dnsmos, spoken)["dnsmos_overall"], abs=1e-4
    )
    assert lost < -0.1
    assert found["to both"]["dnsmos_difference"].value == pytest.approx(lost / 2, abs=1e-4)


def test_a_target_is_heard_only_for_the_difference(tmp_path: Path) -> None:
    take = Take(name="n", converted=speech_like(1.0, 16000), target=(tmp_path / "not there.wav",))
    config = EvaluationConfig(metrics=("dnsmos_overall",))
    assert "dnsmos_overall" in load_meter("dnsmos", config).measure(take).scores
    with pytest.raises(AudioError, match=r"not there\.wav"):
        load_meter("dnsmos", EvaluationConfig(metrics=("dnsmos",))).measure(take)


PUBLISHED = {
    "dnsmos_signal": 2.1417,
    "dnsmos_background": 2.6619,
    "dnsmos_overall": 1.6509,
    "dnsmos_p808": 2.8945,
}


@pytest.mark.parametrize(
    ("seconds", "n_windows"), [(1.0, 7), (5.0, 1), (9.01, 1), (10.5, 1), (12.5, 3), (120.0, 20)]
)
def test_windows_are_those_of_the_published_program(seconds: float, n_windows: int) -> None:
    found = windows(silence(seconds, 16000))
    assert len(found) == n_windows
    assert {len(window) for window in found} == {WINDOW}


def test_a_short_sound_is_heard_again_and_again() -> None:
    spoken = speech_like(5.0, 16000)
    (heard,) = windows(spoken)
    assert (heard[80000:] == spoken.samples[0, : WINDOW - 80000]).all()


def write_network(path: Path) -> None:
    """A graph that gives 3 plus the mean of the sound."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["wave"], ["mean"], axes=[1], keepdims=0),
            helper.make_node("Add", ["mean", "three"], ["score"]),
        ],
        "opinion",
        [helper.make_tensor_value_info("wave", kind, [1, "n_samples"])],
        [helper.make_tensor_value_info("score", kind, [1])],
        [helper.make_tensor("three", kind, [1], [3.0])],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)


def test_utmos_is_what_its_network_says(tmp_path: Path) -> None:
    write_network(tmp_path / "utmos.onnx")
    meter = load_meter("utmos", EvaluationConfig(utmos=str(tmp_path / "utmos.onnx")))
    sound = Waveform(np.full((1, 4000), 0.5, np.float32), 16000)
    assert scores(meter, sound) == {"utmos": pytest.approx(3.5)}


def test_utmos_without_weights_says_how_to_get_them() -> None:
    with pytest.raises(MissingWeightsError, match="--set utmos=hub, or give an ONNX file"):
        load_meter("utmos", EvaluationConfig())
    with pytest.raises(MissingWeightsError, match="offline mode is on"):
        load_meter("utmos", EvaluationConfig(utmos="hub"))


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "words.onnx").write_bytes(b"not a graph")
    with pytest.raises(EvalError, match="is no ONNX network"):
        load_meter("utmos", EvaluationConfig(utmos=str(tmp_path / "words.onnx")))
    with pytest.raises(EvalError, match="no such file"):
        load_meter("utmos", EvaluationConfig(utmos=str(tmp_path / "nowhere.onnx")))
