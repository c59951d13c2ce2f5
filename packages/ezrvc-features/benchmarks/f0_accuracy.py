"""Accuracy and speed of every pitch estimator on synthetic voices of known pitch.

    python packages/ezrvc-features/benchmarks/f0_accuracy.py [--methods swift-f0 pm] [--write]

About five minutes of one core, nearly all of them CREPE's. Speed is processor time on one thread,
so that it holds on a machine that does other things too. With --write the tables take their place
in docs/f0.md of this package, and docs/f0-accuracy.svg is drawn.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import matplotlib
import torch
from matplotlib import pyplot

from ezrvc_device.atomic import atomic_file, write_text
from ezrvc_features.errors import FeatureError
from ezrvc_features.f0.accuracy import F0Accuracy
from ezrvc_features.f0.base import F0Curve, F0Estimator
from ezrvc_features.f0.ensemble import combine, ensemble_members
from ezrvc_features.f0.octaves import repair_octaves
from ezrvc_features.f0.registry import list_f0_estimators, load_f0_estimator
from ezrvc_features.frames import FrameSpec
from ezrvc_features.testing.voices import (
    KnownVoice,
    in_a_room,
    spoken_voice,
    sung_voice,
    with_noise,
)

DOCS = Path(__file__).parents[1] / "docs"
BEGIN, END = "<!-- measured -->", "<!-- end of what was measured -->"
FRAMES = FrameSpec(sample_rate=44100, hop_length=441)
RANGE_HZ = (50.0, 1400.0)
ENSEMBLES = ("ensemble:swift-f0,fcpe,pm", "ensemble:swift-f0,pm,dio")
REPAIRED = "swift-f0, octaves repaired"
CONDITIONS: dict[str, Callable[[KnownVoice], KnownVoice]] = {
    "clean": lambda voice: voice,
    "noise 20 dB": lambda voice: with_noise(voice, 20, seed=7),
    "noise 10 dB": lambda voice: with_noise(voice, 10, seed=8),
    "noise 0 dB": lambda voice: with_noise(voice, 0, seed=9),
    "room": lambda voice: in_a_room(voice, seed=10),
    "room, noise 10 dB": lambda voice: with_noise(in_a_room(voice, seed=10), 10, seed=11),
}
Results = dict[str, dict[tuple[str, str], F0Accuracy]]


def voices() -> dict[str, KnownVoice]:
    """Speech around four pitches and songs over four ranges, 60 to 1300 Hz together."""
    spoken = {f"speech {hz}": spoken_voice(0.9, hz, seed=hz) for hz in (85, 130, 210, 320)}
    ranges = ((60, 170), (120, 420), (240, 850), (500, 1300))
    sung = {f"song {low}-{high}": sung_voice(1.1, low, high, seed=low) for low, high in ranges}
    return spoken | sung


def main() -> None:
    """Measure, print the tables, and write them where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--methods", nargs="+", default=list(list_f0_estimators()))
    parser.add_argument("--write", action="store_true", help="write the package's docs")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sounds = {
        (condition, name): change(voice)
        for condition, change in CONDITIONS.items()
        for name, voice in voices().items()
    }
    duration_s = sum(sound.waveform.duration_s for sound in sounds.values())
    curves: dict[str, dict[tuple[str, str], F0Curve]] = {}
    speed: dict[str, float] = {}
    absent: list[str] = []
    for method in arguments.methods:
        try:
            low_hz, high_hz = RANGE_HZ
            estimator = load_f0_estimator(method, device="cpu", min_hz=low_hz, max_hz=high_hz)
        except FeatureError as error:
            absent.append(method)
            print(f"{method}: left out ({error})")
            continue
        curves[method], seconds = timed(estimator, sounds)
        speed[method] = duration_s / seconds
        print(f"{method}: {seconds:.1f} s of processor time for {duration_s:.1f} s of sound")
    combined(curves, speed)
    results: Results = {
        method: {
            key: F0Accuracy.of(curve, sounds[key].curve(FRAMES)) for key, curve in found.items()
        }
        for method, found in curves.items()
    }
    text = tables(results, speed, absent, duration_s)
    print(text)
    if arguments.write:
        page = (DOCS / "f0.md").read_text("utf-8")
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        write_text(DOCS / "f0.md", f"{before}{BEGIN}\n{text}{END}{after}")
        plot(results, DOCS / "f0-accuracy.svg")


