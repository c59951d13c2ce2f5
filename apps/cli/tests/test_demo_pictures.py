from pathlib import Path

import numpy as np
import pytest

from ezrvc_audio.testing import harmonic_tone
from ezrvc_cli.demo.figures import conversion_figure, save_figure, training_figure
from ezrvc_cli.demo.page import Chapter, ConversionEntry, Scores, write_page
from ezrvc_cli.demo.samples import unpack_samples
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
    entry = ConversionEntry("a <b>", samples.sources[0], samples.sources[1], picture, {"x": "1"})
    scores = Scores(("pitch",), (("a <b>", ("0.9",)),), (("own", ("–",)),))
    bare = Chapter("first", "lead", scores, [entry])
    full = Chapter("second", "lead", scores, [], samples.sources[0], picture)
    write_page(page, notice="n", facts={"device": "cpu"}, chapters=[bare, full])
    text = page.read_text("utf-8")
    assert "a &lt;b&gt;" in text
    assert text.count("data:audio/ogg;base64,") == 3
    assert text.count("data:image/png;base64,") == 2
    assert text.count('<td class="number">0.9</td>') == 2
    assert 'src="http' not in text


def test_the_samples_are_a_corpus_with_their_licence(tmp_path: Path) -> None:
    samples = unpack_samples(tmp_path)
    assert len(samples.sources) == 2
    assert len(list(samples.target.iterdir())) == 12
    assert (tmp_path / "LICENCE.md").is_file()
    times = [path.stat().st_mtime_ns for path in samples.target.iterdir()]
    assert [p.stat().st_mtime_ns for p in unpack_samples(tmp_path).target.iterdir()] == times
