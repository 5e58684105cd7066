"""As what the factors of a product are multiplied: as they are, or as numbers of bfloat16.

A number of single precision is the sum of three of bfloat16, x = x₁ + x₂ + x₃, with x₁ the nearest
to x, x₂ the nearest to x - x₁, and x₃ the rest. So

    x y ≈ x₁ y₁ + (x₁ y₂ + x₂ y₁) + (x₂ y₂ + x₁ y₃ + x₃ y₁)

is known to 2⁻²⁴, as if it were rounded to single precision; without the last three to 2⁻¹⁵, and
mostly to 2⁻¹⁷. Sums of products are of single precision. AMX, a processor's unit for products of
matrices, knows bfloat16, and takes less time for six such products than vector units for one of
single precision. G. Henry, P. T. P. Tang, A. Heinecke, arXiv 1904.06376.

So it is with factors and products between 10⁻³⁰ and 10³⁸: smaller ones may become zero, greater
and infinite ones what is not a number.
"""

import torch
from torch import Tensor

from trialsmith.models.kernels import HAS_TILES


def parts_of_factors(x: Tensor) -> int:
    """Of how many numbers of bfloat16 each factor of a product with x is the sum, in kernels for
    CPUs; 0: of none, it is taken as it is.

    One under autocast to bfloat16. On a processor with AMX three, as exact as x itself; two where
    products need not be of the highest precision, `torch.set_float32_matmul_precision("high")`, and
    one where it may be "medium": as PyTorch documents it for those devices that can.
    """
    if x.dtype == torch.float64:
        return 0
    if torch.is_autocast_enabled("cpu"):
        return int(torch.get_autocast_dtype("cpu") == torch.bfloat16)
    if x.dtype != torch.float32 or not HAS_TILES:
        return 0
    return {"highest": 3, "high": 2, "medium": 1}[_precision()]


def _precision() -> str:
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:  # it was set for each backend by itself, and is no one word
        return "highest"
