"""Lets `import torchvision` work where its compiled extension cannot load.

torchvision's wheels are linked against CUDA. Beside a CPU build of torch the extension finds no CUDA library, the
operators that it would have registered are missing, and `import torchvision` fails, and with it `import
lightning` and `import torchmetrics`. torchvision's models, transforms and data sets need none of these operators:
it is enough that two schemas exist. `install` defines them just before torchvision is first imported, and only if
the extension does not load. `make` also calls `hook_environment`, which makes every interpreter of the environment
call `install` at its start, so the order of imports does not matter.
"""

import importlib.abc
import importlib.util
import sys
import sysconfig
from pathlib import Path

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_libraries: list = []  # torch drops the operators of a library that is garbage-collected


def define_missing_operators() -> bool:
    """Define the schemas of torchvision's `nms` and `qnms` if its extension cannot. True if they were defined."""
    import torch

    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None or _libraries:
        return False
    for extension in Path(spec.origin).parent.glob("_C*"):
        try:
            torch.ops.load_library(str(extension))
            return False  # it loads: torchvision brings its own operators
        except (OSError, RuntimeError):
            continue
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(name + _SCHEMA)
    _libraries.append(library)
    return True


class _BeforeTorchvision(importlib.abc.MetaPathFinder):
    """Finds nothing; its turn comes when torchvision is looked up, which is the moment to define the operators."""

    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            define_missing_operators()
        return None


def install() -> None:
    """Arrange that the operators exist before torchvision's first import. Imports nothing; safe to call again."""
    if "torchvision" in sys.modules or any(isinstance(finder, _BeforeTorchvision) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, _BeforeTorchvision())


def hook_environment() -> Path:
    """Make every Python of this environment call `install` at its start. Returns the file written."""
    hook = Path(sysconfig.get_paths()["purelib"]) / "sempal_torchvision_ops.pth"
    hook.write_text("import importlib.util as u; u.find_spec('sempal_lib') and __import__('sempal_lib')\n")
    return hook
