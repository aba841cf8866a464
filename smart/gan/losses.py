"""What generator and critic learn from: a relativistic pairing loss with two gradient penalties.

Huang et al. 2024, "The GAN is dead; long live the GAN!" (R3GAN, arXiv 2501.05441). Each real
picture is compared with one generated picture, so the critic cannot win by calling everything
false, and the penalties on both kinds make training converge without further tricks.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Mean of log(1 + exp(-(D(real) - D(fake)))), logits [N] and [N] in pairs."""
    return F.softplus(fake - real).mean()


def generator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """The same with the sides changed: the generated picture should look more real."""
    return F.softplus(real - fake).mean()


def gradient_penalty(logits: Tensor, pictures: Tensor) -> Tensor:
    """Squared length of the critic's gradient at each of pictures [N, 3, H, W]: [N] (R1 or R2).

    Mescheder et al. 2018 (arXiv 1801.04406). pictures must require gradients; the result can be
    differentiated again.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), pictures, create_graph=True)
    return gradient.float().square().sum((1, 2, 3))
