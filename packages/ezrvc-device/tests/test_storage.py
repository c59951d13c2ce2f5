from pathlib import Path

import platformdirs
import pytest

from ezrvc_device import storage
from ezrvc_device.errors import DeviceError
from ezrvc_device.storage import Storage, find_storage, free_disk


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder three levels deep."""
    folder = tmp_path / "one" / "two" / "three"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def test_the_folders_are_those_of_the_data_contract(tmp_path: Path) -> None:
    assert Storage.at(tmp_path) == Storage(
        root=tmp_path,
        raw=tmp_path / "data" / "raw",
        processed=tmp_path / "data" / "processed",
        models=tmp_path / "models",
        cache=tmp_path / "cache",
    )


def test_the_nearest_data_folder_wins(work: Path) -> None:
    (work.parent / "data").mkdir()
    (work.parent.parent / "data").mkdir()
    found = find_storage()
    assert found.root == work.parent
    assert found.cache == platformdirs.user_cache_path("ezrvc", appauthor=False)


def test_the_checkout_of_this_project_is_a_root(work: Path) -> None:
    pyproject = work.parent / "pyproject.toml"
    pyproject.write_text('[project]\nname = "ezrvc"\n', encoding="utf-8")
    assert find_storage().root == work.parent


@pytest.mark.parametrize(
    "text", ['[project]\nname = "other"\n', "[tool.x]\n", "not toml [", "[project]\nname = 1\n"]
)
def test_other_projects_are_not(work: Path, text: str) -> None:
    (work / "pyproject.toml").write_text(text, encoding="utf-8")
    (work.parent / "data").mkdir()
    assert find_storage().root == work.parent


def test_a_file_called_data_is_no_data_folder(work: Path) -> None:
    (work / "data").touch()
    (work.parent / "data").mkdir()
    assert find_storage().root == work.parent


def test_the_variable_wins(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / "data").mkdir()
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path / "my voices"))
    assert find_storage() == Storage.at(tmp_path / "my voices")
    assert find_storage(tmp_path / "told") == Storage.at(tmp_path / "told")
    assert not (tmp_path / "my voices").exists(), "looking creates nothing"


def test_a_home_may_be_relative_or_start_at_the_users(
    work: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("EZRVC_HOME", "~/voices")
    assert find_storage().root == tmp_path / "voices"
    assert find_storage(Path("here")).root == work / "here"


def test_a_file_is_refused_as_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path / "file"))
    with pytest.raises(DeviceError, match="file is not a folder: name a folder in EZRVC_HOME"):
        find_storage()


@pytest.mark.usefixtures("work")
def test_colab_keeps_everything_in_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release")
    assert find_storage() == Storage.at(Path("/content"))
    monkeypatch.setenv("EZRVC_HOME", str(tmp_path))
    assert find_storage().root == tmp_path


@pytest.mark.usefixtures("work")
def test_else_the_users_folders_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_project_above", lambda _: None)
    found = find_storage()
    assert found.root == platformdirs.user_data_path("ezrvc", appauthor=False)
    assert found.models == found.root / "models"
    assert found.cache == platformdirs.user_cache_path("ezrvc", appauthor=False)


def test_the_root_of_the_file_system_never_counts() -> None:
    assert storage._project_above(Path("/")) is None


def test_free_disk_is_that_of_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    assert free_disk(tmp_path / "not" / "yet") == pytest.approx(free_disk(tmp_path), rel=0.2)
    assert free_disk(tmp_path) > 0
