"""Which content encoder a foreign voice was trained with."""

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
    "whisper-ppg": "whisper-ppg",
    "whisper-ppg-large": "whisper-ppg-large",
    "cnhubertlarge": "cnhubert-large",
    "dphubert": "dphubert",
    "wavlmbase+": "wavlm-base-plus",
}
"""Encoder names of so-vits-svc, and what they are called here."""

SOVITS_NAMES = {ours: theirs for theirs, ours in OUR_NAMES.items() if "onnx" not in theirs}
"""The way back."""

WIDTHS = {
    "contentvec768l12": 768,
    "contentvec768l9": 768,
    "contentvec256l9": 256,
    "contentvec256l12": 256,
    "hubert-soft": 256,
    "whisper-ppg": 1024,
    "whisper-ppg-large": 1280,
    "cnhubert-large": 1024,
    "dphubert": 768,
    "wavlm-base-plus": 768,
}
"""Length of each encoder's vectors."""


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
    if WIDTHS.get(encoder, width) != width:
        raise ModelError(
            f"{what}: encoder {name!r} gives vectors of {WIDTHS[encoder]}, this voice takes "
            f"{width}; encoders of that width: {', '.join(fitting) or 'none known'}"
        )
    if encoder not in WIDTHS and asked_for is None:
        raise ModelError(
            f"{what}: its configuration names the encoder {name!r}, which is not known here; say "
            f"with encoder=... what it is; known: {', '.join(sorted(OUR_NAMES))}"
        )
    return encoder
