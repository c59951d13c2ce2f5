"""From exceptions to one clear line and an exit code.

0: done. 1: it could not be done, and the line says why. 2: the command was not understood.
130: stopped by Ctrl-C.
"""

import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

_ERROR_ROOTS = (
    ("ezrvc_device.errors", "DeviceError"),
    ("ezrvc_audio.errors", "AudioError"),
    ("ezrvc_features.errors", "FeatureError"),
    ("ezrvc_model.errors", "ModelError"),
    ("ezrvc_eval.errors", "EvalError"),
)


def run(command: click.Command, arguments: Sequence[str] | None, *, program: str) -> NoReturn:
    """Run a click command to the end of the process."""
    _tolerate_any_name()
    try:
        # click gives the code of its own Exit as the result; our commands return nothing
        code = command.main(
            args=list(arguments) if arguments is not None else None,
            prog_name=program,
            standalone_mode=False,
        )
    except click.UsageError as error:
        error.show()
        code = 2
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        code = 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output left: nothing more can be said
        code = 1
    except Exception as error:
        if os.environ.get("EZRVC_DEBUG"):
            raise
        click.echo(_explain(error), err=True)
        code = 1
    raise SystemExit(code or 0)


def _explain(error: Exception) -> str:
    """One line for an exception that ended a command."""
    text = " ".join(str(error).split())
    if isinstance(error, _expected_errors()):
        return f"error: {text}"
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename is not None else ""
        return f"error: {place}{error.strerror}"
    return (
        f"error: unexpected {type(error).__name__}: {text} "
        "(a defect of ezrvc; EZRVC_DEBUG=1 shows where)"
    )


def _expected_errors() -> tuple[type[Exception], ...]:
    return tuple(getattr(importlib.import_module(module), name) for module, name in _ERROR_ROOTS)


def _tolerate_any_name() -> None:
    """Names of files may hold characters that the terminal's encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
