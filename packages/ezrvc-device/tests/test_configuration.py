import os
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError, model_validator

from ezrvc_device.configuration import (
    Section,
    dump_yaml,
    load_yaml,
    merge,
    parse_overrides,
    save_yaml,
)
from ezrvc_device.errors import ConfigurationError


class Decoder(Section):
    kind: Literal["sine", "noise"] = "sine"
    rates: tuple[int, ...] = (8, 8)
    """Upsampling."""


class Slicer(Section):
    threshold_db: float = -40.0
    min_s: float = Field(3.0, gt=0)
    max_s: float = 20.0

    @model_validator(mode="after")
    def _ordered(self) -> "Slicer":
        if self.min_s > self.max_s:
            raise ValueError(f"Shortest {self.min_s} is above longest {self.max_s}")
        return self


class Voice(Section):
    sample_rate: int = Field(44100, gt=0)
    name: str
    folder: Path = Path("models")
    decoder: Decoder = Decoder()
    slicer: Slicer | None = None
    source: Decoder | Slicer = Decoder()
    layers: tuple[Decoder, ...] = ()
    speakers: dict[str, Decoder] = Field(default_factory=dict)
    extra: Annotated[Slicer | None, Field(description="rarely used")] = None
    batch: Annotated[int, Field(ge=1)] | Literal["auto"] | tuple[int, ...] = "auto"


