"""Voices as ONNX graphs."""

from pathlib import Path

from ezrvc_model.errors import ModelError
from ezrvc_model.interop.onnx_export import export_onnx
from ezrvc_model.interop.onnx_graph import SpeakerInput
from ezrvc_model.voice import VoiceModel
from ezrvc_model.voice_folder import resolve_voice


def export_graph(
    models: Path, voice: str, path: Path, *, speaker: SpeakerInput = "id", predict_f0: bool = False
) -> Path:
    """Write a voice as an ONNX graph; gives the file's path.

    Args:
        models: where voices are kept.
        voice: name or folder.
        path: of the file, if it ends in `.onnx`, or a folder that `<voice>.onnx` goes into.
        speaker: how the graph is told who speaks.
        predict_f0: whether the graph predicts F0.

    Raises:
        ModelError: there is no such voice, it cannot predict F0, the extra `onnx` is not
            installed, or the file is there already.
    """
    summary = resolve_voice(models, voice=voice).voice
    target = path if path.suffix == ".onnx" else path / f"{summary.name}.onnx"
    if target.exists():
        raise ModelError(f"{target}: is there already; name another file")
    chosen = VoiceModel.load(summary.folder)
    return export_onnx(target, chosen, speaker=speaker, predict_f0=predict_f0)
