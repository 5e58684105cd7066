"""Every engine does what the equation says."""

import sys
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from model_inputs import (
    assert_same_gradients,
    batch_of,
    fused,
    gradients,
    hand_made,
    real,
    settled,
    single,
    threads_of_torch,
)
from torch import Tensor, nn

from trialsmith.data.batch import Links
from trialsmith.errors import InfeasibleConfig
from trialsmith.models import shares
from trialsmith.models.kernels import HAS_TILES
from trialsmith.models.message_passing import ENGINES
from trialsmith.models.norm import make_norm
from trialsmith.models.normalised_silu import normalised_silu
from trialsmith.models.products import ProductsOfDistinct, Repeated, expanded
from trialsmith.models.shares import RowSums

OTHERS = [name for name in ENGINES if name not in ("torch", "auto")]
HIDDEN = 4


@pytest.fixture(params=ENGINES)
def engine(request):
    if request.param == "dgl":
        pytest.importorskip("dgl", reason="dgl has no wheel for this Python")
    return request.param


@pytest.fixture
def small_chunks(monkeypatch):
    """So small that few links make many chunks."""
    monkeypatch.setattr(shares, "CHUNK_BYTES", 256)


@pytest.fixture
def some_chunks(monkeypatch):
    """So small that a batch of crystals makes dozens of chunks."""
    monkeypatch.setattr(shares, "CHUNK_BYTES", 2**14)


def random_links(seed: int, members: int, links: int, dtype: torch.dtype = torch.float64) -> Links:
    """Some members may receive nothing, at the beginning, in the middle and at the end."""
    generator = torch.Generator().manual_seed(seed)
    source, target = torch.randint(members, (2, links), generator=generator)
    weight, multiplicity = torch.randint(1, 5, (2, links), generator=generator).to(dtype)
    return Links(source, target.sort()[0], multiplicity, weight)


