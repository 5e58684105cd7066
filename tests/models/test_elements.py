"""Elements as CGCNN's table has them; equality with ALIGNN's own copy is in tests/peer."""

import pytest
import torch
from ase.data import atomic_numbers

from trialsmith.errors import DataError
from trialsmith.models.elements import LAST, PROPERTIES, check_known, element_features

STARTS = dict(
    zip(
        PROPERTIES,
        torch.tensor([0] + [classes for classes, _ in PROPERTIES.values()]).cumsum(0).tolist(),
        strict=False,
    )
)


def test_known_elements():
    table = element_features()
    assert table.shape == (101, 92)
    assert not table[0].any()
    assert table[6].nonzero().flatten().tolist() == [14, 20, 31, 38, 49, 63, 74, 79, 82]  # carbon
    for symbol, group, period, block in [("Na", 1, 3, 0), ("Fe", 8, 4, 2), ("U", 0, 7, 3)]:
        row = table[atomic_numbers[symbol]]
        for name, place in {"group": group, "period": period - 1, "block": block}.items():
            assert row[STARTS[name] + place] == 1


def test_each_property_is_one_class_or_unknown():
    table = element_features()[1:]
    for name, (classes, _) in PROPERTIES.items():
        assert set(table[:, STARTS[name] : STARTS[name] + classes].sum(1).tolist()) <= {0.0, 1.0}
    for name in ("group", "period", "block"):
        assert table[:, STARTS[name] : STARTS[name] + PROPERTIES[name][0]].sum(1).all()


@pytest.mark.parametrize("number", [0, -1, LAST + 1])
def test_unknown_elements_are_refused(number):
    with pytest.raises(DataError, match=f"atomic number {number} has no features"):
        check_known(torch.tensor([1, number, 6]))
    check_known(torch.tensor([1, LAST]))
