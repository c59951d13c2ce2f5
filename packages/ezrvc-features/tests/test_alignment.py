import numpy as np
import pytest
import torch

from ezrvc_features.alignment import FeatureAligner, StretchRule, stretch_index
from ezrvc_features.errors import FeatureError
from ezrvc_features.frames import FrameSpec

FRAMES = FrameSpec(sample_rate=44100, hop_length=512)
RULES: list[StretchRule] = ["nearest", "left"]


def held_units(n_content: int, n_frames: int) -> list[int]:
    """The "left" rule as a walk: go on to the next unit when the frame reaches its end."""
    index, unit = [], 0
    for frame in range(n_frames):
        if frame * n_content >= (unit + 1) * n_frames:
            unit += 1
        index.append(unit)
    return index


def test_left_holds_each_unit_for_all_small_lengths() -> None:
    for n_content in range(1, 31):
        for n_frames in range(1, 41):
            found = stretch_index(n_content, n_frames, "left").tolist()
            assert found == held_units(n_content, n_frames), (n_content, n_frames)


def test_nearest_is_that_of_torch_for_all_small_lengths() -> None:
    for n_content in range(1, 61):
        content = torch.arange(n_content, dtype=torch.float32)[None, None]
        for n_frames in range(1, 121):
            expected = torch.nn.functional.interpolate(content, size=n_frames, mode="nearest")
            found = stretch_index(n_content, n_frames, "nearest")
            assert found.tolist() == expected[0, 0].long().tolist(), (n_content, n_frames)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("n_content", "n_frames"), [(50, 86), (99, 171), (40, 25), (1, 7)])
def test_any_window_equals_the_whole(rule: StretchRule, n_content: int, n_frames: int) -> None:
    aligner = FeatureAligner(FRAMES, stretch=rule)
    content = torch.arange(3 * n_content, dtype=torch.float32).reshape(3, n_content)
    whole = aligner.stretch_content(content, n_frames)
    index = stretch_index(n_content, n_frames, rule)
    for start in range(n_frames):
        for length in {1, 5, n_frames - start}:
            end = min(start + length, n_frames)
            first, last = index[start], index[end - 1]
            window = aligner.stretch_content(
                content[:, first : last + 1],
                end - start,
                start_frame=start,
                n_frames_total=n_frames,
                start_content=int(first),
                n_content_total=n_content,
            )
            assert torch.equal(window, whole[:, start:end])


def test_one_offset_is_enough_when_all_content_is_given() -> None:
    aligner = FeatureAligner(FRAMES)
    content = torch.rand(2, 50)
    whole = aligner.stretch_content(content, 86)
    part = aligner.stretch_content(content, 20, start_frame=60, n_frames_total=86)
    assert torch.equal(part, whole[:, 60:80])


def test_a_window_without_the_needed_content_is_an_error() -> None:
    with pytest.raises(FeatureError, match="need content vectors 5 to 9, the window holds 0 to 3"):
        FeatureAligner(FRAMES).stretch_content(
            torch.zeros(2, 4), 10, start_frame=10, n_frames_total=20, n_content_total=10
        )


@pytest.mark.parametrize(
    ("n_content", "start", "total", "message"),
    [(0, 0, 5, "content is empty"), (3, 4, 5, "outside a recording of 5")],
)
def test_impossible_stretches_are_errors(
    n_content: int, start: int, total: int, message: str
) -> None:
    with pytest.raises(FeatureError, match=message):
        stretch_index(n_content, 5, "nearest", start_frame=start, n_frames_total=total)


def curves(n_frames: int) -> list[np.ndarray]:
    """F0, voiced and volume."""
    f0 = np.linspace(100, 200, n_frames).astype(np.float32)
    voiced = np.ones(n_frames, dtype=bool)
    voiced[:2] = voiced[4:6] = False
    return [np.where(voiced, f0, 0), voiced, np.ones(n_frames)]


