import errno

import click
import pytest

from ezrvc_audio.errors import AudioError
from ezrvc_cli.exit_codes import run
from ezrvc_device.errors import ConfigurationError


def outcome(raised: BaseException | None) -> int:
    @click.command()
    def command() -> None:
        if raised is not None:
            raise raised

    with pytest.raises(SystemExit) as stop:
        run(command, [], program="test")
    assert isinstance(stop.value.code, int)
    return stop.value.code


@pytest.mark.parametrize(
    ("raised", "code", "line"),
    [
        (None, 0, ""),
        (AudioError("a.wav: empty"), 1, "error: a.wav: empty"),
        (ConfigurationError("unknown key\n 'x'"), 1, "error: unknown key 'x'"),
        (OSError(errno.ENOSPC, "No space left on device", "out.wav"), 1, "error: out.wav: No sp"),
        (ZeroDivisionError("oh"), 1, "error: unexpected ZeroDivisionError: oh"),
        (click.UsageError("what?"), 2, "Usage:"),
        (KeyboardInterrupt(), 130, "stopped"),
        (click.exceptions.Exit(3), 3, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_every_end_has_its_code_and_line(
    raised: BaseException | None, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert outcome(raised) == code
    said = capsys.readouterr().err.lstrip()  # click ends the line that ^C stands in
    assert said.startswith(line)
    assert "Traceback" not in said
    if raised is None:
        assert said == ""


def test_debugging_shows_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EZRVC_DEBUG", "1")

    @click.command()
    def command() -> None:
        raise AudioError("here")

    with pytest.raises(AudioError):
        run(command, [], program="test")
