"""A photograph finds its nearest sitter, on whom all sliders work then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from PIL import Image
from torch import Tensor

from smart import images, sitters
from smart.gan import projector
from smart.gan.face_frame import FaceFinder, Frame, crop
from smart.networks import feature_network, generator
from smart.options import FACES, SamplingOptions
from smart.progress import OnProgress, ignore

LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
FRAME_LAYERS = ("relu3_3",)
SMALLEST = 64  # px a side of a photograph
_REMEDY = "give one in which a face looks at you, or set the frame around it yourself"


@dataclass(frozen=True)
class Found:
    """Who was found: options whose sitter it is, how near (0..1), and whether it was stopped."""

    options: SamplingOptions
    nearness: float
    stopped: bool

    @property
    def words(self) -> str:
        """What to say of it."""
        near = f"{100 * self.nearness:.0f} % of the way from the average face"
        if self.stopped:
            return f"The sitter as far as the search came: {near}."
        if self.nearness < projector.LITTLE:
            return f"Hardly a likeness ({near}); {_REMEDY}."
        return f"The nearest sitter: {near}."


def frame_of(photo: Image.Image) -> Frame:
    """The square around the face in a photograph, laid as sitters are; Frame.found says whether.

    Raises ValueError for one that is too small.
    """
    return _finder().find(images.to_tensor(_large_enough(photo)))


def face_in(picture: Image.Image) -> Frame:
    """frame_of for any picture, however small; what training images are cut with.

    Raises ValueError below 32 px a side.
    """
    return _finder().find(images.to_tensor(picture.convert("RGB")))


def find(photo: Image.Image, frame: Frame | None = None, on_progress: OnProgress = ignore) -> Found:
    """The sitter of the bundled generator who is nearest to the face in frame (None: found).

    Under two minutes on two cores; Cancelled ends it with who was found by then. Nothing of the
    photograph is kept. Raises ValueError where no face is found, and as frame_of does.
    """
    photo = _large_enough(photo)
    if frame is None:
        frame = frame_of(photo)
        if not frame.found:
            raise ValueError(f"There is no face to be found in the photograph; {_REMEDY}.")
    network = generator(FACES)
    target = crop(images.to_tensor(photo), frame, projector.TARGET)
    found = projector.project(target.to(network.w_mean), network, _seen(LAYERS), on_progress)
    options = SamplingOptions(likeness=sitters.encode(found.w_plus))
    return Found(options, found.nearness, found.stopped)


def _large_enough(photo: Image.Image) -> Image.Image:
    if min(photo.size) < SMALLEST:
        raise ValueError(
            f"The photograph has only {photo.width} x {photo.height} px; give one of at least "
            f"{SMALLEST} px a side."
        )
    return photo.convert("RGB")


@lru_cache(maxsize=1)
def _finder() -> FaceFinder:
    return FaceFinder(_seen(FRAME_LAYERS), generator(FACES))


def _seen(layers: Sequence[str]) -> projector.Features:
    # The bundled network, also where a larger one is: FOUND and LITTLE were measured with it.
    network = feature_network("vgg16")

    def features(picture: Tensor) -> list[Tensor]:
        with torch.enable_grad() if picture.requires_grad else torch.no_grad():
            found = network(picture.to(network.device), layers)
        return [found[layer] for layer in layers]

    return features
