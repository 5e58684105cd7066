"""Gates on links, and sums over the links that end at a member.

Links come sorted by target; those of target i are the rows starts[i] … starts[i + 1] - 1.
The loops over features are functions of their own: a compiler makes vector instructions of loops
with few arrays.
"""

from typing import no_type_check

import numpy as np

from trialsmith.models.kernels.compiled import kernel, sigmoid
from trialsmith.models.kernels.rows import add_product


@kernel
@no_type_check
def sum_at_targets(m, s, t, v, source, starts, weight, eps, r, d):
    """m += sⱼ + tᵢ, dᵢ = Σⱼ w σ(m) + ε, rᵢ = Σⱼ w σ(m) ⊙ vⱼ / dᵢ.

    m, s, v are of links and members, t, r, d of the targets alone. m, r and d are written.
    """
    gate = np.empty_like(m[:1])[0] if len(m) else np.empty_like(s[0])
    for i in range(len(starts) - 1):
        d[i] = eps
        r[i] = 0
        for k in range(starts[i], starts[i + 1]):
            j = source[k]
            _add_both(m[k], s[j], t[i])
            _open(m[k], weight[k], gate, d[i])
            add_product(r[i], gate, v[j])
        _divide(r[i], d[i])


@kernel
@no_type_check
def differentiate_gates(m, n, r, v, source, starts, weight, dm, dv):
    """With q = w σ(m) ⊙ nᵢ:  m̄ = q ⊙ (1 - σ(m)) ⊙ (vⱼ - rᵢ),  v̄ⱼ += q.

    n = r̄ / d, and n and r are of the targets alone. dm and dv are written.
    """
    q = np.empty_like(m[:1])[0] if len(m) else np.empty_like(v[0])
    for i in range(len(starts) - 1):
        for k in range(starts[i], starts[i + 1]):
            j = source[k]
            _gate_slopes(m[k], n[i], weight[k], q, dm[k])
            _multiply_difference(dm[k], v[j], r[i])
            _add(dv[j], q)


@kernel
@no_type_check
def send(dm, source, starts, ds, dt):
    """s̄ⱼ += Σᵢ m̄,  t̄ᵢ = Σⱼ m̄; dt is of the targets alone."""
    for i in range(len(starts) - 1):
        dt[i] = 0
        for k in range(starts[i], starts[i + 1]):
            _add(dt[i], dm[k])
            _add(ds[source[k]], dm[k])


@kernel
@no_type_check
def add_rows(x, rows, total):
    """total[rows[n]] += x[n]"""
    for k in range(len(x)):
        _add(total[rows[k]], x[k])


@kernel
@no_type_check
def _add_both(m, s, t):
    for h in range(len(m)):
        m[h] += s[h] + t[h]


@kernel
@no_type_check
def _open(m, weight, gate, d):
    for h in range(len(m)):
        gate[h] = weight * sigmoid(m[h])
        d[h] += gate[h]


@kernel
@no_type_check
def _divide(r, d):
    for h in range(len(r)):
        r[h] /= d[h]


@kernel
@no_type_check
def _gate_slopes(m, n, weight, q, dm):
    for h in range(len(m)):
        gate = sigmoid(m[h])
        q[h] = weight * gate * n[h]
        dm[h] = q[h] - q[h] * gate


@kernel
@no_type_check
def _multiply_difference(dm, v, r):
    for h in range(len(dm)):
        dm[h] *= v[h] - r[h]


@kernel
@no_type_check
def _add(total, x):
    for h in range(len(total)):
        total[h] += x[h]
