"""Semantic layouts and scenes: the models, losses, data, training and metrics of five papers.

The book that teaches this library is in `book/`; each public docstring names its paper, equation and chapter.
"""

from sempal_lib import torchvision_ops

__version__ = "0.1.0"

torchvision_ops.install()
