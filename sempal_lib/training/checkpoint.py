"""Checkpoints: tensors and JSON in one safetensors file. Reading one executes nothing that it holds."""

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sempal_lib.tensor_files import DamagedFile, read_tensors, write_tensors


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used; the message says why and what to do."""


def save(path: str | Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write a checkpoint beside its place and move it there, so that a kill leaves the old one whole.

    Args:
        tensors: by name, any device. facts: what JSON can hold.
    """
    write_tensors(path, tensors, facts)


def load(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read (tensors, facts). Raises CheckpointError naming the file if it is missing, damaged or something else.

    One changed bit is enough to be damaged; only files of older versions have no checksum, which a warning says.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"no checkpoint {path.name} in {path.parent}: train first")
    try:
        return read_tensors(path)
    except (DamagedFile, OSError) as error:
        raise CheckpointError(
            f"{path} is damaged or no checkpoint of this library ({error}). It was left as it is: "
            "move it away to train afresh, or put a good copy in its place"
        ) from error


def load_into(path: str | Path, networks: dict[str, nn.Module]) -> None:
    """Give networks the weights that a training's checkpoint holds under their names.

    "averaged" takes the generator's own weights where the training kept no average. Raises CheckpointError that
    names the file and the network if they are missing, not finite, or of another architecture.
    """
    tensors, _ = load(path)
    for name, network in networks.items():
        weights = by_prefix(name, tensors)
        if name == "averaged" and not weights:
            weights = by_prefix("generator", tensors)
        check_finite(path, weights)
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise CheckpointError(
                f"{path} holds no {name} of this architecture ({str(error)[:300]}): it was trained with other "
                "settings. Train it with those of this run, or give this run its settings"
            ) from error


def check_finite(path: str | Path, tensors: dict[str, Tensor]) -> None:
    """Raise CheckpointError naming a tensor that holds NaN or infinity: what a network with it makes says nothing."""
    bad = _not_finite(tensors)
    if bad:
        raise CheckpointError(
            f"{path}: {bad} holds values that are no finite numbers, so its training had failed. Take an earlier "
            "copy, or train it again with a smaller learning rate"
        )


def packed(tensors: dict[str, Tensor], half: bool) -> dict[str, Tensor]:
    """A network's weights as a small file holds them: in half precision where told and where that can hold them.

    Raises ValueError naming a tensor that is not finite.
    """
    found = {}
    for name, value in tensors.items():
        found[name] = value
        if value.is_floating_point():
            found[name] = value.half() if half else value.float()
            if half and not found[name].isfinite().all():  # it ends at 65504
                found[name] = value.float()
    bad = _not_finite(found)
    if bad:
        raise ValueError(f"{bad} holds values that are no finite numbers: its training failed, and it is not written")
    return found


def _not_finite(tensors: dict[str, Tensor]) -> str | None:
    return next((name for name, value in tensors.items() if not torch.isfinite(value).all()), None)


def fingerprint(*networks: nn.Module) -> str:
    """SHA-256 of networks' weights and buffers, in hex."""
    digest = hashlib.sha256()
    for network in networks:
        for value in network.state_dict().values():
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def check_configuration(path: str | Path, found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Raise CheckpointError listing what differs if a checkpoint was made with another configuration."""
    keys = sorted(k for k in found.keys() | expected.keys() if found.get(k) != expected.get(k))
    if keys:
        differences = "; ".join(f"{k} is {found.get(k)!r} there, {expected.get(k)!r} now" for k in keys)
        raise CheckpointError(
            f"{path} belongs to another configuration: {differences}. It was left as it is: "
            "use its settings, or another run folder"
        )


def with_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def by_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix.`, without it."""
    return {name[len(prefix) + 1 :]: value for name, value in tensors.items() if name.startswith(prefix + ".")}
