"""Small crystals as users write them into a CSV file."""

CIF = """data_{name}
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {c}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma {gamma}
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
{name}1 {name} 0 0 0 {occupancy}
Cl1 Cl {x} 0.5 0.5 1
"""


def cif(
    name: str = "Cs",
    a: float = 4.1,
    c: float | None = None,
    gamma: float = 90,
    occupancy: float = 1,
    x: float = 0.5,
) -> str:
    """A crystal of caesium chloride's kind, as CIF text of 17 lines."""
    c = a if c is None else c
    return CIF.format(name=name, a=a, c=c, gamma=gamma, occupancy=occupancy, x=x)


HEADER = ["id", "cif", "description", "split", "gap_eV"]


def good_rows(count: int = 20) -> list[list[str]]:
    """Different crystals with different targets; lines 2, 20, 38, ... of the file."""
    parts = ["train"] * (count - 6) + ["val"] * 3 + ["test"] * 3
    return [
        [f"c{i}", cif(a=4 + 0.01 * i), f"crystal number {i}", parts[i], str(0.5 + 0.1 * i)]
        for i in range(count)
    ]
