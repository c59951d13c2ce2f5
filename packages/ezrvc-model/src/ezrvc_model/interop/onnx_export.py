"""A voice as an ONNX graph, for programs without torch."""

import json
import logging
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ezrvc_device.atomic import atomic_file
from ezrvc_model.errors import ModelError
from ezrvc_model.interop.onnx_graph import (
    GraphInput,
    InferenceGraph,
    SpeakerInput,
    example_inputs,
    graph_inputs,
)
from ezrvc_model.voice import VoiceModel

if TYPE_CHECKING:
    import onnxruntime

OPSET = 20
"""Version of the ONNX operators that graphs are written in."""
TOLERANCE = 1e-4
"""Largest difference between a sample of the graph and of the network."""
OUTPUT = "audio"
_TRACED = {"batch": 2, "n_frames": 23}
_CHECKED = {"batch": 3, "n_frames": 41}


def export_onnx(
    path: Path,
    voice: VoiceModel,
    *,
    speaker: SpeakerInput = "id",
    predict_f0: bool = False,
    noise_scale: float | None = None,
) -> Path:
    """Write the inference graph of a voice, for any batch size and number of frames (2 or more).

    Inputs (float32 unless said otherwise), of which a graph has those that its voice reads:
    `content` (batch, content_dim, n_frames); `f0` (batch, n_frames), Hz; `voiced`
    (batch, n_frames), 1 or 0; `volume` (batch, n_frames), frame RMS; `speaker` (batch,) int64, or
    `speaker_mix` (batch, n_speakers), or `speaker_curves` (batch, n_speakers, n_frames);
    `prior_noise` (batch, inter_channels, n_frames) and `source_noise`
    (batch, n_samples, n_partials), standard normal; `source_phase` (batch, n_partials), cycles.
    The output is `audio` (batch, 1, n_samples), n_samples = n_frames * hop length. The file's
    metadata say what a program that runs it has to know, see `onnx_metadata`.

    Attention looks at the whole input at once, so that memory grows with the square of its length:
    long sound is to be given in pieces. Before the file appears, onnxruntime has given the samples
    that the network gives, at another length than the traced one.

    Args:
        path: of the file, `.onnx`.
        voice: to write; its network must lie in single precision, as `VoiceModel.load` gives it.
        speaker: how the graph is told who speaks.
        predict_f0: whether the graph replaces F0 by a prediction; for speech only.
        noise_scale: of the prior's noise; None: as the voice says.

    Returns:
        The path.

    Raises:
        ModelError: the extra `onnx` is not installed, the voice cannot predict F0, or the graph
            does not give what the network gives.
        OSError: the file cannot be written.
    """
    _require_extra()
    config = voice.config
    if predict_f0 and not config.predict_f0:
        raise ModelError(
            f"{voice.card.name}: this voice has no pitch of its own; leave predict_f0 off"
        )
    noise_scale = voice.noise_scale if noise_scale is None else noise_scale
    inputs = graph_inputs(config, speaker, predict_f0=predict_f0)
    network = voice.prepared_generator().cpu()
    graph = InferenceGraph(network, noise_scale=noise_scale, predict_f0=predict_f0).eval()
    traced = example_inputs(inputs, config, **_TRACED)
    with torch.inference_mode():
        graph(traced)  # fills the tables that layers keep with real numbers
    program = _program(graph, traced, _dynamic_shapes(inputs, config.hop_length))
    program.model.metadata_props.update(
        onnx_metadata(voice, speaker=speaker, predict_f0=predict_f0, noise_scale=noise_scale)
    )
    with atomic_file(path) as temporary:
        program.save(temporary, external_data=False)
        checked = example_inputs(inputs, config, **_CHECKED, seed=1)
        difference = _difference(temporary, graph, checked)
        if not difference <= TOLERANCE:
            raise ModelError(
                f"{path}: not written, onnxruntime's samples differ from the network's by up to "
                f"{difference:.2g}; try another version of onnxruntime"
            )
    return path


def onnx_metadata(
    voice: VoiceModel, *, speaker: SpeakerInput, predict_f0: bool, noise_scale: float
) -> dict[str, str]:
    """What a program that runs a graph has to know, as text.

    `sample_rate` (Hz), `hop_length`, `encoder`, `content_dim`, `stretch` and `unvoiced` (what
    `VoiceConfig` says of them), `speakers` (JSON, name to row), `default_speaker`,
    `speaker_input`, `noise_scale` (already applied by the graph), `predict_f0`, `name`, `licence`.
    """
    return {
        "format": "ezrvc-voice",
        "name": voice.card.name,
        "licence": voice.card.licence,
        "sample_rate": str(voice.config.sample_rate),
        "hop_length": str(voice.config.hop_length),
        "encoder": voice.features.encoder,
        "encoder_version": voice.encoder_version or "",
        "content_dim": str(voice.config.content_dim),
        "stretch": voice.stretch,
        "unvoiced": voice.unvoiced,
        "speakers": json.dumps(dict(voice.speakers), ensure_ascii=False),
        "default_speaker": voice.speaker_by_default,
        "speaker_input": speaker,
        "noise_scale": f"{noise_scale:g}",
        "predict_f0": str(predict_f0).lower(),
    }


def _require_extra() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ModelError(
            f"ONNX needs {error.name}: install it with `pip install 'ezrvc-model[onnx]'`"
        ) from error


def _dynamic_shapes(
    inputs: tuple[GraphInput, ...], hop_length: int
) -> dict[str, dict[int, torch.export.Dim]]:
    n_frames: Any = torch.export.Dim("n_frames", min=2)
    varying = {
        "batch": torch.export.Dim("batch", min=1),
        "n_frames": n_frames,
        "n_samples": n_frames * hop_length,
    }
    return {
        name: {index: varying[axis] for index, axis in enumerate(axes) if isinstance(axis, str)}
        for name, axes in inputs
    }


def _program(
    graph: InferenceGraph,
    traced: dict[str, torch.Tensor],
    shapes: dict[str, dict[int, torch.export.Dim]],
) -> Any:
    """The graph in ONNX's terms, free of this machine's paths."""
    with torch.no_grad(), _quiet_exporter():
        program: Any = torch.onnx.export(
            graph,
            kwargs={"inputs": traced},
            dynamo=True,
            dynamic_shapes={"inputs": shapes},
            input_names=list(traced),
            output_names=[OUTPUT],
            opset_version=OPSET,
            verbose=False,
        )
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # source lines, with their folders
    return program


@contextmanager
def _quiet_exporter() -> Generator[None]:
    """Keep quiet what the exporter says of packages that are not needed and of its own calls."""
    registration = logging.getLogger("torch.onnx._internal.exporter._registration")

    def is_news(record: logging.LogRecord) -> bool:
        return "torchvision is not installed" not in record.getMessage()

    registration.addFilter(is_news)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"# The axis name: \w+ will not be used")
            warnings.filterwarnings("ignore", r".*isinstance\(treespec, LeafSpec\)", FutureWarning)
            yield
    finally:
        registration.removeFilter(is_news)


def _difference(path: Path, graph: InferenceGraph, inputs: dict[str, torch.Tensor]) -> float:
    """Largest difference between the file's samples and the network's."""
    with torch.inference_mode():
        expected = graph(inputs)
    given = {name: tensor.numpy() for name, tensor in inputs.items()}
    found = torch.from_numpy(_session(path).run([OUTPUT], given)[0])
    return float((found - expected).abs().max())


def _session(path: Path) -> "onnxruntime.InferenceSession":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    return onnxruntime.InferenceSession(
        path.read_bytes(), options, providers=["CPUExecutionProvider"]
    )
