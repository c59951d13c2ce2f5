"""What so-vits-svc and RVC call each tensor of the network.

The rules lead from our names to theirs; the way back is the same table read from the right, so
no name can be known in one direction only.
"""

import re
from collections.abc import Callable, Iterable
from typing import Literal

from ezrvc_model.config import DecoderConfig

Family = Literal["sovits", "rvc"]

# Every rule rewrites one part of a name; all that match apply, in this order.
_Rule = tuple[str, str | Callable[[re.Match[str]], str]]


def _doubled(template: str, offset: int = 0) -> Callable[[re.Match[str]], str]:
    """Put twice the number that was matched into the template's braces."""
    return lambda match: template.format(2 * int(match[1]) + offset)


_WEIGHT_NORM: tuple[_Rule, ...] = (
    (r"\.parametrizations\.weight\.original0$", ".weight_g"),
    (r"\.parametrizations\.weight\.original1$", ".weight_v"),
)
_PARTS: tuple[_Rule, ...] = (
    (r"^speaker_embedding\.table\.", "emb_g."),
    (r"^prior_encoder\.statistics\.", "enc_p.proj."),
    (r"^posterior_encoder\.input\.", "enc_q.pre."),
    (r"^posterior_encoder\.wavenet\.", "enc_q.enc."),
    (r"^posterior_encoder\.statistics\.", "enc_q.proj."),
    (r"^flow\.shared_network\.", "flow.wn."),
    (r"^flow\.couplings\.(\d+)\.", _doubled("flow.flows.{}.")),  # a flip stands between each two
    (r"^(flow\.flows\.\d+)\.input\.", r"\1.pre."),
    (r"^(flow\.flows\.\d+)\.network\.", r"\1.enc."),
    (r"^(flow\.flows\.\d+)\.output\.", r"\1.post."),
    (r"^f0_decoder\.input\.", "f0_decoder.prenet."),
    (r"^f0_decoder\.melody\.", "f0_decoder.f0_prenet."),
    (r"^f0_decoder\.speaker\.", "f0_decoder.cond."),
    (r"^f0_decoder\.transformer\.", "f0_decoder.decoder."),
    (r"^f0_decoder\.output\.", "f0_decoder.proj."),
    (r"^sine_source\.mix\.", "dec.m_source.l_linear."),
    (r"^decoder\.input\.", "dec.conv_pre."),
    (r"^decoder\.speaker\.", "dec.cond."),
    (r"^decoder\.activation\.", "dec.snake_post.act."),
    (r"^decoder\.output\.", "dec.conv_post."),
    (r"^decoder\.stages\.(\d+)\.upsample\.", r"dec.ups.\1."),
    (r"^decoder\.stages\.(\d+)\.source\.", r"dec.noise_convs.\1."),
    (r"^decoder\.stages\.(\d+)\.activation\.", r"dec.snakes.\1.act."),
)
_FAMILY_PARTS: dict[Family, tuple[_Rule, ...]] = {
    "sovits": (
        (r"^content_embedding\.projection\.", "pre."),
        (r"^content_embedding\.voiced\.", "emb_uv."),
        (r"^content_embedding\.volume\.", "emb_vol."),
        (r"^prior_encoder\.pitch\.", "enc_p.f0_emb."),
        (r"^prior_encoder\.transformer\.", "enc_p.enc_."),
    ),
    "rvc": (
        (r"^content_embedding\.projection\.", "enc_p.emb_phone."),
        (r"^prior_encoder\.pitch\.", "enc_p.emb_pitch."),
        (r"^prior_encoder\.transformer\.", "enc_p.encoder."),
    ),
}
# the prior's encoder and the causal stacks number their norms differently
_ENCODER_LAYERS: tuple[_Rule, ...] = (
    (r"\.layers\.(\d+)\.attention\.", r".attn_layers.\1."),
    (r"\.layers\.(\d+)\.attention_norm\.", r".norm_layers_1.\1."),
    (r"\.layers\.(\d+)\.feed_forward_norm\.", r".norm_layers_2.\1."),
)
_CAUSAL_LAYERS: tuple[_Rule, ...] = (
    (r"\.layers\.(\d+)\.attention\.", r".self_attn_layers.\1."),
    (r"\.layers\.(\d+)\.attention_norm\.", r".norm_layers_0.\1."),
    (r"\.layers\.(\d+)\.feed_forward_norm\.", r".norm_layers_1.\1."),
)
_INSIDE_LAYERS: tuple[_Rule, ...] = (
    (r"\.layers\.(\d+)\.feed_forward\.expand\.", r".ffn_layers.\1.conv_1."),
    (r"\.layers\.(\d+)\.feed_forward\.contract\.", r".ffn_layers.\1.conv_2."),
    (r"(attn_layers\.\d+)\.query\.", r"\1.conv_q."),
    (r"(attn_layers\.\d+)\.key\.", r"\1.conv_k."),
    (r"(attn_layers\.\d+)\.value\.", r"\1.conv_v."),
    (r"(attn_layers\.\d+)\.output\.", r"\1.conv_o."),
    (r"\.relative_keys$", ".emb_rel_k"),
    (r"\.relative_values$", ".emb_rel_v"),
    (r"(norm_layers_\d\.\d+)\.weight$", r"\1.gamma"),
    (r"(norm_layers_\d\.\d+)\.bias$", r"\1.beta"),
    (r"\.convolutions\.(\d+)\.depthwise\.", r".in_layers.\1.depth_conv."),
    (r"\.convolutions\.(\d+)\.pointwise\.", r".in_layers.\1.point_conv."),
    (r"\.convolutions\.(\d+)\.", r".in_layers.\1."),
    (r"\.projections\.(\d+)\.", r".res_skip_layers.\1."),
    (r"^(flow\..*|enc_q\.enc)\.speaker\.", r"\1.cond_layer."),
    (r"^(flow\..*)\.gate\.", r"\1.cond_pre."),
    (r"\.log_frequency$", ".alpha"),
    (r"\.log_magnitude$", ".beta"),
)
_DISCRIMINATOR: tuple[_Rule, ...] = (
    (r"^members\.", "discriminators."),
    (r"\.convolutions\.", ".convs."),
    (r"\.output\.", ".conv_post."),
)


