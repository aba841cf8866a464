"""Arbitrary image stylization: a painter in one pass, for any painting and any picture.

Ghiasi et al. 2017, "Exploring the structure of a real-time, arbitrary neural artistic stylization
network" (arXiv 1705.06830), in Magenta's small variant. A style network writes a painting down as
100 numbers, its code; a transformer paints a picture with the scales and shifts that the code
gives to its instance norms. Codes can be mixed and interpolated: those are the pure functions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from smart import weights
from smart.images import resize
from smart.weights import WeightsError

ARCHITECTURE = "stylization"
STYLE_SIZE = 256  # px a side, what the style network was trained on
SMALLEST = 16  # px a side; below that the deepest layers have nothing left to mirror
NORM_EPSILON = 1e-5
# MobileNet-v2's rows (Sandler et al. 2018, table 2): expansion, channels, blocks, first stride.
MOBILENET_ROWS = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
    (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip
_STEM, _LAST = 32, 1280


def mix(codes: Tensor, shares: Sequence[float]) -> Tensor:
    """Several painters in one: codes [K, D] and K shares -> the weighted mean code [1, D].

    Shares are divided by their sum. Raises ValueError for another number of shares than codes,
    one that is negative or not finite, or a sum of zero.
    """
    if codes.ndim != 2 or len(codes) != len(shares):
        raise ValueError(
            f"There are {len(shares)} weights for codes of the shape {list(codes.shape)}; "
            "give one weight for each painter."
        )
    if not all(math.isfinite(share) and share >= 0 for share in shares):
        raise ValueError(f"The weights are {list(shares)}; give numbers from 0 upward.")
    total = math.fsum(shares)
    if total == 0:
        raise ValueError("The weights of all painters are 0; give at least one of them more.")
    return codes.new_tensor([[share / total for share in shares]]) @ codes


def strengthen(own_code: Tensor, style_code: Tensor, strength: float) -> Tensor:
    """From the picture's own code [N, D] (strength 0) to the painter's (1), in a straight line.

    own_code is the code of the content itself, as in Ghiasi et al.: painted with it a picture
    keeps about its own look. Raises ValueError for a strength beyond 0..1.
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"The strength is {strength}; give a number from 0 to 1.")
    return torch.lerp(own_code, style_code.expand_as(own_code), float(strength))


def _rectify(x: Tensor) -> Tensor:
    """ReLU, in place where no gradient is wanted."""
    return F.relu(x, inplace=not x.requires_grad)


def _mirrored(x: Tensor, margin: int) -> Tensor:
    return F.pad(x, (margin,) * 4, mode="reflect")


class Bottleneck(nn.Module):
    """MobileNet-v2's inverted residual: expand, depthwise 3 x 3, project; batch norms folded in."""

    def __init__(self, channels_in: int, channels: int, expansion: int, stride: int) -> None:
        super().__init__()
        inner = channels_in * expansion
        self.expand = nn.Conv2d(channels_in, inner, 1) if expansion > 1 else None
        self.depthwise = nn.Conv2d(inner, inner, 3, stride, groups=inner)
        self.project = nn.Conv2d(inner, channels, 1)
        self.residual = stride == 1 and channels_in == channels

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, h, w] -> [N, C', h / stride, w / stride]."""
        y: Tensor = x if self.expand is None else F.relu6(self.expand(x))
        y = F.relu6(self.depthwise(_same(y, self.depthwise.stride[0])))
        y = self.project(y)
        return y + x if self.residual else y


def _same(x: Tensor, stride: int) -> Tensor:
    """Zeros for a 3 x 3 kernel as TensorFlow's SAME pads an even side: behind only at stride 2."""
    return F.pad(x, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))


class StyleNetwork(nn.Module):
    """MobileNet-v2 without its classifier, then a linear map: a painting -> its code."""

    def __init__(self, code_size: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, _STEM, 3, 2)
        blocks, previous = [], _STEM
        for expansion, channels, repeats, stride in MOBILENET_ROWS:
            for index in range(repeats):
                blocks.append(Bottleneck(previous, channels, expansion, 1 if index else stride))
                previous = channels
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Conv2d(previous, _LAST, 1)
        self.code = nn.Linear(_LAST, code_size, bias=False)

    def forward(self, style: Tensor) -> Tensor:
        """[N, 3, 256, 256] in 0..1 -> [N, D]."""
        x = F.relu6(self.stem(_same(style, 2)))
        x = F.relu6(self.last(self.blocks(x)))
        code: Tensor = self.code(x.mean((2, 3)))
        return code


