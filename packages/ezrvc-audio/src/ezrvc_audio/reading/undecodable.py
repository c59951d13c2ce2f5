"""What a decoder says when a file is not for it."""

from ezrvc_audio.errors import AudioError


class UndecodableError(AudioError):
    """This decoder does not understand the file.

    Attributes:
        is_final: the file is understood and no decoder will find sound in it.
    """

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final
