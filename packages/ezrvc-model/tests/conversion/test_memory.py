import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = """
import sys
from pathlib import Path
import psutil, soundfile
from ezrvc_audio.testing import speech_like
from ezrvc_model.conversion.converter import VoiceConverter
from ezrvc_model.testing import untrained_voice

folder, minutes = Path(sys.argv[1]), int(sys.argv[2])
minute = speech_like(60.0, 44100).samples[0]
with soundfile.SoundFile(folder / "long.wav", "w", 44100, 1) as file:
    for _ in range(minutes):
        file.write(minute)
peak = 0
def watch(step, completed, total=None):
    global peak
    peak = max(peak, psutil.Process().memory_info().rss)
converter = VoiceConverter(untrained_voice(), device="cpu")
converter.convert_file(folder / "long.wav", folder / "out.wav", progress=watch)
print(peak)
"""


def _peak_mb(folder: Path, minutes: int) -> float:
    finished = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(folder), str(minutes)],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(finished.stdout) / (1 << 20)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    """Twenty more minutes are 110 MB at the voice's rate, 202 MB at the file's; 60 is noise."""
    assert _peak_mb(tmp_path, 25) - _peak_mb(tmp_path, 5) < 60
