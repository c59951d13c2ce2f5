from pathlib import Path

import numpy as np
import pytest

from ezrvc_audio.testing import chirp, harmonic_tone, silence
from ezrvc_cli.demo.figures import conversion_figure, save_figure, training_figure
from ezrvc_cli.demo.page import ConversionEntry, write_page
from ezrvc_cli.demo.samples import unpack_samples
from ezrvc_cli.demo.tour import pitch_correlation, what_was_learned
from ezrvc_features.f0.registry import load_f0_estimator


def test_pictures_and_page(tmp_path: Path) -> None:
    source, result = harmonic_tone(150, 1.0, 44100), harmonic_tone(200, 1.0, 24000)
    picture = tmp_path / "picture.png"
    figure = conversion_figure(source, result, load_f0_estimator("swift-f0"))
    assert len(figure.axes) == 6
    for axis, pitch_hz in zip(figure.axes[4:], (150, 200), strict=True):
        pitch = np.asarray(axis.lines[0].get_ydata(), float)
        assert np.nanmedian(pitch) == pytest.approx(pitch_hz, rel=0.01)
        assert axis.get_ylim()[0] < 150 < 200 < axis.get_ylim()[1]  # neither is out of sight
    save_figure(figure, picture)
    rows = [{"step": float(step), "generator/mel": 1.0 / step} for step in range(1, 5)]
    curves = training_figure(rows, {"generator/mel": "mel loss"})
    assert np.allclose(curves.axes[0].lines[0].get_ydata(), [1, 1 / 2, 1 / 3, 1 / 4])
    samples = unpack_samples(tmp_path)
    page = tmp_path / "page.html"
    entry = ConversionEntry(
        "a <b>", samples.sources[0], samples.sources[1], picture, 1.0, {"x": "1"}
    )
    write_page(
        page,
        notice="n",
        facts={"device": "cpu"},
        target=samples.sources[0],
        conversions=[entry],
        training_picture=picture,
    )
    text = page.read_text("utf-8")
    assert "a &lt;b&gt;" in text
    assert text.count("data:audio/ogg;base64,") == 3
    assert 'src="http' not in text


def test_the_samples_are_a_corpus_with_their_licence(tmp_path: Path) -> None:
    samples = unpack_samples(tmp_path)
    assert len(samples.sources) == 2
    assert len(list(samples.target.iterdir())) == 12
    assert (tmp_path / "LICENCE.md").is_file()
    times = [path.stat().st_mtime_ns for path in samples.target.iterdir()]
    assert [p.stat().st_mtime_ns for p in unpack_samples(tmp_path).target.iterdir()] == times


def test_pitch_correlation_of_a_shifted_glide_is_one() -> None:
    estimator = load_f0_estimator("swift-f0")
    low = chirp(110, 220, 2.0, 24000, n_partials=10)
    high = chirp(220, 440, 2.0, 24000, n_partials=10)
    assert pitch_correlation(low, high, estimator) == pytest.approx(1.0, abs=0.01)
    assert np.isnan(pitch_correlation(low, silence(2.0, 24000), estimator))


@pytest.mark.parametrize(
    ("correlations", "follows"), [([0.99, 0.85], True), ([0.99, 0.1], False), ([np.nan], False)]
)
def test_only_pitch_that_was_followed_counts_as_learned(
    correlations: list[float], follows: bool
) -> None:
    assert ("not even" not in what_was_learned(correlations)) == follows
