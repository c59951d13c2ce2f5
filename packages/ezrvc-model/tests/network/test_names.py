"""Their names of our tensors, spelled out where the formats are known from their descriptions."""

import pytest
import torch

from ezrvc_model.config import DecoderConfig, SynthesizerConfig
from ezrvc_model.discriminators.discriminator import Discriminator
from ezrvc_model.interop.imported import shapes_of
from ezrvc_model.interop.names import discriminator_names, generator_names, with_old_weight_norm

SOVITS = {  # of the default configuration of so-vits-svc 4.1
    "emb_g.weight": (200, 768),
    "emb_vol.weight": (192, 1),
    "emb_vol.bias": (192,),
    "emb_uv.weight": (2, 192),
    "pre.weight": (192, 768, 5),
    "enc_p.f0_emb.weight": (256, 192),
    "enc_p.enc_.attn_layers.5.conv_q.weight": (192, 192, 1),
    "enc_p.enc_.attn_layers.0.emb_rel_k": (1, 9, 96),
    "enc_p.enc_.attn_layers.0.emb_rel_v": (1, 9, 96),
    "enc_p.enc_.norm_layers_1.3.gamma": (192,),
    "enc_p.enc_.norm_layers_2.3.beta": (192,),
    "enc_p.enc_.ffn_layers.0.conv_1.weight": (768, 192, 3),
    "enc_p.enc_.ffn_layers.0.conv_2.weight": (192, 768, 3),
    "enc_p.proj.weight": (384, 192, 1),
    "enc_q.pre.weight": (192, 1025, 1),
    "enc_q.enc.cond_layer.weight_v": (6144, 768, 1),
    "enc_q.enc.in_layers.15.weight_v": (384, 192, 5),
    "enc_q.enc.res_skip_layers.0.weight_g": (384, 1, 1),
    "enc_q.enc.res_skip_layers.15.weight_v": (192, 192, 1),
    "enc_q.proj.weight": (384, 192, 1),
    "flow.flows.6.pre.weight": (192, 96, 1),
    "flow.flows.0.enc.cond_layer.weight_v": (1536, 768, 1),
    "flow.flows.2.enc.in_layers.3.weight_v": (384, 192, 5),
    "flow.flows.4.post.weight": (96, 192, 1),
    "f0_decoder.prenet.weight": (192, 192, 3),
    "f0_decoder.f0_prenet.weight": (192, 1, 3),
    "f0_decoder.cond.weight": (192, 768, 1),
    "f0_decoder.decoder.self_attn_layers.5.conv_o.bias": (192,),
    "f0_decoder.decoder.norm_layers_0.0.gamma": (192,),
    "f0_decoder.decoder.norm_layers_1.5.beta": (192,),
    "f0_decoder.decoder.ffn_layers.2.conv_1.bias": (768,),
    "f0_decoder.proj.weight": (1, 192, 1),
    "dec.conv_pre.weight_v": (512, 192, 7),
    "dec.cond.weight": (512, 768, 1),
    "dec.m_source.l_linear.weight": (1, 9),
    "dec.ups.0.weight_v": (512, 256, 16),
    "dec.ups.4.weight_v": (32, 16, 4),
    "dec.noise_convs.0.weight": (256, 1, 128),
    "dec.noise_convs.4.weight": (16, 1, 1),
    "dec.resblocks.0.convs1.0.weight_v": (256, 256, 3),
    "dec.resblocks.14.convs2.2.weight_v": (16, 16, 11),
    "dec.conv_post.weight_v": (1, 16, 7),
    "dec.conv_post.bias": (1,),
}
RVC = {  # of a v2 voice at 48 kHz
    "emb_g.weight": (109, 256),
    "enc_p.emb_phone.bias": (192,),
    "enc_p.emb_pitch.weight": (256, 192),
    "enc_p.encoder.attn_layers.0.emb_rel_k": (1, 21, 96),
    "enc_p.encoder.norm_layers_1.0.gamma": (192,),
    "flow.flows.0.enc.in_layers.2.weight_v": (384, 192, 5),
    "dec.conv_pre.weight": (512, 192, 7),
    "dec.conv_post.weight": (1, 32, 7),
    "dec.m_source.l_linear.weight": (1, 1),
    "dec.ups.0.weight_v": (512, 256, 24),
    "dec.noise_convs.0.weight": (256, 1, 80),
    "dec.resblocks.11.convs2.2.bias": (32,),
}
RVC_CONFIG = SynthesizerConfig(
    sample_rate=48000,
    n_speakers=109,
    speaker_dim=256,
    content_kernel_size=1,
    attention_window=10,
    flow_layers=3,
    voiced_embedding=False,
    scaled_embedding=True,
    predict_f0=False,
    decoder=DecoderConfig(
        upsample_rates=(12, 10, 2, 2),
        upsample_kernel_sizes=(24, 20, 4, 4),
        n_harmonics=0,
        normalised_ends=False,
        output_bias=False,
    ),
)


