"""`ezrvc doctor`: what is there, what is not, and under which licence."""

import json
from pathlib import Path

import pytest

from ezrvc_cli.main import main
from ezrvc_features import list_encoders


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path))
    monkeypatch.setenv("EZRVC_DEVICE", "cpu")


def doctor(*arguments: str) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["doctor", *arguments])
    assert stop.value.code in (0, None)


def test_every_weight_is_listed_with_its_licence(capsys: pytest.CaptureFixture[str]) -> None:
    doctor("--json")
    facts = json.loads(capsys.readouterr().out)["facts"]
    assert list(facts["content encoders"]) == [entry.name for entry in list_encoders()]
    assert facts["content encoders"]["hubert-soft"] == "not here (378 MB); licence MIT"
    assert facts["content encoders"]["mhubert-147"].endswith("licence CC-BY-NC-SA-4.0")
    assert facts["pitch estimators"] == {"rmvpe": "not here (181 MB); licence not known"}
    assert "licence CC-BY-NC-SA-4.0" in facts["enhancer"]["nsf-hifigan"]


def test_findings_stand_in_one_column(capsys: pytest.CaptureFixture[str]) -> None:
    doctor()
    lines = [line for line in capsys.readouterr().out.splitlines() if "; licence" in line]
    starts = {min(line.index(word) for word in ("present", "not here") if word in line)
              for line in lines}  # fmt: skip
    assert len(starts) == 1
