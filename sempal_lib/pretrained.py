"""Weights of torchvision's classifiers, from a file or from torchvision's download; nothing in them is executed."""

import os
import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor

from sempal_lib.files import check_sha256
from sempal_lib.tensor_files import DamagedFile, read_safetensors


class WeightsMissing(RuntimeError):
    """Weights that are asked for are not here; the message says where they were looked for and what to do."""


@dataclass(frozen=True)
class Pretrained:
    """Where a network's weights come from.

    Attributes:
        name: of the network, as messages have it. url: of torchvision's file, whose name ends with its hash.
        variable: the environment variable that names a file; <variable>_SHA256 vouches for one of another hash.
        instead: what else can be done, as messages have it.
    """

    name: str
    url: str
    variable: str
    instead: str

    @property
    def kept(self) -> Path:
        """Where torch keeps the download."""
        return Path(torch.hub.get_dir()) / "checkpoints" / self.url.rsplit("/", 1)[1]

    @property
    def _hash(self) -> str:
        """The first digits of the file's SHA-256, which torchvision's names end with."""
        return re.search(r"-([0-9a-f]{8,})\.", self.url)[1]  # type: ignore[index]

    def file(self, source: str | Path | None = None) -> str | Path | None:
        """The file that is named, by hand or in the environment; None: none is."""
        return source or os.environ.get(self.variable) or None

    def read(self, source: str | Path | None = None, download: bool = True) -> Mapping[str, Tensor]:
        """The weights by name.

        Args:
            source: file, .pth or .safetensors; None: the one that the environment names, or torch's kept download.
            download: whether they may be fetched (torch keeps them for the next time).
        Raises:
            WeightsMissing: there is no such file and no download, or the file holds no weights.
            UntrustedFile: its SHA-256 is neither torchvision's nor the one named.
        """
        named = self.file(source)
        return self._read(Path(named)) if named else self._fetch(download)

    def _read(self, path: Path) -> Mapping[str, Tensor]:
        if not path.is_file():
            raise WeightsMissing(
                f"no {self.name} weights at {path}: correct the path (argument, or {self.variable}), or {self.instead}"
            )
        with path.open("rb") as file:
            check_sha256(file, path, self._hash, f"{self.variable}_SHA256", f"take {self.url}")
            try:
                if path.suffix == ".safetensors":
                    return read_safetensors(file)[0]
                state = torch.load(file, weights_only=True, map_location="cpu")
                if not isinstance(state, Mapping):
                    raise ValueError(f"it is a {type(state).__name__}")
                return state
            except (DamagedFile, pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
                raise WeightsMissing(
                    f"{path} holds no weights ({str(error)[:200]}), and nothing else is read from it: take {self.url}"
                ) from error

    def _fetch(self, download: bool) -> Mapping[str, Tensor]:
        kept = self.kept
        if kept.is_file():
            return self._read(kept)
        remedy = f"put the file {kept.name} there, name another place in {self.variable}, or {self.instead}"
        if not download:
            raise WeightsMissing(f"no {self.name} weights at {kept}, and no download was allowed: {remedy}")
        try:
            # Not torchvision's own get_state_dict: it unpickles what comes, whatever that does, and compares no hash.
            kept.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(self.url, str(kept), hash_prefix=self._hash, progress=False)
        except (URLError, OSError, RuntimeError) as error:
            raise WeightsMissing(
                f"no {self.name} weights at {kept}, and the download failed ({error}): {remedy}"
            ) from error
        return self._read(kept)