@pytest.mark.parametrize(
    ("config", "family", "expected"),
    [
        (SynthesizerConfig(n_speakers=200, volume_embedding=True), "sovits", SOVITS),
        (RVC_CONFIG, "rvc", RVC),
    ],
    ids=["so-vits-svc", "rvc"],
)
def test_names_and_shapes_are_the_published_ones(config, family, expected):
    shapes = shapes_of(config)
    names = generator_names(shapes, config.decoder, family)
    theirs = {names[ours]: tuple(shape) for ours, shape in shapes.items()}
    assert {name: theirs.get(name) for name in expected} == expected
    assert "dec.conv_post.bias" not in theirs or config.decoder.output_bias


def test_no_two_tensors_share_a_name(variant):
    for family in ("sovits", "rvc"):
        names = generator_names(shapes_of(variant), variant.decoder, family)
        assert len(set(names.values())) == len(names)
        ours = ("embedding", "couplings", "stages", "original", "attention", "feed_forward")
        untranslated = [
            name
            for name in names.values()
            if any(part in name for part in ours)
            # RVC has no name for what it has not
            and not (family == "rvc" and name.startswith("content_embedding."))
        ]
        assert untranslated == []


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"depthwise": True}, "flow.flows.2.enc.in_layers.0.depth_conv.weight_g"),
        ({"depthwise": True}, "enc_q.enc.in_layers.7.point_conv.bias"),
        ({"share_flow": True}, "flow.wn.in_layers.3.weight_v"),
        ({"flow": "transformer"}, "flow.flows.0.enc.self_attn_layers.1.conv_v.weight"),
        ({"flow": "transformer"}, "flow.flows.0.enc.cond_pre.weight"),
        ({"flow": "transformer"}, "flow.flows.6.enc.cond_layer.weight_g"),
        ({"flow": "transformer", "share_flow": True}, "flow.wn.norm_layers_1.2.gamma"),
        ({"decoder": {"kind": "nsf-snake-hifigan"}}, "dec.snakes.4.act.alpha"),
        ({"decoder": {"kind": "nsf-snake-hifigan"}}, "dec.snake_post.act.beta"),
        ({"decoder": {"kind": "nsf-snake-hifigan"}}, "dec.resblocks.14.activations.5.act.beta"),
        ({"decoder": {"paired_convolutions": False}}, "dec.resblocks.3.convs.2.weight_v"),
    ],
)
def test_variants_have_their_own_names(config, expected):
    config = SynthesizerConfig.from_tree(config)
    assert expected in generator_names(shapes_of(config), config.decoder, "sovits").values()


def test_discriminator_names():
    with torch.device("meta"):
        state = Discriminator().state_dict()
    names = discriminator_names(state)
    theirs = {names[ours]: tuple(tensor.shape) for ours, tensor in state.items()}
    assert theirs["discriminators.0.convs.3.weight_v"] == (1024, 4, 41)
    assert theirs["discriminators.0.conv_post.bias"] == (1,)
    assert theirs["discriminators.5.convs.1.weight_v"] == (128, 32, 5, 1)
    assert theirs["discriminators.1.conv_post.weight_g"] == (1, 1, 1, 1)


def test_new_names_of_weight_norm_become_old_ones():
    new = "dec.ups.0.parametrizations.weight.original"
    assert with_old_weight_norm(new + "0") == "dec.ups.0.weight_g"
    assert with_old_weight_norm(new + "1") == "dec.ups.0.weight_v"
    assert with_old_weight_norm("dec.ups.0.bias") == "dec.ups.0.bias"
