"""Curves of a run as a picture beside it, drawn anew at each checkpoint."""

from collections.abc import Mapping
from pathlib import Path

from ezrvc_cli.demo.figures import save_figure, training_figure
from ezrvc_model.training import read_metrics

CURVES_NAME = "curves.png"
_TITLES = {
    "generator/mel": "mel loss",
    "validation/mel": "validation: mel difference",
    "validation/f0_rmse": "validation: F0 error, cents",
    "generator/kl": "KL loss",
    "generator/content": "content loss",
    "discriminator/total": "discriminator loss",
}


class CurvePainter:
    """A training observer that keeps `curves.png` of a run up to date.

    Args:
        metrics: the run's metrics file.
        picture: where the picture goes.
    """

    def __init__(self, metrics: Path, picture: Path) -> None:
        self._metrics = metrics
        self._picture = picture

    def on_step(self, step: int, metrics: Mapping[str, float]) -> None:
        """Nothing to draw yet."""

    def on_checkpoint(self, path: Path) -> None:
        """Draw what is known by now."""
        rows = read_metrics(self._metrics)
        titles = {
            name: title for name, title in _TITLES.items() if any(name in row for row in rows)
        }
        if titles:
            save_figure(training_figure(rows, titles), self._picture)
