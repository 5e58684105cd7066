"""Contrastive alignment: a crystal's two vectors should find each other among others."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from trialsmith.errors import InfeasibleConfig
from trialsmith.fusion.projection import ProjectionHead
from trialsmith.fusion.states import TextStates


class Alignment(nn.Module):
    """An additional loss, the symmetric InfoNCE between the vectors of graph and text.

        g = P_g(readout),   t = P_t(pooled),   s_ij = cos(g_i, t_j) / τ
        loss = weight · mean_i of -½ log softmax_j(s_ij)_i - ½ log softmax_j(s_ji)_i

    over the crystals of the batch that have a text. A. van den Oord et al., arXiv 1807.03748;
    symmetric as in A. Radford et al., arXiv 2103.00020. P: `ProjectionHead`, apart from those of
    late fusion, so that alignment goes with every fusion.

    Args:
        atom_features: width of the readout.
        text_features: width of the pooled state.
        weight: of this loss beside that of the predictions.
        temperature: τ.
        projection_features: width of g and t.
        dropout: probability, in P.
        use: False leaves the whole part out.

    Raises:
        InfeasibleConfig: τ is not positive.
    """

    def __init__(
        self,
        atom_features: int,
        text_features: int,
        weight: float = 0.1,
        temperature: float = 0.1,
        projection_features: int = 64,
        dropout: float = 0.1,
        use: bool = True,
    ) -> None:
        super().__init__()
        self.use = use
        self.atom_features, self.text_features = atom_features, text_features
        if not use:
            return
        if temperature <= 0:
            raise InfeasibleConfig(
                f"fusion.alignment.temperature={temperature} must be positive, such as 0.1"
            )
        self.weight, self.temperature = weight, temperature
        self.graph = ProjectionHead(atom_features, projection_features, dropout)
        self.text = ProjectionHead(text_features, projection_features, dropout)

    def forward(
        self, readout: Float[Tensor, "crystals hidden"], text: TextStates
    ) -> Float[Tensor, ""]:
        graph = normalize(self.graph(readout[text.present]), dim=1)
        words = normalize(self.text(text.pooled[text.present]), dim=1)
        scores = graph @ words.T / self.temperature
        if len(scores) == 0:  # a mean over nothing would be NaN
            return self.weight * scores.sum()
        own = torch.arange(len(scores), device=scores.device)
        return self.weight * (cross_entropy(scores, own) + cross_entropy(scores.T, own)) / 2
