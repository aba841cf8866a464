"""The bundled face generator."""

from __future__ import annotations

import pytest

from smart.gan.mobile_stylegan import MobileStyleGAN


@pytest.fixture(scope="session")
def faces() -> MobileStyleGAN:
    """The bundled generator on the CPU."""
    from smart.gan.generator import load_generator

    generator = load_generator("faces")
    assert isinstance(generator, MobileStyleGAN)
    return generator
