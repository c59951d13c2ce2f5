"""Which content encoder a foreign voice was trained with."""

from ezrvc_features.content.registry import encoder_dim, list_encoders
from ezrvc_model.errors import ModelError

OUR_NAMES = {
    "vec768l12": "contentvec768l12",
    "vec768l12-onnx": "contentvec768l12",
    "vec768l9-onnx": "contentvec768l9",
    "vec256l9": "contentvec256l9",
    "vec256l9-onnx": "contentvec256l9",
    "vec256l12-onnx": "contentvec256l12",
    "hubertsoft": "hubert-soft",
    "hubertsoft-onnx": "hubert-soft",
    "whisper-ppg": "whisper-ppg-padded",
    "whisper-ppg-large": "whisper-ppg-large-padded",
    "cnhubertlarge": "cnhubert-large",
    "dphubert": "dphubert",
    "wavlmbase+": "wavlm-base-plus",
}
"""Encoder names of so-vits-svc, and what they are called here.

It runs Whisper on sound padded to 30 seconds, which gives other vectors than the sound as it is.
"""

SOVITS_NAMES = {
    **{ours: theirs for theirs, ours in OUR_NAMES.items() if theirs.endswith("-onnx")},
    **{ours: theirs for theirs, ours in OUR_NAMES.items() if not theirs.endswith("-onnx")},
    "whisper-ppg": "whisper-ppg",
    "whisper-ppg-large": "whisper-ppg-large",
}
"""The way back: so-vits-svc runs ContentVec's other layers only from ONNX files, and pads Whisper
for every voice."""

WIDTHS = {ours: encoder_dim(ours) for ours in dict.fromkeys(OUR_NAMES.values())}
"""Length of the vectors of each encoder that a foreign voice may have been trained with."""


def decide_encoder(width: int, named: str | None, asked_for: str | None, what: str) -> str:
    """The encoder of a voice, by our name.

    Args:
        width: of the content that the voice takes.
        named: what its own configuration says, by so-vits-svc's name.
        asked_for: what the user says, by either name; goes before the configuration.
        what: the voice, for messages.

    Raises:
        ModelError: nobody says which encoder of that width it is, or an encoder of another width,
            or none that is known, is named.
    """
    name = asked_for or named
    fitting = sorted(encoder for encoder, dim in WIDTHS.items() if dim == width)
    if name is None:
        if len(fitting) == 1:
            return fitting[0]
        if not fitting:
            raise ModelError(
                f"{what}: no known encoder gives vectors of {width}; say with encoder=... what it "
                "was trained with"
            )
        raise ModelError(
            f"{what}: content of width {width} can come from {', '.join(fitting)}; say with "
            "encoder=... which one it was trained with"
        )
    encoder = OUR_NAMES.get(name, name)
    widths = {entry.name: entry.dim for entry in list_encoders()} | WIDTHS
    if widths.get(encoder, width) != width:
        raise ModelError(
            f"{what}: encoder {name!r} gives vectors of {widths[encoder]}, this voice takes "
            f"{width}; encoders of that width: {', '.join(fitting) or 'none known'}"
        )
    if encoder not in WIDTHS and asked_for is None:
        raise ModelError(
            f"{what}: its configuration names the encoder {name!r}, which is not known here; say "
            f"with encoder=... what it is; known: {', '.join(sorted(OUR_NAMES))}"
        )
    return encoder
