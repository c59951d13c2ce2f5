"""The package is light: no torch, and nothing slow until it is asked for."""

import json
import subprocess
import sys

import ezrvc_audio

REPORT = """
import json, sys, time
import numpy, pydantic  # every caller has them already
start = time.process_time()
import ezrvc_audio
print(json.dumps([time.process_time() - start, sorted(sys.modules)]))
"""


def test_importing_is_light() -> None:
    command = [sys.executable, "-c", REPORT]
    costs: list[float] = []
    for _ in range(3):  # the least of them: what else the machine does must not count
        output = subprocess.run(command, capture_output=True, check=True, text=True).stdout
        seconds, modules = json.loads(output)
        assert not {"torch", "scipy.signal", "scipy", "pyloudnorm"} & set(modules)
        costs.append(seconds)
    assert min(costs) < 0.5


def test_every_public_name_is_there() -> None:
    assert all(hasattr(ezrvc_audio, name) for name in ezrvc_audio.__all__)
