"""Gates on links, and sums over the links that end at a member.

Links come sorted by target; those of target first + i are the rows starts[i] … starts[i + 1] - 1.
Members give three rows each: s, t and v are parts[:, 0], parts[:, 1] and parts[:, 2].
The loops over features are functions of their own, and where a function of a number is long, two
loops do what one could: the processor then works on more numbers at a time.
"""

from typing import no_type_check

import numpy as np

from trialsmith.models.kernels.ahead import ask_for_row_after
from trialsmith.models.kernels.compiled import exponential, inlined, kernel
from trialsmith.models.kernels.rows import add_to


@kernel
@no_type_check
def sum_at_targets(m, bias, parts, source, first, starts, weight, eps, r, d):
    """m += sⱼ + tᵢ + b, dᵢ = Σⱼ w σ(m) + ε, rᵢ = Σⱼ w σ(m) ⊙ vⱼ / dᵢ.

    r and d are of the targets alone. m, r and d are written.
    """
    inverse, tb = np.empty(m.shape[1], m.dtype), np.empty(m.shape[1], m.dtype)
    for i in range(len(starts) - 1):
        _add(parts[first + i, 1], bias, tb)
        d[i] = eps
        r[i] = 0
        for k in range(starts[i], starts[i + 1]):
            j = source[k]
            _add_both(m[k], parts[j, 0], tb, inverse)
            _open(inverse, weight[k], parts[j, 2], r[i], d[i])
        _divide(r[i], d[i])


@kernel
@no_type_check
def differentiate_gates(m, parts, source, places, starts, weight, dr, r, d, dm, dparts):
    """With q = w σ(m) ⊙ r̄ᵢ / dᵢ:  m̄ = q ⊙ (1 - σ(m)) ⊙ (vⱼ - rᵢ),  v̄ⱼ += q.

    dr, r and d are of the targets alone. dm and dparts, in the sources' places, are written.
    """
    q, n = np.empty(m.shape[1], m.dtype), np.empty(m.shape[1], m.dtype)
    for i in range(len(starts) - 1):
        n[:] = dr[i]
        _divide(n, d[i])
        for k in range(starts[i], starts[i + 1]):
            ask_for_row_after(m, k)
            _invert(m[k], q)
            _differentiate(q, n, weight[k], parts[source[k], 2], r[i], dm[k])
            add_to(dparts[places[k], 2], q)


@kernel
@no_type_check
def send(dm, places, first, starts, dparts, dbias):
    """s̄ⱼ += Σᵢ m̄,  t̄ᵢ += Σⱼ m̄,  b̄ += Σᵢ t̄ᵢ, with all links of each target."""
    here = np.zeros_like(dbias)  # a sum of sums is more exact than one of all numbers
    for i in range(len(starts) - 1):
        dt = dparts[first + i, 1]
        for k in range(starts[i], starts[i + 1]):
            add_to(dt, dm[k])
            add_to(dparts[places[k], 0], dm[k])
        add_to(here, dt)
    add_to(dbias, here)


@kernel
@no_type_check
def add_rows(x, rows, total):
    """total[rows[n]] += x[n]"""
    for k in range(len(x)):
        add_to(total[rows[k]], x[k])


@inlined
@no_type_check
def _add_both(m, s, t, inverse):
    """m += s + t, and e⁻ᵐ, of which the gate is made."""
    for h in range(len(m)):
        m[h] += s[h] + t[h]
        inverse[h] = exponential(-m[h])


@inlined
@no_type_check
def _open(inverse, weight, v, r, d):
    """d += w σ(m), r += w σ(m) ⊙ v"""
    one = type(inverse[0])(1)
    for h in range(len(inverse)):
        gate = weight / (one + inverse[h])
        d[h] += gate
        r[h] += gate * v[h]


@inlined
@no_type_check
def _invert(m, inverse):
    """e⁻ᵐ"""
    for h in range(len(m)):
        inverse[h] = exponential(-m[h])


@inlined
@no_type_check
def _differentiate(q, n, weight, v, r, dm):
    """q comes as e⁻ᵐ."""
    one = type(q[0])(1)
    for h in range(len(q)):
        gate = one / (one + q[h])
        q[h] = weight * gate * n[h]
        dm[h] = (q[h] - q[h] * gate) * (v[h] - r[h])


@inlined
@no_type_check
def _divide(r, d):
    for h in range(len(r)):
        r[h] /= d[h]


@inlined
@no_type_check
def _add(x, y, out):
    for h in range(len(x)):
        out[h] = x[h] + y[h]
