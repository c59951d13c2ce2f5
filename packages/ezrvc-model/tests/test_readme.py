import re
from pathlib import Path

import pytest

from ezrvc_audio.reading import probe
from ezrvc_audio.testing import speech_like
from ezrvc_audio.writing import write
from ezrvc_model.testing import save_untrained_voice

README = Path(__file__).parents[1] / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_the_example_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the estimator and encoder that the voice names, on the default device."""
    save_untrained_voice(tmp_path / "models" / "emma" / "voice", ["emma"])
    write(tmp_path / "song.wav", speech_like(1.0, 44100))
    monkeypatch.chdir(tmp_path)
    (example,) = [text for text in EXAMPLES if "VoiceConverter" in text]
    names: dict[str, object] = {}
    exec(compile(example, str(README), "exec"), names)
    assert probe(tmp_path / "song_emma.wav").n_samples == 24000
    assert getattr(names["report"], "speaker", None) == "emma"