class StyledConv(nn.Module):
    """Mirrored padding, a convolution, an instance norm whose scale and shift the code gives."""

    def __init__(self, channels_in: int, channels: int, kernel: int, code_size: int) -> None:
        super().__init__()
        # No bias: the norm would take it away again.
        self.conv = nn.Conv2d(channels_in, channels, kernel, bias=False)
        self.scale = nn.Linear(code_size, channels)
        self.shift = nn.Linear(code_size, channels)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """x [N, C, h, w], code [N, D] -> [N, C', h, w]."""
        y = self.conv(_mirrored(x, self.conv.kernel_size[0] // 2))
        variance, mean = torch.var_mean(y, (2, 3), correction=0)  # (N, C')
        factor = self.scale(code) * torch.rsqrt(variance + NORM_EPSILON)
        offset = self.shift(code) - mean * factor
        return torch.addcmul(offset[:, :, None, None], y, factor[:, :, None, None])


class ResidualBlock(nn.Module):
    """Two styled convolutions 3 x 3 beside the identity."""

    def __init__(self, channels: int, code_size: int) -> None:
        super().__init__()
        self.conv1 = StyledConv(channels, channels, 3, code_size)
        self.conv2 = StyledConv(channels, channels, 3, code_size)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        y: Tensor = self.conv2(_rectify(self.conv1(x, code)), code)
        return y + x


class Transformer(nn.Module):
    """Paints a picture with a code: contract to a quarter, residual blocks, expand, sigmoid."""

    def __init__(self, code_size: int, widths: Sequence[int], residual_blocks: int) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.contract = nn.ModuleList([
            nn.Conv2d(3, fine, 9), nn.Conv2d(fine, middle, 3, 2), nn.Conv2d(middle, coarse, 3, 2)
        ])  # fmt: skip
        self.residual = nn.ModuleList(
            ResidualBlock(coarse, code_size) for _ in range(residual_blocks)
        )
        self.expand = nn.ModuleList([
            StyledConv(coarse, middle, 3, code_size), StyledConv(middle, fine, 3, code_size),
            StyledConv(fine, 3, 9, code_size),
        ])  # fmt: skip

    def forward(self, content: Tensor, code: Tensor) -> Tensor:
        """content [N, 3, H, W] in 0..1, code [N, D] -> [N, 3, H, W] in 0..1."""
        x, sides = content, []
        for conv, margin in zip(self.contract, (4, 1, 1), strict=True):
            x = _rectify(conv(_mirrored(x, margin)))
            sides.append(x.shape[-2:])
        for block in self.residual:
            x = block(x, code)
        for conv, (height, width) in zip(self.expand[:2], sides[1::-1], strict=True):
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            # An odd side was rounded up on the way down; place i still lies over place i.
            x = _rectify(conv(x[:, :, :height, :width], code))
        return torch.sigmoid(self.expand[2](x, code))


class Stylizer(nn.Module):
    """Both networks: `stylizer.transform(content, stylizer.encode(painting))`.

    Frozen as load_stylizer returns it; with requires_grad_() it can be trained further.
    """

    def __init__(self, code_size: int, widths: Sequence[int], residual_blocks: int) -> None:
        super().__init__()
        self.code_size = code_size
        self.style = StyleNetwork(code_size)
        self.transformer = Transformer(code_size, widths, residual_blocks)

    @classmethod
    def from_tensors(cls, arguments: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        """The network that config.json's arguments describe, with these weights, frozen.

        Raises WeightsError when an argument is missing or not sensible, or when the tensors'
        names or shapes differ from what the arguments call for.
        """
        remedy = "restore the folder from where it came"
        arguments = arguments if isinstance(arguments, Mapping) else {}
        widths = arguments.get("widths")
        numbers = [arguments.get("code_size"), arguments.get("residual_blocks")]
        numbers += widths if isinstance(widths, list) and len(widths) == 3 else [None]
        if not all(type(number) is int and 0 < number <= 1024 for number in numbers):
            raise WeightsError(
                "config.json has to give code_size, residual_blocks and three widths as whole "
                f"numbers up to 1024 for stylization; {remedy}."
            )
        with torch.device("meta"):
            network = cls(arguments["code_size"], arguments["widths"], arguments["residual_blocks"])
        weights.require_tensors(network.state_dict(), tensors, ARCHITECTURE)
        network.load_state_dict(tensors, assign=True)
        return network.requires_grad_(False).eval().to(memory_format=torch.channels_last)

    def encode(self, style: Tensor) -> Tensor:
        """The code [N, D] of paintings [N, 3, H, W] in 0..1, of any size.

        A picture is brought to 256 x 256 px as a whole. Raises ValueError for another shape.
        """
        style = self._picture(style, "style")
        code: Tensor = self.style(_channels_last(resize(style, STYLE_SIZE, STYLE_SIZE)))
        return code

    def transform(self, content: Tensor, code: Tensor) -> Tensor:
        """content [N, 3, H, W] in 0..1, painted with code [N, D] or [1, D] -> the same shape.

        Sides may be of any length from 16 px; strokes are about as wide at every size, so that
        a larger picture is painted finer. Raises ValueError for other shapes.
        """
        content = self._picture(content, "content")
        code = code.to(content)
        if code.ndim != 2 or code.shape[1] != self.code_size or len(code) not in (1, len(content)):
            raise ValueError(
                f"The code has the shape {list(code.shape)}; "
                f"pass [{len(content)}, {self.code_size}]."
            )
        painted: Tensor = self.transformer(_channels_last(content), code.expand(len(content), -1))
        return painted.contiguous()

    def _picture(self, image: Tensor, name: str) -> Tensor:
        if image.ndim != 4 or image.shape[1] != 3 or min(image.shape[-2:]) < SMALLEST:
            raise ValueError(
                f"The {name} has the shape {list(image.shape)}; "
                f"pass [N, 3, H, W] with sides of at least {SMALLEST} px."
            )
        return image.to(self.style.code.weight)


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def load_stylizer(name: str | Path = "stylization", device: torch.device | str = "cpu") -> Stylizer:
    """The stylization network of a folder, a name in weights/ or a Hub id, frozen, on device.

    Raises WeightsError when it is missing, damaged or of another architecture.
    """
    folder = weights.find(name)
    config = weights.read_config(folder)
    if config["architecture"] != ARCHITECTURE:
        raise WeightsError(
            f"{folder.name} holds a {config['architecture']!r}, no stylization network; "
            "use stylization."
        )
    tensors = weights.read_tensors(folder)
    return Stylizer.from_tensors(config.get("arguments", {}), tensors).to(device)
