import subprocess
import sys

import pytest

import ezrvc_model
import ezrvc_model.conversion


@pytest.mark.parametrize("package", [ezrvc_model, ezrvc_model.conversion])
def test_every_public_name_exists(package) -> None:
    assert package.__all__
    for name in package.__all__:
        assert getattr(package, name).__name__ == name


def test_describing_voices_needs_no_torch() -> None:
    program = (
        "import sys; from ezrvc_model import ConversionSettings, find_voices, resolve_voice; "
        "raise SystemExit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
