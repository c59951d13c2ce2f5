"""The content of one window of a long recording, on the recording's frame grid."""

import torch

from ezrvc_audio.waveform import Waveform
from ezrvc_features.alignment import FeatureAligner
from ezrvc_features.content.base import ContentEncoder
from ezrvc_model.conversion.retrieval import ContentRetrieval
from ezrvc_model.conversion.windows import SlidingSource

_SHORTEST_S = 0.1
"""An encoder is given at least so much, silence added at the end."""


class WindowContent:
    """Encodes windows so that they agree with each other about which vector a frame takes.

    A window of sound begins where a content vector of the whole recording begins, and vectors are
    stretched by the whole recording's lengths, so that a frame takes the same vector whatever
    window it is seen through.

    Args:
        encoder: says what is spoken.
        aligner: stretches vectors to frames.
        n_samples: of the recording at the aligner's rate.
        n_frames_total: of the recording with its tail of silence.
        retrieval: moves the content towards the target speaker's; None: it stays as it is.
    """

    def __init__(
        self,
        encoder: ContentEncoder,
        aligner: FeatureAligner,
        n_samples: int,
        n_frames_total: int,
        retrieval: ContentRetrieval | None = None,
    ) -> None:
        self._encoder = encoder
        self._aligner = aligner
        self._n_samples = n_samples
        self._n_frames_total = n_frames_total
        self._retrieval = retrieval
        self._samples_per_vector = aligner.frames.sample_rate / encoder.frame_rate_hz
        total_samples = aligner.frames.n_samples(n_frames_total)
        self._n_vectors_total = max(1, round(total_samples / self._samples_per_vector))

    def first_sample(self, frame: int) -> int:
        """Where the sound must begin that tells the content from `frame` on."""
        return round(self._first_vector(frame) * self._samples_per_vector)

    def read(self, source: SlidingSource, start: int, end: int) -> torch.Tensor:
        """Content of the frames from `start` up to `end`, (dim, n_frames).

        Frames after the recording's end hold the last vector: encoders that look at the whole
        window are not shown silence that is not in the recording.
        """
        frames = self._aligner.frames
        first = self.first_sample(start)
        last = min(frames.n_samples(end), self._n_samples)
        samples = source.read(first, max(last, first + round(_SHORTEST_S * frames.sample_rate)))
        vectors = self._encoder.encode(Waveform(samples, frames.sample_rate))
        n_needed = self._vectors_until(end) - self._first_vector(start)
        if vectors.shape[-1] < n_needed:
            held = vectors[:, -1:].expand(-1, n_needed - vectors.shape[-1])
            vectors = torch.cat((vectors, held), dim=-1)
        vectors = vectors[:, :n_needed]
        original = self._stretched(vectors, start, end)
        if self._retrieval is None:
            return original
        # before stretching: a frame takes one vector, and there are fewer vectors than frames
        blended = self._stretched(self._retrieval.blend(vectors), start, end)
        return self._retrieval.protected(blended, original, start)

    def _stretched(self, vectors: torch.Tensor, start: int, end: int) -> torch.Tensor:
        """Vectors from the first one that `start` needs, on the frames up to `end`."""
        return self._aligner.stretch_content(
            vectors,
            end - start,
            start_frame=start,
            n_frames_total=self._n_frames_total,
            start_content=self._first_vector(start),
            n_content_total=self._n_vectors_total,
        )

    def _first_vector(self, frame: int) -> int:
        """A vector early enough for `frame`, with one to spare for the rounding of the rule."""
        return max(0, self._vector_at(frame) - 1)

    def _vectors_until(self, frame: int) -> int:
        """One after the last vector that frames before `frame` take, with one to spare."""
        return min(self._n_vectors_total, self._vector_at(frame) + 2)

    def _vector_at(self, frame: int) -> int:
        return frame * self._n_vectors_total // self._n_frames_total
