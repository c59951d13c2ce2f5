"""Which recordings belong together, and what is said in them."""

from pathlib import Path

import pytest

from ezrvc_audio.testing import silence
from ezrvc_audio.writing import write
from ezrvc_eval.errors import EvalError
from ezrvc_eval.items import items_of_folder, read_test_list, read_texts


def folder_of(root: Path, *names: str) -> Path:
    for name in names:
        write(root / name, silence(0.1, 16000))
    return root


def test_a_folder_alone(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "made", "b.flac", "a.wav")
    (folder / "notes.txt").write_text("no sound", encoding="utf-8")
    (folder / "a.txt").write_text(" Hello there.\n", encoding="utf-8")
    items = items_of_folder(folder)
    assert [(item.name, item.reference, item.text) for item in items] == [
        ("a.wav", None, "Hello there."),
        ("b.flac", None, None),
    ]


def test_a_pair_of_folders_is_matched_by_the_longest_name(tmp_path: Path) -> None:
    made = folder_of(tmp_path / "made", "a_ada.wav", "a_b_ada.wav", "c.wav")
    sources = folder_of(tmp_path / "source", "a.flac", "a_b.wav", "c.wav", "unused.wav")
    (sources / "c.txt").write_text("see", encoding="utf-8")
    items = items_of_folder(made, reference=sources, texts={"a": "eh"}, transpose_semitones=3)
    pairs = {i.name: (i.reference and i.reference.name, i.text) for i in items}
    assert pairs == {
        "a_ada.wav": ("a.flac", "eh"),
        "a_b_ada.wav": ("a_b.wav", None),
        "c.wav": ("c.wav", "see"),
    }
    assert {item.transpose_semitones for item in items} == {3}


def test_a_recording_without_counterpart_is_an_error(tmp_path: Path) -> None:
    made = folder_of(tmp_path / "made", "x_ada.wav")
    with pytest.raises(EvalError, match="has no counterpart in"):
        items_of_folder(made, reference=folder_of(tmp_path / "source", "y.wav"))


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match="no such folder"):
        items_of_folder(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(EvalError, match="no recordings"):
        items_of_folder(tmp_path / "empty")


def test_a_test_list_names_recordings_beside_it(tmp_path: Path) -> None:
    folder_of(tmp_path / "clips", "a.wav", "b.wav")
    path = tmp_path / "test.csv"
    path.write_text('path,text\nclips/a.wav,"Well, yes."\nclips/b.wav,\n', encoding="utf-8")
    lines = read_test_list(path)
    assert [(line.path, line.text) for line in lines] == [
        (tmp_path / "clips" / "a.wav", "Well, yes."),
        (tmp_path / "clips" / "b.wav", None),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file\na.wav\n", "must name the columns path"),
        ("path,text\n", "holds no line"),
        ("path\nnowhere.wav\n", "which does not exist"),
        ("", "must name the columns path"),
    ],
)
def test_wrong_lists_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "test.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(EvalError, match=message):
        read_test_list(path)


def test_a_missing_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match="cannot be read as CSV"):
        read_test_list(tmp_path / "nowhere.csv")


def test_texts_by_name(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_text("name,text\na.wav,one\nb,two\nc,\n", encoding="utf-8")
    assert read_texts(path) == {"a": "one", "b": "two"}
    path.write_text("name\na\n", encoding="utf-8")
    with pytest.raises(EvalError, match="name, text"):
        read_texts(path)