def generator_names(names: Iterable[str], decoder: DecoderConfig, family: Family) -> dict[str, str]:
    """Their name of each of our generator's tensors.

    Args:
        names: keys of `Synthesizer.state_dict()`.
        decoder: of the network; says how residual blocks are numbered.
        family: whose names.
    """
    rules = (
        *_WEIGHT_NORM,
        *_block_rules(decoder),
        *_PARTS,
        *_FAMILY_PARTS[family],
    )
    renamed: dict[str, str] = {}
    for name in names:
        theirs = _apply(rules, name)
        layers = _ENCODER_LAYERS if theirs.startswith("enc_p.") else _CAUSAL_LAYERS
        renamed[name] = _apply((*layers, *_INSIDE_LAYERS), theirs)
    return renamed


def discriminator_names(names: Iterable[str]) -> dict[str, str]:
    """Their name of each of our discriminator's tensors (keys of `Discriminator.state_dict()`)."""
    return {name: _apply((*_WEIGHT_NORM, *_DISCRIMINATOR), name) for name in names}


def with_old_weight_norm(name: str) -> str:
    """A name as files from before torch's parametrizations write it."""
    return _apply(_WEIGHT_NORM, name)


def _block_rules(decoder: DecoderConfig) -> tuple[_Rule, ...]:
    """They number the residual blocks of all stages in one row."""
    n_blocks = len(decoder.resblock_kernel_sizes)

    def numbered(match: re.Match[str]) -> str:
        return f"dec.resblocks.{int(match[1]) * n_blocks + int(match[2])}."

    dilated = "convs1" if decoder.paired_convolutions else "convs"
    step = 2 if decoder.paired_convolutions else 1

    def activated(match: re.Match[str]) -> str:
        return f".activations.{int(match[1]) * step}.act."

    return (
        (r"^decoder\.stages\.(\d+)\.blocks\.(\d+)\.", numbered),
        (r"\.dilated\.(\d+)\.", rf".{dilated}.\1."),
        (r"\.undilated\.(\d+)\.", r".convs2.\1."),
        (r"\.dilated_activations\.(\d+)\.", activated),
        (r"\.undilated_activations\.(\d+)\.", _doubled(".activations.{}.act.", 1)),
    )


def _apply(rules: Iterable[_Rule], name: str) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name
