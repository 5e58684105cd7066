"""JARVIS-DFT from a file of its format, and what is said when it cannot be fetched."""

import csv
import json
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trialsmith.data import CrystalData, Target, jarvis
from trialsmith.errors import DataError
from trialsmith.graph import GraphBuilder
from trialsmith.text import NoTokens


def entries_of(shared: Path) -> list[dict[str, Any]]:
    """Real crystals in the format of dft_3d; every fourth has no gap, every second is Cartesian."""
    from ase.io import read

    folder = shared / "data/layout_alignn"
    entries = []
    with (folder / "id_prop.csv").open(newline="") as file:
        for i, (name, value) in enumerate(csv.reader(file)):
            atoms = read(folder / name)
            coords = atoms.positions if i % 2 else atoms.get_scaled_positions(wrap=False)
            described = {
                "lattice_mat": atoms.cell.tolist(),
                "coords": coords.tolist(),
                "elements": atoms.get_chemical_symbols(),
                "abc": atoms.cell.lengths().tolist(),
                "angles": atoms.cell.angles().tolist(),
                "cartesian": bool(i % 2),
                "props": [""] * len(atoms),
            }
            gap = float(value) if i % 4 else "na"
            name = name.removesuffix(".vasp")
            entries.append({"jid": name, "mbj_bandgap": gap, "spg": 1, "atoms": described})
    return entries


def opened(path: Path | None, tmp_path: Path, **options: Any) -> CrystalData:
    options = {"target": "mbj_bandgap"} | options
    builder = GraphBuilder()
    data = jarvis(path=path, graph=builder, tokens=NoTokens(), cache_dir=tmp_path / "c", **options)
    data.prepare_data()
    return data


def write(entries: object, path: Path) -> Path:
    path.write_text(json.dumps(entries))
    return path


def test_entries_without_the_property_are_no_rows(shared: Path, tmp_path: Path) -> None:
    entries = entries_of(shared)
    data = opened(write(entries, tmp_path / "dft_3d.json"), tmp_path)
    assert sum(data.sizes.values()) == 90
    assert data.targets == (Target("mbj_bandgap", "eV"),)
    assert data.skipped == []
    gaps = {entry["jid"]: entry["mbj_bandgap"] for entry in entries}
    (batch,) = data.val_dataloader()
    np.testing.assert_allclose(batch.target[:, 0], [gaps[id] for id in batch.ids], rtol=1e-6)


def test_coordinates_of_both_kinds_are_the_crystals_of_the_files(
    shared: Path, tmp_path: Path
) -> None:
    from ase.io import read

    path = write(entries_of(shared), tmp_path / "dft_3d.json")
    structures = {r.id: r.structure for r in jarvis_rows(path, tmp_path)}
    for id, structure in structures.items():
        atoms = read(shared / f"data/layout_alignn/{id}.vasp")
        np.testing.assert_allclose(structure.positions, atoms.positions, atol=1e-9)
        np.testing.assert_allclose(structure.cell, atoms.cell, atol=1e-9)
        np.testing.assert_array_equal(structure.numbers, atoms.numbers)


def jarvis_rows(path: Path, tmp_path: Path) -> list[Any]:
    from trialsmith.data.jarvis_dft import JarvisDft

    return JarvisDft(["mbj_bandgap"], None, "dft_3d", path).read(tmp_path).rows


def test_a_zipped_file_is_the_same_data(shared: Path, tmp_path: Path) -> None:
    path = write(entries_of(shared), tmp_path / "dft_3d.json")
    with zipfile.ZipFile(tmp_path / "dft_3d.json.zip", "w") as archive:
        archive.write(path, path.name)
    zipped = opened(tmp_path / "dft_3d.json.zip", tmp_path)
    assert zipped.fingerprint == opened(path, tmp_path).fingerprint


def test_bad_entries_are_named(shared: Path, tmp_path: Path) -> None:
    entries = entries_of(shared)[:20]
    entries[1]["atoms"]["elements"][0] = "Qq"
    entries[2]["mbj_bandgap"] = "much"
    del entries[3]["atoms"]["coords"]
    entries[5]["atoms"]["lattice_mat"] = [[1, 2], [3, 4]]
    path = write(entries, tmp_path / "dft_3d.json")
    with pytest.raises(DataError) as refused:
        opened(path, tmp_path)
    message = str(refused.value)
    assert f"entry 2 ({entries[1]['jid']}): 'Qq' is no chemical element" in message
    assert f"entry 3 ({entries[2]['jid']}): mbj_bandgap='much' is not a number" in message
    assert f"entry 4 ({entries[3]['jid']})" in message
    skipped = opened(path, tmp_path, on_error="skip")
    assert len(skipped.skipped) == 4
    assert sum(skipped.sizes.values()) == 11  # of 20, five have no gap


def test_files_that_are_something_else(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        opened(tmp_path / "nothing.json", tmp_path)
    for content, told in (
        ("{", "fetch it anew"),
        ("{}", "a list of entries"),
        ("[]", "no entries"),
    ):
        (tmp_path / "wrong.json").write_text(content)
        with pytest.raises(DataError, match=told):
            opened(tmp_path / "wrong.json", tmp_path)


def test_an_unknown_property_gets_the_nearest_name(shared: Path, tmp_path: Path) -> None:
    path = write(entries_of(shared), tmp_path / "dft_3d.json")
    with pytest.raises(DataError, match=r"data\.target=mbj_gap: .*Did you mean 'mbj_bandgap'\?"):
        opened(path, tmp_path, target="mbj_gap")


def test_without_jarvis_tools_the_remedy_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jarvis", None)
    with pytest.raises(DataError, match=r"pip install 'trialsmith\[jarvis\]'.*data\.path="):
        opened(None, tmp_path)


def fake_figshare(monkeypatch: pytest.MonkeyPatch, download: Any) -> None:
    """jarvis-tools with another server."""
    figshare = types.ModuleType("jarvis.db.figshare")
    figshare.get_db_info = lambda: {"dft_3d": ["https://x/1", "jdft_3d.json", "", ""]}  # type: ignore[attr-defined]
    figshare.data = download  # type: ignore[attr-defined]
    for name in ("jarvis", "jarvis.db"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "jarvis.db.figshare", figshare)


def test_offline_the_file_to_fetch_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(dataset: str, store_dir: str) -> None:
        (Path(store_dir) / "jdft_3d.json.zip").write_bytes(b"cut off")
        raise ConnectionError("no route to host")

    fake_figshare(monkeypatch, offline)
    with pytest.raises(DataError, match=r"from https://x/1: ConnectionError.*jdft_3d\.json\.zip"):
        opened(None, tmp_path)
    # what a broken download leaves is not taken for the data at the next try
    assert not list((tmp_path / "c" / "jarvis_download").glob("*.zip"))
    with pytest.raises(DataError, match=r"data\.dataset=dft_3b .*Did you mean 'dft_3d'\?"):
        opened(None, tmp_path, dataset="dft_3b")


def test_a_download_happens_once_and_prints_nothing(
    shared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    calls = []

    def download(dataset: str, store_dir: str) -> None:
        print("Obtaining 3D dataset 94k ...")  # noqa: T201
        calls.append(dataset)
        with zipfile.ZipFile(Path(store_dir) / "jdft_3d.json.zip", "w") as archive:
            archive.writestr("jdft_3d.json", json.dumps(entries_of(shared)))

    fake_figshare(monkeypatch, download)
    assert opened(None, tmp_path).fingerprint == opened(None, tmp_path).fingerprint
    assert calls == ["dft_3d"]
    assert capsys.readouterr().out == ""