def random_parts(members: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(members, 3, HIDDEN, dtype=dtype)


def test_messages_by_hand(engine):
    """Member 0 hears from 1 (twice) and 2, and nobody else hears anything."""
    torch.manual_seed(0)
    weight = torch.tensor([2.0, 1.0])
    links = Links(torch.tensor([1, 2]), torch.tensor([0, 0]), weight, weight)
    project, norm, e = nn.Linear(HIDDEN, HIDDEN), make_norm("layer", HIDDEN), torch.randn(2, HIDDEN)
    parts = torch.randn(3, 3, HIDDEN)
    s, t, v = parts.unbind(1)
    received, updated = ENGINES[engine](links, 3)(e, project, parts, norm)
    m = project(e) + s[[1, 2]] + t[0]
    torch.testing.assert_close(updated, e + nn.functional.silu(norm(m, weight)))
    gate = m.sigmoid() * weight[:, None]
    expected = (gate[0] * v[1] + gate[1] * v[2]) / (gate.sum(0) + 1e-6)
    torch.testing.assert_close(received[0], expected)
    assert not received[1:].any()


def convolved(
    engine: str,
    links: Links,
    members: int,
    seed: int,
    norm: str,
    mode: bool,
    repeated: bool = False,
) -> list:
    """Results, derivatives and running statistics of one random convolution."""
    torch.manual_seed(seed)
    dtype = links.weight.dtype
    project = nn.Linear(HIDDEN, HIDDEN).to(dtype)
    layer = make_norm(norm, HIDDEN).to(dtype).train(mode)
    e = torch.randn(1 + len(links) // 2 if repeated else len(links), HIDDEN, dtype=dtype)
    leaves = [leaf.requires_grad_() for leaf in (e, random_parts(members, dtype))]
    features = Repeated(e, torch.randint(len(e), (len(links),))) if repeated else e
    results = ENGINES[engine](links, members)(features, project, leaves[1], layer)
    slopes = [torch.randn_like(result) for result in results]
    torch.autograd.backward(results, slopes)
    parameters = [*leaves, *project.parameters(), *layer.parameters()]
    return [*results, *(p.grad for p in parameters), *layer.buffers()]


@pytest.mark.parametrize("norm", ["batch", "layer"])
@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    members=st.integers(1, 30),
    links=st.integers(1, 60),
    mode=st.booleans(),
    chunk=st.sampled_from([1, 100, 300, 10**6]),
    threads=st.sampled_from([1, 2, 5]),
    dtype=st.sampled_from([torch.float64, torch.float32]),
    repeated=st.booleans(),
)
def test_any_chunks_and_threads_give_the_plain_numbers(
    norm, seed, members, links, mode, chunk, threads, dtype, repeated
):
    graph = random_links(seed, members, links, dtype)
    with pytest.MonkeyPatch.context() as patch, threads_of_torch(threads):
        patch.setattr(shares, "CHUNK_BYTES", chunk)
        chunked = convolved("fused", graph, members, seed, norm, mode, repeated)
    plain = convolved("torch", graph, members, seed, norm, mode, repeated)
    near = 1e-3 if dtype == torch.float32 else 1e-7  # batch norm of few links magnifies rounding
    torch.testing.assert_close(chunked, plain, rtol=near, atol=near)


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_half_precision_is_as_near_to_full_precision_as_the_plain_engine(small_chunks, norm):
    """Both round to the 8 bits of a bfloat16, at other places."""

    def error(engine: str) -> float:
        squares = []
        for seed in range(10):
            graph = random_links(seed, 12, 60, torch.float32)
            full = convolved("torch", graph, 12, seed, norm, True)
            with torch.autocast("cpu", torch.bfloat16):
                rounded = convolved(engine, graph, 12, seed, norm, True)
            for one, other in zip(rounded, full, strict=True):
                squares.append((one - other).square().sum() / (other.square().sum() + 1e-6))
        return float(torch.stack(squares).detach().mean().sqrt())

    assert 0 < error("fused") <= 1.5 * error("torch")


@pytest.mark.parametrize(
    ("links", "rows", "width_before", "width_after"),
    [
        (19, None, HIDDEN, HIDDEN),
        (21, None, HIDDEN, HIDDEN),
        (3, 19, HIDDEN, HIDDEN),
        (20, None, HIDDEN, HIDDEN + 1),
        (20, None, HIDDEN + 1, HIDDEN),
    ],
)
def test_sizes_that_do_not_go_together_are_refused(links, rows, width_before, width_after):
    """Compiled loops would read and write beside their arrays."""
    e = torch.zeros(links, HIDDEN, dtype=torch.float64)
    features = e if rows is None else Repeated(e, torch.zeros(rows, dtype=torch.int64))
    convolve = ENGINES["fused"](random_links(0, 5, 20), 5)
    with pytest.raises(ValueError, match="do not go with 20 links of 5 members"):
        convolve(features, nn.Linear(width_before, width_after).double(), random_parts(5), None)
    with pytest.raises(ValueError, match="4 members do not go with"):
        convolve(e[[0] * 20], nn.Linear(HIDDEN, HIDDEN).double(), random_parts(4), None)


@pytest.mark.parametrize("row", [-1, 4])
def test_rows_that_are_not_there_are_refused(row):
    links, values = random_links(0, 5, 20), torch.zeros(4, HIDDEN, dtype=torch.float64)
    features = Repeated(values, torch.full((20,), row))
    convolve = ENGINES["fused"](links, 5)
    with pytest.raises(ValueError, match="rows from 0 to 3"):
        convolve(features, nn.Linear(HIDDEN, HIDDEN).double(), random_parts(5), None)


@pytest.mark.parametrize("width", [HIDDEN - 1, HIDDEN + 1])
@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_norms_of_another_width_are_refused(norm, width):
    layer, e = make_norm(norm, width).double(), torch.zeros(20, HIDDEN, dtype=torch.float64)
    convolve = ENGINES["fused"](random_links(0, 5, 20), 5)
    with pytest.raises(ValueError, match=f"a norm of {width} features"):
        convolve(e, nn.Linear(HIDDEN, HIDDEN).double(), random_parts(5), layer)
    with pytest.raises(ValueError, match=f"20 multiplicities and a norm of {width}"):
        normalised_silu(layer, e, torch.ones(20).double())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": torch.full((20,), 5)}, "members 0 to 4"),
        ({"source": torch.full((20,), -1)}, "members 0 to 4"),
        ({"target": torch.full((20,), 5)}, "members 0 to 4"),
        ({"target": torch.arange(20).flip(0) // 4}, "must be sorted"),
    ],
)
def test_links_that_are_none_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        ENGINES["fused"](replace(random_links(0, 5, 20), **change), 5)


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_threads_work_in_inference_mode_too(small_chunks, norm):
    torch.manual_seed(0)
    graph, parts = random_links(0, 20, 200), random_parts(20)
    project, layer = nn.Linear(HIDDEN, HIDDEN).double(), make_norm(norm, HIDDEN).double().eval()
    e = torch.randn(len(graph), HIDDEN, dtype=torch.float64)
    with torch.inference_mode(), threads_of_torch(3):
        chunked = ENGINES["fused"](graph, 20)(e, project, parts, layer)
    torch.testing.assert_close(chunked, ENGINES["torch"](graph, 20)(e, project, parts, layer))


@pytest.mark.parametrize("mode", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("norm", ["batch", "layer", None])
@pytest.mark.parametrize("repeated", [False, True], ids=["each", "repeated"])
def test_derivatives_are_those_of_finite_differences(small_chunks, norm, mode, repeated):
    torch.manual_seed(0)
    members, links = 6, random_links(0, 6, 25)
    rows = torch.randint(7, (25,)) if repeated else None
    layer = None if norm is None else make_norm(norm, HIDDEN).double().train(mode)
    project = nn.Linear(HIDDEN, HIDDEN).double()
    convolve = ENGINES["fused"](links, members)

    def results(e: Tensor, parts: Tensor, *parameters: Tensor) -> tuple[Tensor, ...]:
        features = e if rows is None else Repeated(e, rows)
        received, updated = convolve(features, project, parts, layer)
        return (received,) if norm is None else (received, expanded(updated))

    e = torch.randn(25 if rows is None else 7, HIDDEN, dtype=torch.float64)
    parameters = [*project.parameters(), *(() if layer is None else layer.parameters())]
    leaves = [leaf.requires_grad_() for leaf in (e, random_parts(members))]
    assert torch.autograd.gradcheck(results, (*leaves, *parameters))


def test_repeated_features_are_their_rows(engine):
    torch.manual_seed(0)
    links, rows = random_links(1, 5, 20), torch.randint(3, (20,))
    project, norm = nn.Linear(HIDDEN, HIDDEN).double(), make_norm("batch", HIDDEN).double()
    values, parts = torch.randn(3, HIDDEN, dtype=torch.float64), random_parts(5)
    convolve = ENGINES[engine](links, 5)
    short = convolve(Repeated(values, rows), project, parts, norm)
    torch.testing.assert_close(short, convolve(values[rows], project, parts, norm))


def assert_engines_agree(name, structures, symmetry, mode):
    if name == "dgl":
        pytest.importorskip("dgl", reason="dgl has no wheel for this Python")
    batch = batch_of(structures, symmetry)
    first, second = (settled(fused(engine=e), batch).train(mode) for e in ("torch", name))
    torch.testing.assert_close(first(batch), second(batch), rtol=1e-5, atol=1e-5)
    assert_same_gradients(gradients(first, batch), gradients(second, batch), 1e-5)


@pytest.mark.parametrize("mode", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("symmetry", [True, False], ids=["reduced", "full"])
@pytest.mark.parametrize("name", OTHERS)
def test_engines_give_the_same_numbers(some_chunks, name, symmetry, mode):
    assert_engines_agree(name, hand_made(), symmetry, mode)


@pytest.mark.slow
@pytest.mark.parametrize("symmetry", [True, False], ids=["reduced", "full"])
@pytest.mark.parametrize("name", OTHERS)
def test_engines_give_the_same_numbers_on_real_crystals(shared, name, symmetry):
    assert_engines_agree(name, real(shared, 30), symmetry, mode=True)


def test_on_a_cpu_the_fused_engine_is_taken():
    links = random_links(0, 5, 20)
    assert ENGINES["auto"](links, 5).__code__ is ENGINES["fused"](links, 5).__code__


def test_an_evaluation_leaves_no_graph_behind(some_chunks):
    batch = batch_of(hand_made())
    network = settled(fused(engine="fused"), batch)
    expected = network(batch).detach()
    with torch.inference_mode():
        torch.testing.assert_close(network(batch), expected)


def test_half_precision_products_stay_near(some_chunks):
    """bfloat16 has 8 significant bits: a product of unit vectors is known to about 2⁻⁸."""
    batch = single(batch_of(hand_made()))
    network = settled(fused(engine="fused").float(), batch)
    exact = network(batch)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = network(batch)
    assert not torch.equal(exact, rounded)
    assert rounded.dtype == torch.float32
    assert (rounded - exact).abs().max() < 2**-7 * exact.abs().max()


@pytest.mark.parametrize(("precision", "digits"), [("high", 14), ("medium", 7)])
def test_products_need_not_be_of_the_highest_precision(some_chunks, precision, digits):
    """With AMX alone, in links and members, forwards and backwards."""
    batch = single(batch_of(hand_made()))
    network = settled(fused(engine="fused").float(), batch)

    def told():
        output = network(batch)
        return [output, *torch.autograd.grad(output.sum(), list(network.parameters()))]

    exact = told()
    torch.set_float32_matmul_precision(precision)
    try:
        found = told()
    finally:
        torch.set_float32_matmul_precision("highest")
    for one, other in zip(found, exact, strict=True):
        assert (one - other).abs().max() <= 2**-digits * max(1, other.abs().max())
    assert torch.equal(found[0], exact[0]) != HAS_TILES


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_without_links_the_norm_has_a_gradient_of_zero(engine, norm):
    """Not none: an optimizer would then treat the parameters otherwise than with other batches."""
    links, layer = random_links(0, 3, 0), make_norm(norm, HIDDEN).double()
    e = torch.zeros(0, HIDDEN, dtype=torch.float64)
    project, parts = nn.Linear(HIDDEN, HIDDEN).double(), random_parts(3)
    taken, updated = ENGINES[engine](links, 3)(e, project, parts, layer)
    (taken.sum() + updated.sum()).backward()
    assert not layer.weight.grad.any()
    assert not layer.bias.grad.any()


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_a_norm_changed_between_forward_and_backward_is_refused(norm):
    links, layer = random_links(0, 6, 25), make_norm(norm, HIDDEN).double()
    e = torch.randn(25, HIDDEN, dtype=torch.float64, requires_grad=True)
    project = nn.Linear(HIDDEN, HIDDEN).double()
    _, updated = ENGINES["fused"](links, 6)(e, project, random_parts(6), layer)
    with torch.no_grad():
        layer.weight += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        updated.sum().backward()


def test_links_out_of_order_are_refused():
    links = random_links(0, 6, 25)
    links.target = links.target.flip(0)
    with pytest.raises(ValueError, match="sorted by target"):
        ENGINES["fused"](links, 6)


def test_without_dgl_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "dgl", None)  # what an absent package looks like to `import`
    with pytest.raises(InfeasibleConfig, match=r"pip install dgl==1.1.3.*model.engine=torch"):
        fused(engine="dgl")


def test_an_unknown_engine_is_named_with_the_choices():
    with pytest.raises(InfeasibleConfig, match=r"model\.engine=cuda.*auto, fused, torch, dgl"):
        fused(engine="cuda")


def test_many_threads_do_not_multiply_the_memory(small_chunks, monkeypatch):
    """Backwards, sums of their own take at most four times what the links take, or two shares."""
    held: list[RowSums] = []
    derivatives = ProductsOfDistinct.derivatives

    def counted(products):
        held.append(products._dproducts)
        return derivatives(products)

    monkeypatch.setattr(ProductsOfDistinct, "derivatives", counted)
    torch.manual_seed(0)
    members, links, project = 15, random_links(0, 15, 400), nn.Linear(HIDDEN, HIDDEN).double()
    anywhere, in_order = torch.randint(380, (400,)), torch.arange(400) * 380 // 400
    for rows, shares_held in (
        (anywhere, 2),
        (anywhere // 5, 8),
        (in_order, 16),
        (in_order * 0, 16),
    ):
        held.clear()
        values = torch.randn(380, HIDDEN, dtype=torch.float64, requires_grad=True)
        with threads_of_torch(16):
            convolve = ENGINES["fused"](links, members)
            received, _ = convolve(Repeated(values, rows), project, random_parts(members), None)
            received.sum().backward()
        (sums,) = held
        assert len(sums.layout.owned) - 1 == pytest.approx(shares_held, abs=1)
        assert len(sums.layout.owned) == 3 or 2 * (len(sums.sums) - len(values)) <= 4 * len(rows)
