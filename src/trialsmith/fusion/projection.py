"""From a modality's own width to the one that both share."""

from jaxtyping import Float
from torch import Tensor, nn


class ProjectionHead(nn.Module):
    """p = W x;  LN(p + Drop(FC(GELU(p))))."""

    def __init__(self, features: int, projection_features: int, dropout: float) -> None:
        super().__init__()
        self.project = nn.Linear(features, projection_features)
        self.refine = nn.Sequential(
            nn.GELU(), nn.Linear(projection_features, projection_features), nn.Dropout(dropout)
        )
        self.norm = nn.LayerNorm(projection_features)

    def forward(self, x: Float[Tensor, "rows features"]) -> Float[Tensor, "rows projection"]:
        p = self.project(x)
        return self.norm(p + self.refine(p))
