"""Finite partial orders: sprinkled into spacetimes, layered, and what they look like as graphs.

An order is a matrix (elements, elements) of truth: whether the row's element precedes the column's.
Elements stand in an order that the partial order respects, so the matrix is upper triangular.
"""

import math

import numpy as np
from jaxtyping import Bool, Float, Int


def diamond(
    count: int, dimension: int, draw: np.random.Generator
) -> Float[np.ndarray, "points dimension"]:
    """Points of a causal diamond of Minkowski space, uniform in volume; the time comes first.

    The diamond is |x| ≤ 1 - |t|. At distance u = 1 - |t| from a tip the section is a ball of radius
    u, so that u has the density d u^(d-1), as the maximum of d uniform numbers has.
    """
    reach = draw.random(count) ** (1 / dimension)
    time = (1 - reach) * draw.choice([-1.0, 1.0], count)
    direction = draw.normal(size=(count, dimension - 1))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    radius = reach * draw.random(count) ** (1 / (dimension - 1))
    return np.concatenate([time[:, None], radius[:, None] * direction], axis=1)


def light_cones(points: Float[np.ndarray, "points dimension"]) -> Bool[np.ndarray, "points points"]:
    """The causal order of points of Minkowski space, which are sorted by time first.

    a precedes b where t_b - t_a > |x_b - x_a|.
    """
    points = points[np.argsort(points[:, 0])]
    apart = points[None] - points[:, None]
    return apart[..., 0] > np.linalg.norm(apart[..., 1:], axis=-1)


def sprinkled(
    count: int, dimension: int, draw: np.random.Generator
) -> Bool[np.ndarray, "elements elements"]:
    """An order of points sprinkled into a diamond, after L. Bombelli et al., PRL 59, 521 (1987)."""
    return light_cones(diamond(count, dimension, draw))


def layered(count: int, draw: np.random.Generator) -> Bool[np.ndarray, "elements elements"]:
    """An order of three layers, as nearly all large orders are: no sample of a spacetime.

    Of n elements a quarter is in the first and in the last layer each, half in the middle; an
    element precedes one of the next layer with probability 1/2, and one of the last layer where a
    middle one lies between. D. Kleitman, B. Rothschild, Trans. AMS 205, 205 (1975).
    """
    outer = round(count / 4)
    layer = np.repeat([0, 1, 2], [outer, count - 2 * outer, outer])
    next_layer = layer[None] == layer[:, None] + 1
    related = next_layer & (draw.random((count, count)) < 0.5)
    return related | _product(related, related)


def links(order: Bool[np.ndarray, "elements elements"]) -> Bool[np.ndarray, "elements elements"]:
    """The pairs with nothing between: the transitive reduction."""
    return order & ~_product(order, order)


def longest_chains(
    order: Bool[np.ndarray, "elements elements"],
) -> tuple[Int[np.ndarray, "elements"], Int[np.ndarray, "elements"]]:
    """Of each element the length, in links, of the longest chain to its future and to its past."""
    return _chains(order.T[::-1, ::-1])[::-1], _chains(order)


def ordering_fraction(order: Bool[np.ndarray, "elements elements"]) -> float:
    """Related pairs among all pairs."""
    return float(order.sum() / math.comb(len(order), 2))


def _chains(order: Bool[np.ndarray, "elements elements"]) -> Int[np.ndarray, "elements"]:
    length = np.zeros(len(order), np.int64)
    for element in range(1, len(order)):
        before = order[:element, element]
        length[element] = np.max(length[:element] + 1, where=before, initial=0)
    return length


def _product(
    first: Bool[np.ndarray, "elements elements"], second: Bool[np.ndarray, "elements elements"]
) -> Bool[np.ndarray, "elements elements"]:
    # floats, for numpy multiplies them many times faster than integers
    return (first.astype(np.float32) @ second.astype(np.float32)) > 0
