"""Hashes of the library's code: of what it does, whatever its comments and docstrings say. Imports no torch."""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any


def code_digest(files: Iterable[Path], root: Path) -> str:
    """SHA-256, in hex, of the names and the code of Python files, in order of their paths under `root`.

    Comments, docstrings and line breaks do not count. Raises SyntaxError for what is no Python.
    """
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(root).as_posix(), path) for path in files):
        digest.update(f"{name}\0{_digest_of(path.read_bytes())}\0".encode())
    return digest.hexdigest()


@cache  # by content: a file may change while a kernel runs
def _digest_of(content: bytes) -> str:
    return hashlib.sha256(_plain(ast.parse(content)).encode()).hexdigest()


def _plain(node: Any) -> str:
    """A syntax tree as text, the same for every version of Python: `ast.dump` also lists what newer ones left empty."""
    if isinstance(node, ast.AST):
        fields = ((name, _code(value)) for name, value in ast.iter_fields(node))
        parts = (f"{name}={_plain(value)}" for name, value in fields if value is not None and value != [])
        return f"{type(node).__name__}({','.join(parts)})"
    if isinstance(node, list):
        return f"[{','.join(map(_plain, node))}]"
    return repr(node)


def _code(value: Any) -> Any:
    """A block of statements without its docstring; any other part of a tree as it is."""
    if isinstance(value, list) and value and isinstance(value[0], ast.Expr):
        first = value[0].value
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            return value[1:]
    return value