def test_alignment_joins_unvoiced_pitch_and_keeps_voicing_apart() -> None:
    f0 = np.array([0, 0, 100, 0, 0, 160, 0], dtype=np.float32)
    aligned = FeatureAligner(FRAMES).align(
        torch.zeros(4, 4), 50.0, f0, f0 > 0, np.arange(7) / 10, n_frames=7
    )
    assert aligned.f0.tolist() == [100, 100, 100, 120, 140, 160, 160]
    assert aligned.voiced.tolist() == [0, 0, 1, 0, 0, 1, 0]
    assert aligned.content.shape == (4, 7)
    assert aligned.n_frames == 7
    assert aligned.spectrogram is None
    assert {t.dtype for t in (aligned.content, aligned.f0, aligned.voiced, aligned.volume)} == {
        torch.float32
    }


def test_alignment_can_keep_zeros() -> None:
    f0 = np.array([0, 0, 100, 0, 0, 160, 0], dtype=np.float32)
    aligned = FeatureAligner(FRAMES, unvoiced="zero").align(
        torch.zeros(4, 4), 50.0, f0, f0 > 0, np.ones(7), n_frames=7
    )
    assert aligned.f0.tolist() == f0.tolist()


@pytest.mark.parametrize("unvoiced", ["interpolate", "zero"])
def test_wholly_unvoiced_stays_zero(unvoiced: str) -> None:
    aligned = FeatureAligner(FRAMES, unvoiced=unvoiced).align(  # pyright: ignore[reportArgumentType]
        torch.zeros(4, 4), 50.0, np.full(7, 55.0), np.zeros(7, bool), np.ones(7), n_frames=7
    )
    assert aligned.f0.tolist() == aligned.voiced.tolist() == [0.0] * 7


@pytest.mark.parametrize("off_by", [-3, -1, 0, 2, 3])
def test_small_differences_are_cut_or_held(off_by: int) -> None:
    given = curves(20 + off_by)
    spectrogram = torch.arange(20.0 + off_by).expand(5, -1)
    aligned = FeatureAligner(FRAMES).align(
        torch.rand(3, 12).half(), 50.0, *given, n_frames=20, spectrogram=spectrogram
    )
    assert aligned.spectrogram is not None
    kept = min(20, 20 + off_by)
    assert aligned.spectrogram[0].tolist() == [*range(kept), *[kept - 1] * (20 - kept)]
    assert aligned.f0.shape == aligned.voiced.shape == aligned.volume.shape == (20,)
    assert aligned.f0[kept - 1 :].unique().numel() == 1


@pytest.mark.parametrize("name", ["f0", "voiced", "volume"])
@pytest.mark.parametrize("off_by", [-4, 4])
def test_larger_differences_are_errors_that_name_the_lengths(name: str, off_by: int) -> None:
    given = curves(20)
    position = ["f0", "voiced", "volume"].index(name)
    given[position] = curves(20 + off_by)[position]
    with pytest.raises(FeatureError, match=f"{name} has {20 + off_by} frames, .* has 20"):
        FeatureAligner(FRAMES).align(torch.zeros(3, 12), 50.0, *given, n_frames=20)


@pytest.mark.parametrize(
    ("n_content", "fits"), [(0, False), (8, False), (9, True), (12, True), (14, True), (15, False)]
)
def test_content_must_be_of_the_same_recording(n_content: int, fits: bool) -> None:
    # 20 frames of 512 samples at 44.1 kHz last 0.232 s: 11.6 vectors at 50 Hz.
    def align() -> torch.Tensor:
        return (
            FeatureAligner(FRAMES)
            .align(torch.zeros(3, n_content), 50.0, *curves(20), n_frames=20)
            .content
        )

    if fits:
        assert align().shape == (3, 20)
    else:
        with pytest.raises(FeatureError, match=f"content has {n_content} vectors at 50 Hz"):
            align()
