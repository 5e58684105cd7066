"""What a run notes of the program that made it."""

import subprocess
import sys
from pathlib import Path

import pytest

from trialsmith import provenance as module


def git(folder: Path, *arguments: str) -> str:
    command = ("git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed train.py in a repository, which is what runs."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "train.py").write_text("one\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    monkeypatch.setattr(sys, "argv", [str(folder / "train.py")])
    for known in (module.provenance, module.uncommitted):
        monkeypatch.setattr(module, known.__name__, known.__wrapped__)
    return folder


def test_a_clean_program_has_a_commit_and_no_patch(program: Path, tmp_path: Path) -> None:
    facts = module.provenance()
    assert facts["git_commit"] == git(program, "rev-parse", "HEAD").strip()
    assert facts["git_dirty"] is False
    module.write_patch(tmp_path)
    assert not (tmp_path / module.PATCH).exists()


def test_changes_and_new_code_can_be_applied_again(program: Path, tmp_path: Path) -> None:
    (program / "train.py").write_text("two\n")
    (program / "model.py").write_text("new\n")
    (program / "data.csv").write_text("no code\n")
    before = git(program, "status", "--porcelain")
    assert module.provenance()["git_patch"] == module.PATCH
    module.write_patch(tmp_path)
    assert git(program, "status", "--porcelain") == before  # git's own index is as it was
    git(tmp_path, "clone", "--quiet", str(program), "clone")
    git(tmp_path / "clone", "apply", str(tmp_path / module.PATCH))
    for name in ("train.py", "model.py"):
        assert (tmp_path / "clone" / name).read_text() == (program / name).read_text()
    assert not (tmp_path / "clone" / "data.csv").exists()


def test_a_patch_that_is_too_large_is_left_out_and_told(program: Path, tmp_path: Path) -> None:
    (program / "train.py").write_text("many\n" * 100_000)
    told = str(module.provenance()["git_patch"])
    assert told.startswith("none: the changes are 5")
    module.write_patch(tmp_path)
    assert not (tmp_path / module.PATCH).exists()


def test_no_repository_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train.py").touch()
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "train.py")])
    facts = module.provenance.__wrapped__()
    assert facts["git_commit"] is None


def test_the_command_keeps_no_password(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["hydra.sweeper.storage=postgresql://me:secret@host/db", "optimizer.lr=0.1"]
    monkeypatch.setattr(sys, "argv", [*sys.argv, *words])
    command = str(module.provenance()["command"])
    assert "secret" not in command
    assert "postgresql://host/db" in command
    assert "optimizer.lr=0.1" in command
