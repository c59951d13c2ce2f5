"""WavLM: a HuBERT whose attention knows how far apart two frames are.

Chen et al., "WavLM: Large-Scale Self-Supervised Pre-Training for Full Stack Speech Processing"
(2022). `wavlm-base-plus` is its last layer; so-vits-svc calls it wavlmbase+. WavLM was trained on
mixtures of speakers, not to forget the speaker: its content carries more of the voice than
ContentVec's.
"""

from transformers import WavLMConfig, WavLMModel

from ezrvc_features.content.hubert import HubertEncoder


class WavLMEncoder(HubertEncoder):
    """A layer of a WavLM network."""

    model_type = "wavlm"
    config_class = WavLMConfig
    network_class = WavLMModel
    layout = "wavlm-1"
    takes_padding = False  # its attention warns of a mask beside its bias
