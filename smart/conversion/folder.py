"""What the conversions of other people's generators share: the folder they write, the command."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from smart.images import atomic
from smart.weights import CONFIG, MODEL, WeightsError

DTYPES = {"float16": torch.float16, "float32": torch.float32}
UNSTATED = "not stated; ask whoever trained it before you share the weights or their pictures"
# What is small and enters everything, or spans many magnitudes, is not worth halving.
_KEEP_FLOAT32 = ("w_mean", "noise_strength")
_CARD = """---
license: other
license_name: see-below
pipeline_tag: unconditional-image-generation
library_name: smart
---
# {name}: {title}

{what}

- **Source**: {source}
- **Licence**: {licence}

Both lines stand here as they were given to the conversion; correct them before you share the
folder. What the generator was trained on has a licence of its own, and people shown in it have
rights.

## Files
- `config.json`: the architecture's name and its arguments.
- `model.safetensors`: {count} tensors, {dtype}{kept}.

## How it was made
    python -m smart.conversion.{module} {file} --out {out} --dtype {dtype}

Nothing in the file was executed. Factors of layers and normalisation in use are folded in.

## Use
    from smart.gan.generator import load_generator
    from smart.gan.latents import seed_latents, truncate

    generator = load_generator("{name}")
    w = generator.map(seed_latents([6], generator.z_dim))
    picture = generator.synthesize(truncate(w, generator.w_mean, 0.7))  # [1, 3, {side}, {side}]
"""

Convert = Callable[[Path, Path, str, str, str], None]


def stored(tensors: Mapping[str, Tensor], dtype: str) -> dict[str, Tensor]:
    """The tensors as they are saved: contiguous, in dtype, apart from the few kept in float32.

    Raises ValueError for another dtype than those of DTYPES, WeightsError for numbers that are not
    finite or that dtype cannot hold.
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype {dtype!r} is not known; choose one of {', '.join(DTYPES)}.")
    made = {}
    for name, tensor in tensors.items():
        kept = name.endswith(_KEEP_FLOAT32)
        made[name] = tensor.to(torch.float32 if kept else DTYPES[dtype]).contiguous()
        if not tensor.isfinite().all():
            raise WeightsError(
                f"{name} holds numbers that are not finite; choose another snapshot."
            )
        if not made[name].isfinite().all():
            raise WeightsError(f"{name} is too large for {dtype}; pass --dtype float32.")
    return made


def write_folder(
    out: Path,
    file: Path,
    module: str,
    title: str,
    what: str,
    side: int,
    dtype: str,
    config: Mapping[str, object],
    tensors: Mapping[str, Tensor],
) -> None:
    """Write config.json, model.safetensors and the card README.md into out; config.json the last,
    as it is what makes a folder one of weights. file and module say in the card how it was made.

    Raises ValueError when out cannot be written.
    """
    from safetensors.torch import save

    model = save(dict(tensors), {"format": "pt"})
    kept = any(name.endswith("noise_strength") for name in tensors)
    card = _CARD.format(
        name=out.resolve().name,
        title=title,
        what=what,
        source=config["source"],
        licence=config["licence"],
        count=len(tensors),
        dtype=dtype,
        kept=" (`w_mean` and the noise strengths float32)" if kept and dtype == "float16" else "",
        module=module,
        file=file.name,
        out=out.name,
        side=side,
    )
    text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"{out} cannot be made ({error.strerror}); choose another folder."
        ) from error
    for name, content in ((MODEL, model), ("README.md", card.encode()), (CONFIG, text.encode())):
        with atomic(out / name) as temporary:
            temporary.write_bytes(content)


def command(
    convert: Convert, module: str, description: str, arguments: list[str] | None = None
) -> int:
    """The command line of a conversion: says what was written; 2 when the file is refused."""
    parser = argparse.ArgumentParser(
        prog=f"python -m smart.conversion.{module}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="such as weights/my-faces")
    parser.add_argument("--licence", default=UNSTATED, help="of the weights, for the card")
    parser.add_argument("--source", default="", help="where the file is from, for the card")
    parser.add_argument("--dtype", choices=DTYPES, default="float16", help="%(default)s")
    options = parser.parse_args(arguments)
    source = options.source or f"{options.file.name}, origin not stated"
    try:
        convert(options.file, options.out, options.licence, source, options.dtype)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    size = (options.out / MODEL).stat().st_size / 1e6
    print(f"{options.out / MODEL}: {size:.1f} MB in {options.dtype}")
    return 0
