from pathlib import Path

import pytest

from ezrvc_audio.errors import AudioError
from ezrvc_cli.pipeline.convert import find_inputs, plan_outputs


def test_one_input_goes_where_it_is_told(tmp_path: Path) -> None:
    out = tmp_path / "out.mp3"
    assert plan_outputs([Path("a.wav")], out, "ada") == [out]


def test_without_an_output_results_lie_beside_their_inputs() -> None:
    inputs = [Path("takes/a.wav"), Path("b.m4a")]
    assert plan_outputs(inputs, None, "ada") == [Path("takes/a_ada.wav"), Path("b_ada.wav")]


def test_several_inputs_go_into_a_folder_without_meeting_each_other() -> None:
    inputs = [Path("x/a.wav"), Path("y/a.wav"), Path("a.mp3"), Path("a_ada.wav")]
    planned = plan_outputs(inputs, Path("out"), "ada")
    assert len(set(planned)) == len(inputs)
    assert planned[:2] == [Path("out/a_ada.wav"), Path("out/a.wav_ada.wav")]
    assert {path.parent for path in planned} == {Path("out")}


def test_a_result_never_replaces_an_input() -> None:
    inputs = [Path("a.wav"), Path("a_ada.wav")]
    assert set(plan_outputs(inputs, None, "ada")).isdisjoint(inputs)


def test_a_converted_file_is_never_its_own_target(tmp_path: Path) -> None:
    same = tmp_path / "a.wav"
    same.touch()
    with pytest.raises(AudioError, match=r"a\.wav: is the recording itself"):
        plan_outputs([same], same, "ada")


def test_one_file_cannot_hold_several_results() -> None:
    with pytest.raises(AudioError, match="one file for 2 inputs"):
        plan_outputs([Path("a.wav"), Path("b.wav")], Path("out.wav"), "ada")


def test_a_folder_gives_its_recordings_in_order(tmp_path: Path) -> None:
    for name in ("b.wav", "a.MP3", "notes.txt", ".hidden.wav"):
        (tmp_path / name).touch()
    assert find_inputs([str(tmp_path)]) == [tmp_path / "a.MP3", tmp_path / "b.wav"]


def test_a_folder_without_recordings_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="no recordings"):
        find_inputs([str(tmp_path)])
