"""Names of clips, one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezrvc_audio.preparation.naming import clip_path, is_clip_name


@pytest.mark.parametrize(
    ("source", "stem"),
    [
        ("take 1.wav", "take-1"),
        ("deep/er/take_1.mp4", "take_1"),
        ("v1.2 (final) - it's.wav", "v1-2-final-it-s"),
        ("声 の 録音.flac", "声-の-録音"),
        ("cafe\u0301.wav", "café"),
        ("हिन्दी.wav", "हिन्दी"),
        ("🎤🎤.wav", "clip"),
        ("歌" * 60 + ".wav", "歌" * 26),
    ],
)
def test_the_readable_part_of_a_name(source: str, stem: str) -> None:
    name = clip_path("ana", source, 7).removeprefix("audio/ana/")
    assert name.rsplit("-", 2)[0] == stem
    assert name.endswith("-0007.wav")
    assert is_clip_name(name)


def test_a_name_is_the_same_for_ever() -> None:
    assert clip_path("ana", "take 1.wav", 12) == "audio/ana/take-1-0b43d45400-0012.wav"


def test_names_of_others_are_not_clip_names() -> None:
    assert not any(map(is_clip_name, ["take-1.wav", "take-1-0001.wav", "x-95a55d2d38-0001.flac"]))


@given(st.text(min_size=1).filter(lambda text: text.isprintable() and "/" not in text))
def test_every_name_is_one_safe_component(stem: str) -> None:
    name = clip_path("ana", stem + ".wav", 1).removeprefix("audio/ana/")
    assert len(name.encode()) < 110
    assert not set(name) & set("/\\\n\r\t \"'*?:<>|$`&;")