def test_a_tree_becomes_a_frozen_section() -> None:
    voice = Voice.from_tree(
        {"name": "sza", "folder": "there", "decoder": {"rates": [4, 2]}, "slicer": {"min_s": 2}}
    )
    assert voice.decoder.rates == (4, 2)
    assert voice.folder == Path("there")
    assert voice.slicer == Slicer(min_s=2.0)
    with pytest.raises(ValidationError, match="frozen"):
        voice.name = "other"
    assert Voice.from_tree(voice.to_tree()) == voice


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"sample_rte": 1}, "unknown key 'sample_rte', did you mean 'sample_rate'?"),
        (
            {"zzzzzz": 1},
            "unknown key 'zzzzzz', known: batch, decoder, extra, folder, layers,",
        ),
        ({"decoder": {"knd": "sine"}}, "unknown key 'decoder.knd', did you mean 'kind'?"),
        ({"slicer": {"min": 1.0}}, "unknown key 'slicer.min', did you mean 'min_s'?"),
        ({"extra": {"threshold": 1.0}}, "'extra.threshold', did you mean 'threshold_db'?"),
        ({"source": {"max": 1.0}}, "unknown key 'source.max', did you mean 'max_s'?"),
        ({"layers": [{}, {"rate": 1}]}, "unknown key 'layers.1.rate', did you mean 'rates'?"),
        ({"speakers": {"a b": {"rate": 1}}}, "'speakers.a b.rate', did you mean 'rates'?"),
        ({"slicer": 3}, "slicer = 3: input should be an object"),
        (
            {"batch": 0},
            "batch = 0: input should be greater than or equal to 1 or 'auto' or a",
        ),
        ({"batch": [1, "x"]}, "batch.1 = 'x': input should be a valid integer"),
    ],
)
def test_a_wrong_key_is_named_with_the_nearest_right_one(
    tree: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Voice.from_tree({"name": "x", **tree}, source="train.yaml")
    assert str(caught.value).startswith("train.yaml: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"sample_rate": 44.1}, "sample_rate = 44.1: input should be a valid integer"),
        ({"sample_rate": -1}, "sample_rate = -1: input should be greater than 0"),
        ({"sample_rate": "44100"}, "sample_rate = '44100': input should be a valid integer"),
        ({"decoder": {"kind": "sin"}}, "decoder.kind = 'sin': input should be 'sine' or 'noise'"),
        ({"decoder": {"rates": [8, None]}}, "decoder.rates.1 = None: input should be a valid int"),
        ({"slicer": {"min_s": 0}}, "slicer.min_s = 0: input should be greater than 0"),
        ({"slicer": {"min_s": 30}}, "shortest 30.0 is above longest 20.0"),
        ({"slicer": {"max_s": float("nan")}}, "slicer.max_s = nan: input should be a finite"),
        ({"slicer": {"max_s": float("inf")}}, "slicer.max_s = inf: input should be a finite"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(tree: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Voice.from_tree({"name": "x", **tree})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError, match="'name' is missing") as caught:
        Voice.from_tree({"sampl_rate": 1, "decoder": {"kind": 4}})
    assert "'sample_rate'" in str(caught.value)
    assert "decoder.kind = 4" in str(caught.value)


def test_a_long_value_does_not_flood_the_message() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Voice.from_tree({"name": list(range(10_000))})
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-4", 1e-4), ("1e5", 1e5), ("0o17", 15), ("010", 10), ("yes", "yes"), ("on", "on"),
     ("1:30", "1:30"), ("true", True), ("~", None), ("[1, 2.5]", [1, 2.5]), ("'7'", "7")],
)  # fmt: skip
def test_yaml_is_read_as_version_1_2(tmp_path: Path, text: str, value: object) -> None:
    (tmp_path / "a.yaml").write_text(f"key: {text}\n", encoding="utf-8")
    assert load_yaml(tmp_path / "a.yaml") == {"key": value}
    assert parse_overrides([f"key={text}"]) == {"key": value}


def test_yaml_survives_saving(tmp_path: Path) -> None:
    tree = {"z": {"b": [1, 2], "a": "café 声 😀"}, "rate": 1e-4, "none": None, "text": "007"}
    save_yaml(tmp_path / "c.yaml", tree)
    assert load_yaml(tmp_path / "c.yaml") == tree
    assert list(load_yaml(tmp_path / "c.yaml")) == list(tree), "the order is kept"
    assert "café 声 😀" in dump_yaml(tree)


def test_an_empty_file_is_an_empty_tree(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("# nothing\n", encoding="utf-8")
    assert load_yaml(tmp_path / "a.yaml") == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [1", "not valid YAML"),
        (b"a: 1\na: 2", "not valid YAML .*duplicate"),
        (b"- 1\n- 2", "expected keys and values, got list"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (None, "cannot be read .No such file"),
    ],
    ids=["cut", "duplicate", "list", "binary", "missing"],
)
def test_a_bad_file_is_one_line(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "a.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=message) as caught:
        load_yaml(path)
    assert str(path) in str(caught.value)
    assert os.linesep not in str(caught.value)


def test_later_trees_lie_on_top() -> None:
    preset = {"train": {"steps": 100, "betas": [0.8, 0.99]}, "name": "a"}
    user = {"train": {"betas": [0.9]}, "name": {"first": "b"}}
    merged = merge(preset, user, parse_overrides(["train.steps=5", "train.new.deep=x"]))
    assert merged == {
        "train": {"steps": 5, "betas": [0.9], "new": {"deep": "x"}},
        "name": {"first": "b"},
    }
    assert preset == {"train": {"steps": 100, "betas": [0.8, 0.99]}, "name": "a"}


def test_overrides_build_a_tree() -> None:
    assert parse_overrides([]) == {}
    assert parse_overrides(["a.b=1", "a.c={d: 2}", "a.b=3", "e=x=y", "f="]) == {
        "a": {"b": 3, "c": {"d": 2}},
        "e": "x=y",
        "f": None,
    }


@pytest.mark.parametrize("assignment", ["a", "=1", "a..b=1", ".a=1", " =1"])
def test_an_override_without_a_key_is_refused(assignment: str) -> None:
    with pytest.raises(ConfigurationError, match=r"write it as section\.key=value"):
        parse_overrides([assignment])


def test_an_override_that_is_not_yaml_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"--set 'a=\[1': the value is not YAML") as caught:
        parse_overrides(["a=[1"])
    assert "\n" not in str(caught.value)
