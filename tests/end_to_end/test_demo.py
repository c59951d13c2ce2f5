"""`ezrvc demo`: the tour ends with everything it promises."""

import json
from pathlib import Path

import pytest
from PIL import Image

from ezrvc_audio.reading import read
from ezrvc_cli.testing import Command, Finished


def check_what_it_left(finished: Finished, folder: Path) -> None:
    assert finished.code == 0, finished.err
    left = finished.json
    assert left["page"] == str(folder / "report.html")
    assert "hardly trained" in left["notice"]
    assert "Words were not scored" in left["notice"]
    page = (folder / "report.html").read_text("utf-8")
    assert page.count("data:audio/wav;base64,") == len(left["conversions"]) == 6
    assert page.count("data:image/png;base64,") == len(left["pictures"]) == 7
    assert set(left["scores"]) == {Path(path).stem for path in left["conversions"]}
    for scores in left["scores"].values():
        assert {"speaker_similarity", "f0_correlation", "dnsmos_overall", "clicks"} <= set(scores)
    for path in left["pictures"]:
        with Image.open(path) as picture:
            assert picture.width > 1000
    for path in map(Path, left["conversions"]):
        source = folder / "sources" / f"source-{path.stem.split('_')[0]}.opus"
        assert abs(read(path).n_samples - read(source).duration_s * 24000) <= 1


@pytest.mark.timeout(600)
def test_the_shortest_tour_ends_with_a_page(tmp_path: Path, ezrvc: Command) -> None:
    finished = ezrvc("demo", "-o", tmp_path / "demo", "--steps", "1", "--json")
    check_what_it_left(finished, tmp_path / "demo")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_voice_of_the_tour_is_heard_and_learns(tmp_path: Path, ezrvc: Command) -> None:
    finished = ezrvc("demo", "-o", tmp_path / "demo", "--json")
    check_what_it_left(finished, tmp_path / "demo")
    for path in finished.json["conversions"]:
        samples = read(Path(path)).samples
        assert abs(samples.mean()) < 0.02  # a network that went astray stands at full deflection
        assert 0.005 < samples.std() < 0.3
    built_in = {
        name: scores
        for name, scores in finished.json["scores"].items()
        if not name.endswith("_emma")
    }
    assert len(built_in) == 4
    for scores in built_in.values():
        assert scores["f0_correlation"] > 0.9
        assert scores["speaker_similarity"] > scores["source_similarity"]
    metrics = (tmp_path / "demo" / "models" / "emma" / "metrics.jsonl").read_text("utf-8")
    losses = [row["generator/mel"] for row in map(json.loads, metrics.splitlines())]
    assert losses[-1] < 0.95 * losses[0]  # it begins near
