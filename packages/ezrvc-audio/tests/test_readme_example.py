"""The README's example runs as it stands."""

import re
from pathlib import Path

import pytest

from ezrvc_audio.loudness import measure_lufs
from ezrvc_audio.reading import probe, read

README = Path(__file__).parents[1] / "README.md"


def test_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    monkeypatch.chdir(tmp_path)
    exec(example[1], {})
    assert probe(tmp_path / "holiday.mp4").has_video
    assert probe(tmp_path / "voice.flac").sample_rate == 24_000
    assert measure_lufs(read(tmp_path / "voice.flac")) == pytest.approx(-23.0, abs=0.1)
