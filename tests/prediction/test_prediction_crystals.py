"""New crystals: the numbers of the run itself, whatever holds the structures."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ase.build import bulk
from ase.io import read, write

import trialsmith
from trialsmith.data.crystal_inputs import crystal_rows
from trialsmith.data.problem import Problem
from trialsmith.errors import DataError, TrialsmithError
from trialsmith.prediction import Predictor

pytestmark = pytest.mark.xdist_group("crystal run")

# float32 sums in another order
SAME = {"rtol": 1e-4, "atol": 2e-6}


@pytest.fixture(scope="module")
def model(crystal_run: Path) -> Predictor:
    return trialsmith.load(crystal_run, device="cpu")


def test_the_numbers_are_those_of_the_run(model: Predictor, crystal_run: Path, table: Path) -> None:
    own = pd.read_csv(crystal_run / "predictions.csv").set_index("id")["gap_eV_predicted"]
    assert len(own) == 14
    found = model.predict(table)
    assert found.units == {"gap_eV": "eV"}
    again = pd.Series(found.values[:, 0], found.ids)[own.index]
    np.testing.assert_allclose(again, own, **SAME)


@pytest.mark.parametrize("batch_size", [1, 5])
def test_neither_batches_nor_order_matter(model: Predictor, table: Path, batch_size: int) -> None:
    files = [table.parent / f"m{i}.cif" for i in range(12)]
    found, backwards = model.predict(files), model.predict(files[::-1], batch_size)
    np.testing.assert_allclose(found.values, backwards.values[::-1], **SAME)
    assert found.ids == backwards.ids[::-1]


def test_every_container_of_a_structure_gives_the_same_number(
    model: Predictor, tmp_path: Path
) -> None:
    atoms = bulk("Cu", "fcc", 3.7, cubic=True)
    single = ["a.cif", "POSCAR_a", "b.vasp", "c.xsf", "d@1.json"]
    for name in single:
        write(tmp_path / name, atoms, format="vasp" if "POSCAR" in name else None)
    for name in ("e.extxyz", "f.traj", "g.db"):
        write(tmp_path / name, [atoms, bulk("Ag"), atoms])
    (reference,) = model.predict(atoms).values
    for name in single:
        found = model.predict(tmp_path / name)
        np.testing.assert_allclose(found.values, [reference], rtol=1e-4, err_msg=name)
    for name in ("e.extxyz", "f.traj", "g.db"):
        found = model.predict(tmp_path / name)
        np.testing.assert_allclose(found.values[[0, 2]], [reference] * 2, rtol=1e-4, err_msg=name)
        assert len(set(found.ids)) == 3


def test_a_folder_holds_its_structure_files(model: Predictor, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.cif", "deep/a.cif", ".hidden.cif"):
        write(tmp_path / name, bulk("Cu"))
    (tmp_path / "notes.txt").write_text("no structure")
    assert model.predict(tmp_path).ids == ["b.cif", "a.cif"]


def test_a_cif_of_two_blocks_is_two_crystals(model: Predictor, tmp_path: Path) -> None:
    for name in ("Cu", "Ag"):
        write(tmp_path / f"{name}.cif", bulk(name))
    texts = [(tmp_path / f"{name}.cif").read_text() for name in ("Cu", "Ag")]
    (tmp_path / "both.cif").write_text("\n".join(texts).replace("data_image0", "data_x", 1))
    both = model.predict(tmp_path / "both.cif")
    alone = model.predict([tmp_path / "Cu.cif", tmp_path / "Ag.cif"])
    np.testing.assert_allclose(both.values, alone.values, **SAME)
    assert both.ids[0] == "both.cif:x"


def test_bad_inputs_are_told_and_the_good_ones_predicted(model: Predictor, tmp_path: Path) -> None:
    write(tmp_path / "good.cif", bulk("Cu"))
    (tmp_path / "empty.cif").touch()
    (tmp_path / "bytes.xyz").write_bytes(b"\0\1\2")
    text = (tmp_path / "good.cif").read_text()
    with (tmp_path / "far.csv").open("w", newline="") as file:
        rows = [["id", "cif"], ["x", text], ["y", ""], ["z", "a", "b"], ["q", "gone.cif"]]
        csv.writer(file).writerows(rows)
    names = ("empty.cif", "good.cif", "bytes.xyz", "gone.cif", "far.csv")
    with pytest.raises(DataError, match="cannot be predicted"):
        model.predict([tmp_path / name for name in names])
    found = model.predict([tmp_path / name for name in names], on_error="skip")
    assert found.ids == ["good.cif", "x"]
    assert {p.id for p in found.skipped} == {"gone.cif", "y", "z", "q", "empty.cif", "bytes.xyz"}
    assert all(p.message and p.where for p in found.skipped)


def test_a_file_of_something_else_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("to do: measure again")
    (problem,) = crystal_rows([tmp_path / "notes.txt"], {})
    assert isinstance(problem, Problem)
    assert "is no file of structures" in problem.message


def test_elements_that_training_never_saw_are_told(
    model: Predictor,
) -> None:
    found = model.predict([bulk("Fe"), bulk("Cu")])
    assert [w for w in found.warnings if w.startswith("Fe ")]
    assert not [w for w in found.warnings if w.startswith("Cu ")]


def test_an_element_without_features_costs_its_crystal_alone(model: Predictor) -> None:
    found = model.predict([bulk("Cu"), bulk("Lr", "fcc", a=5.0)], on_error="skip")
    assert found.ids == ["0"]
    (problem,) = found.skipped
    assert problem.id == "1"
    assert "atomic number 103, which has no features" in problem.message


def test_a_moved_run_needs_nothing_else(
    crystal_run: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = shutil.copytree(crystal_run, tmp_path / "moved run")
    config = (moved / "config.yaml").read_text()
    (moved / "config.yaml").write_text(config.replace(str(table), "/gone/metals.csv"))
    monkeypatch.chdir(tmp_path)
    atoms = read(table.parent / "m30.cif")
    here, there = (
        trialsmith.load(run, device="cpu").predict(atoms) for run in (moved, crystal_run)
    )
    np.testing.assert_array_equal(here.values, there.values)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda run: (run / "checkpoints/best.ckpt").write_bytes(b"x"), "cannot be loaded"),
        (lambda run: (run / "checkpoints/best.ckpt").unlink(), "has no checkpoints/best.ckpt"),
        (lambda run: (run / "config.yaml").unlink(), "has no config.yaml"),
        (
            lambda run: (run / "config.yaml").write_text(
                (run / "config.yaml").read_text().replace("trialsmith.models.ALIGNN", "os.system")
            ),
            "os.system",
        ),
        (
            lambda run: (run / "config.yaml").write_text(
                (run / "config.yaml").read_text().replace("gcn_layers: 1", "gcn_layers: 2")
            ),
            "does not fit",
        ),
    ],
)
def test_a_folder_that_does_not_fit_itself_is_refused(
    crystal_run: Path, tmp_path: Path, harm: object, words: str
) -> None:
    run = shutil.copytree(crystal_run, tmp_path / "run")
    harm(run)  # type: ignore[operator]
    with pytest.raises(TrialsmithError, match=words):
        trialsmith.load(run)
