"""Checkpoints: tensors and JSON in one safetensors file. Reading one executes nothing that it holds."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used; the message says why and what to do."""


def save(path: str | Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write a checkpoint beside its place and move it there, so that a kill leaves the old one whole.

    Args:
        tensors: by name, any device. facts: what JSON can hold.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    packed = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    save_file(packed, str(new), metadata={"facts": json.dumps(facts)})
    with open(new, "rb") as file:
        os.fsync(file.fileno())
    os.replace(new, path)


def load(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read (tensors, facts). Raises CheckpointError naming the file if it is missing, damaged or something else."""
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"no checkpoint {path.name} in {path.parent}: train first")
    try:
        with safe_open(str(path), framework="pt") as file:
            facts = json.loads((file.metadata() or {})["facts"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise CheckpointError(
            f"{path} is damaged or no checkpoint of this library ({error}). It was left as it is: "
            "move it away to train afresh, or put a good copy in its place"
        ) from error
    return tensors, facts


def load_into(path: str | Path, networks: dict[str, nn.Module]) -> None:
    """Give networks the weights that a training's checkpoint holds under their names.

    "averaged" takes the generator's own weights where the training kept no average. Raises CheckpointError that
    names the file and the network if they are missing or of another architecture.
    """
    tensors, _ = load(path)
    for name, network in networks.items():
        weights = by_prefix(name, tensors)
        if name == "averaged" and not weights:
            weights = by_prefix("generator", tensors)
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise CheckpointError(
                f"{path} holds no {name} of this architecture ({str(error)[:300]}): it was trained with other "
                "settings. Train it with those of this run, or give this run its settings"
            ) from error


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
