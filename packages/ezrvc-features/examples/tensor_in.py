"""A batch of tensors in, a padded batch of content out, as for a training of one's own.

python tensor_in.py
"""

import torch

from ezrvc_audio import Waveform
from ezrvc_features import encode_batch, load_encoder

SAMPLE_RATE = 16000


def main() -> None:
    """Two sounds of different lengths, (n_samples,) each."""
    torch.manual_seed(0)
    sounds = [torch.randn(length) * 0.1 for length in (16000, 12800)]
    waveforms = [Waveform(sound.numpy(), SAMPLE_RATE) for sound in sounds]

    encoder = load_encoder("mel", device="cpu")  # or "contentvec768l12", on "cuda"
    contents = encode_batch(encoder, waveforms)  # (dim, n_frames) each, float32, on the CPU
    batch = torch.nn.utils.rnn.pad_sequence([content.T for content in contents], batch_first=True)
    lengths = torch.tensor([content.shape[1] for content in contents])
    print("batch", tuple(batch.mT.shape), "frames", lengths.tolist())  # (batch, dim, n_frames)


if __name__ == "__main__":
    main()