def timed(
    estimator: F0Estimator, sounds: dict[tuple[str, str], KnownVoice]
) -> tuple[dict[tuple[str, str], F0Curve], float]:
    """The curves of all sounds, and the processor time they took after a first one, seconds."""
    estimator.estimate(next(iter(sounds.values())).waveform, FRAMES)
    started = time.process_time()
    found = {key: estimator.estimate(sound.waveform, FRAMES) for key, sound in sounds.items()}
    return found, time.process_time() - started


def combined(curves: dict[str, dict[tuple[str, str], F0Curve]], speed: dict[str, float]) -> None:
    """Add what is made of curves that are there already."""
    for ensemble in ENSEMBLES:
        members = ensemble_members(ensemble)
        if members is not None and set(members) <= curves.keys():
            curves[ensemble] = {
                key: combine([curves[member][key] for member in members])
                for key in curves[members[0]]
            }
            speed[ensemble] = 1 / sum(1 / speed[member] for member in members)
    if "swift-f0" in curves:
        curves[REPAIRED] = {
            key: repair_octaves(curve, FRAMES, RANGE_HZ)
            for key, curve in curves["swift-f0"].items()
        }
        speed[REPAIRED] = speed["swift-f0"]


def total(found: dict[tuple[str, str], F0Accuracy], where: str = "") -> F0Accuracy:
    """The sum over the sounds whose condition is `where` or whose voice's name begins with it."""
    chosen = [
        accuracy
        for (condition, voice), accuracy in found.items()
        if where in ("", condition) or voice.startswith(where)
    ]
    return sum(chosen, F0Accuracy())


def tables(results: Results, speed: dict[str, float], absent: list[str], duration_s: float) -> str:
    """The results as Markdown, best first."""
    ranked = sorted(results, key=lambda method: -total(results[method]).raw_pitch)
    lines = [
        f"{duration_s:.0f} s of sound, 100 frames a second; percent of frames.",
        "",
        "| method | RPA | RCA | octave errors | voicing error | RPA speech | RPA song "
        "| x real time |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for method in ranked:
        found = results[method]
        whole = total(found)
        values = (
            whole.raw_pitch,
            whole.raw_chroma,
            whole.octave_errors,
            whole.voicing_error,
            total(found, "speech").raw_pitch,
            total(found, "song").raw_pitch,
        )
        cells = " | ".join(f"{100 * value:.1f}" for value in values)
        lines.append(f"| `{method}` | {cells} | {speed[method]:.3g} |")
    lines += [f"| `{method}` | needs its download | | | | | | |" for method in absent]
    for title, measure in (
        ("Raw pitch accuracy by condition", lambda accuracy: accuracy.raw_pitch),
        ("Voicing error by condition", lambda accuracy: accuracy.voicing_error),
    ):
        lines += ["", f"{title}:", "", f"| method | {' | '.join(CONDITIONS)} |"]
        lines.append("| --- |" + " --- |" * len(CONDITIONS))
        for method in ranked:
            shares = [measure(total(results[method], condition)) for condition in CONDITIONS]
            lines.append(f"| `{method}` | {' | '.join(f'{100 * s:.1f}' for s in shares)} |")
    names = list(dict.fromkeys(voice for found in results.values() for _, voice in found))
    lines += ["", "Raw pitch accuracy by voice (Hz), all conditions:", ""]
    lines += [f"| method | {' | '.join(names)} |", "| --- |" + " --- |" * len(names)]
    for method in ranked:
        by_voice: dict[str, F0Accuracy] = defaultdict(F0Accuracy)
        for (_, voice), accuracy in results[method].items():
            by_voice[voice] += accuracy
        shares = [by_voice[voice].raw_pitch for voice in names]
        lines.append(f"| `{method}` | {' | '.join(f'{100 * s:.1f}' for s in shares)} |")
    return "\n".join(lines) + "\n"


def plot(results: Results, path: Path) -> None:
    """Raw pitch accuracy over the conditions, a line for each method."""
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "f0", "font.size": 9})
    figure, axes = pyplot.subplots(figsize=(8, 4))
    for number, (method, found) in enumerate(results.items()):
        shares = [100 * total(found, condition).raw_pitch for condition in CONDITIONS]
        style = "-" if method in list_f0_estimators() else "--"
        axes.plot(list(CONDITIONS), shares, style, marker="o", color=f"C{number}", label=method)
    axes.set_ylabel("raw pitch accuracy, %")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left", fontsize=7)
    figure.tight_layout()
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
