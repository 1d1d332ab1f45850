"""Tensors and facts in one safetensors file, with a checksum. Reading one executes nothing that it holds."""

import hashlib
import json
import math
import mmap
import os
import warnings
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from sempal_lib.files import replacing

_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
# How the header of each of our files begins. BLAKE2 needs no special instructions to be quick. It is taken over the
# whole file, zeros standing where its digits go.
_LEAD, _ZEROS = b'{"__metadata__":{"blake2b":"', b"0" * 64
_CHANGED = "its checksum does not fit its content: bytes in it have changed since it was written"
_PIECE = 2**24  # bytes that are looked at together


class DamagedFile(RuntimeError):
    """A file does not hold what was written into it; the message says what does not fit."""


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor], facts: Any, key: str = "facts") -> None:
    """Write a safetensors file with a checksum over all of it. Memory for one tensor at a time is taken.

    Args:
        tensors: by name, any device. facts: what JSON can hold; stands in the file's metadata under `key`.
    """
    names = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))  # so each lies at its alignment
    header: dict[str, Any] = {"__metadata__": {"blake2b": _ZEROS.decode(), key: json.dumps(facts)}}
    end = 0
    for name in names:
        value = tensors[name]
        start, end = end, end + value.numel() * value.element_size()
        header[name] = {"dtype": _NAMES[value.dtype], "shape": list(value.shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    digest = hashlib.blake2b(digest_size=32)
    with replacing(path) as new, new.open("xb") as file:
        data = (_bytes(tensors[name].detach().cpu().contiguous()) for name in names)
        for part in chain((len(text).to_bytes(8, "little"), text), data):
            digest.update(part)
            file.write(part)
        file.seek(8 + len(_LEAD))
        file.write(digest.hexdigest().encode())
        file.flush()


def _bytes(tensor: Tensor) -> Any:
    """The memory of a contiguous tensor."""
    return tensor.reshape(-1).view(torch.uint8).numpy()


# Reading


def read_tensors(path: str | Path, key: str = "facts") -> tuple[dict[str, Tensor], Any]:
    """Read what `write_tensors` wrote: (tensors by name, facts).

    The file is opened once, so both are of one file even where another takes its place meanwhile. Files of older
    versions have no checksum: they are read, with a warning.

    Raises:
        DamagedFile: its bytes are not those that were written, or it is no file of ours. OSError.
    """
    with open(path, "rb") as file:
        tensors, metadata, checked = read_safetensors(file)
    if key not in metadata or (not checked and len(metadata) > 1):
        raise DamagedFile("it has no checksum, or other metadata than this library's")
    if not checked:
        warnings.warn(
            f"{path} has no checksum, an older version wrote it: damage to it would not be seen. "
            "training.checkpoint.save(path, *training.checkpoint.load(path)) gives a checkpoint or weights one",
            stacklevel=3,
        )
    try:
        return tensors, json.loads(metadata[key])
    except ValueError as error:
        raise DamagedFile(f"its facts are no JSON: {error}") from error


def map_tensors(path: str | Path, key: str = "facts") -> tuple[dict[str, Tensor], Any]:
    """As `read_tensors`, but the tensors lie in the file, mapped into memory: what is not looked at takes none.

    The whole file is read once, for its checksum. What is written into the tensors does not reach it. A file is never
    written in place (`write_tensors`), so one that another takes the place of stays what it was.
    """
    with open(path, "rb") as file:
        length, text, entries, metadata = _header(file)
        if not text.startswith(_LEAD) or key not in metadata:
            raise DamagedFile("it has no checksum: this library did not write it")
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    digest, after, start = _digest_of(length, text), len(_LEAD) + len(_ZEROS), 8 + len(text)
    for place in range(start, len(memory), _PIECE):
        digest.update(memoryview(memory)[place : place + _PIECE])
    if digest.hexdigest().encode() != text[len(_LEAD) : after]:
        raise DamagedFile(_CHANGED)
    tensors = {}
    for name, dtype, shape in entries:
        number = math.prod(shape)
        tensors[name] = torch.frombuffer(memory, dtype=dtype, count=number, offset=start).view(shape)
        start += number * dtype.itemsize
    return tensors, json.loads(metadata[key])


def read_facts(path: str | Path, key: str = "facts") -> Any:
    """The facts of a file that `write_tensors` wrote, and none of its tensors, whose checksum is not looked at.

    None for a safetensors file of others. Raises DamagedFile or OSError.
    """
    with open(path, "rb") as file:
        count = int.from_bytes(file.read(8), "little")
        if count > os.fstat(file.fileno()).st_size - 8:
            raise DamagedFile("it does not begin as a safetensors file does")
        try:
            return json.loads(json.loads(file.read(count)).get("__metadata__", {}).get(key, "null"))
        except (AttributeError, TypeError, ValueError, RecursionError) as error:
            raise DamagedFile(f"its header is damaged, or it is no safetensors file: {error}") from error


def read_safetensors(file: BinaryIO) -> tuple[dict[str, Tensor], dict[str, str], bool]:
    """Tensors and metadata of an open safetensors file of anyone's, and whether it had a checksum, which then held.

    Raises DamagedFile.
    """
    # Not safetensors' own safe_open, which opens a file twice, for its header and for its data: where another file
    # took its place in between, the two were mixed.
    length, text, entries, metadata = _header(file)
    checked, after = text.startswith(_LEAD), len(_LEAD) + len(_ZEROS)
    digest = _digest_of(length, text) if checked else None
    tensors = {}
    for name, dtype, shape in entries:
        tensors[name] = torch.empty(shape, dtype=dtype)
        data = _bytes(tensors[name])
        if file.readinto(data) != len(data):  # type: ignore[attr-defined]
            raise DamagedFile(f"it ends in the middle of {name}")
        if digest:
            digest.update(data)
    if digest and digest.hexdigest().encode() != text[len(_LEAD) : after]:
        raise DamagedFile(_CHANGED)
    return {name: tensors[name] for name in sorted(tensors)}, metadata, checked


def _header(file: BinaryIO) -> tuple[bytes, bytes, list[tuple[str, torch.dtype, list[int]]], dict[str, str]]:
    """The first 8 bytes of an open file, its header as text, and what that says, as `_parse`. Raises DamagedFile."""
    length, size = file.read(8), os.fstat(file.fileno()).st_size
    count = int.from_bytes(length, "little")
    if len(length) < 8 or count > size - 8:
        raise DamagedFile("it does not begin as a safetensors file does")
    text = file.read(count)
    return length, text, *_parse(text, size - 8 - count)


def _digest_of(length: bytes, text: bytes) -> Any:
    """The checksum over a file's beginning, to go on with over its data."""
    return hashlib.blake2b(length + _LEAD + _ZEROS + text[len(_LEAD) + len(_ZEROS) :], digest_size=32)


def _parse(text: bytes, size: int) -> tuple[list[tuple[str, torch.dtype, list[int]]], dict[str, str]]:
    """(name, dtype, shape) of the tensors in the order of their data, which must fill `size` bytes; the metadata."""
    try:
        header = json.loads(text)
        metadata = dict(header.pop("__metadata__", {}))
        if not all(isinstance(value, str) for value in metadata.values()):
            raise ValueError("its metadata are not text")
        entries, end = [], 0
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            dtype, shape = _DTYPES[entry["dtype"]], entry["shape"]
            if not all(type(n) is int and n >= 0 for n in shape):
                raise ValueError(f"{name} has the shape {shape}")
            start, end = end, end + math.prod(shape) * dtype.itemsize
            if entry["data_offsets"] != [start, end] or end > size:
                raise ValueError(f"{name} does not lie where it should")
            entries.append((name, dtype, shape))
        if end != size:
            raise ValueError(f"{end} bytes of data were written, {size} are there")
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise DamagedFile(f"its header is damaged, or it is no safetensors file: {error}") from error
    return entries, metadata
