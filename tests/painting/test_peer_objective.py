"""Our objective with neural-style-pt's weights is its own: its formula, in plain torch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks import neural_style, peers
from smart.painting.contract import Scene, StyleImage
from smart.painting.objective import Objective
from smart.painting.vgg import VGG
from tests.painting.test_optimization import noise, smooth

STYLE_AT, CONTENT_AT = (1, 6, 11, 18, 25), 20  # relu1_1 ... relu5_1, relu4_2 of VGG-16


def features(picture: Tensor) -> dict[int, Tensor]:
    std = torch.tensor((0.229, 0.224, 0.225)).view(1, 3, 1, 1)
    x = (picture - torch.tensor(peers.CAFFE_MEAN).view(1, 3, 1, 1) / 255) / std
    found = {}
    with torch.no_grad():
        for index, layer in enumerate(peers._features()):
            if index == 0:  # what it subtracts is not quite what the network was trained with
                shift = torch.tensor(peers.CAFFE_MEAN) / 255 - torch.tensor((0.485, 0.456, 0.406))
                constant = (layer.weight * (shift / std.flatten()).view(1, 3, 1, 1)).sum((1, 2, 3))
                x = layer(x) + constant.view(1, -1, 1, 1)
            else:
                x = layer(x)
            found[index] = x
    return found


def gram(x: Tensor) -> Tensor:
    flat = x.flatten(2)[0]
    return flat @ flat.T / x.numel()


def formula(picture: Tensor, sitter: Tensor, painting: Tensor) -> float:
    """5 content + 100 style, without total variation."""
    own, content, style = (features(each) for each in (picture, sitter, painting))
    value = 5 * F.mse_loss(own[CONTENT_AT], content[CONTENT_AT])
    for index in STYLE_AT:
        value = value + 100 * F.mse_loss(gram(own[index]), gram(style[index]))
    return float(value)


def test_ours_is_its_formula(vgg16: VGG) -> None:
    sitter, painting = smooth(96, 96), noise(1, 3, 64, 96, seed=1)
    stroke = (64 / 96) ** 0.5  # the painting as it is: its longer side is the sitter's
    options = neural_style.OPTIONS.replace(size=96, stroke_size=stroke)
    scene = Scene(sitter, [StyleImage(painting)])
    for seed in (2, 3):
        picture = sitter * 0.6 + 0.3 * noise(1, 3, 96, 96, seed=seed)
        expected = formula(picture, sitter, painting)
        with neural_style.its_frame():
            objective = Objective(vgg16, scene, options, neural_style.WEIGHTING)
            value = neural_style.FACTOR * objective(picture)[0].item()
        assert value == pytest.approx(expected, rel=1e-3)
