"""Hashes of code: blind to words, keen of everything else, the same for every version of Python."""

import pytest

from sempal_lib.code_digests import code_digest

SNIPPET = b"""
'''A module.'''
from a import b as c  # why


class D(c):
    '''A class.'''
    x: int = 1

    async def f(self, a, /, *b, k, j=None, **o) -> str:
        "Words."
        while (n := a[1:, ...]) and not k:
            return f"{n!r:>{j}} of {k=}" f"{a:.2f}" "!"
        else:
            return

    def g(self): "Words."


match [lambda: b"", 1e3, -2j]:
    case [x, *_] if x: pass
    case {"k": D(x=1) | None}: print(*[y for y in z], **{})
"""


def digest_of(text, tmp_path):
    (tmp_path / "a.py").write_bytes(text)
    return code_digest([tmp_path / "a.py"], tmp_path)


def test_every_version_of_python_gives_the_same(tmp_path):
    # Made by Python 3.11. By a version that gives another one, all records would be of older code.
    assert digest_of(SNIPPET, tmp_path) == "f799cc7264e351a959882dc53d6a0e3e9bf9647e69013d08484b2bbae6c2316f"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"A class.", b"Another."), (b"'''A module.'''", b""), (b"  # why", b"  # why not"), (b"'''A class.'''", b""),
        (b"        \"Words.\"\n", b""), (b"k, j=None", b"k,\n        j=None"), (b" a[1:,", b" (a)[1:,"),
    ],
)  # fmt: skip
def test_words_and_line_breaks_do_not_count(old, new, tmp_path):
    assert old in SNIPPET
    assert digest_of(SNIPPET.replace(old, new), tmp_path) == digest_of(SNIPPET, tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"int = 1", b"int = 2"), (b"return\n", b"return None\n"), (b"j=None", b"j=0"), (b".2f", b".3f"),
        (b"async def", b"def"), (b"while", b"if"), (b'"!"', b'"?"'), (b"1e3", b"1000"), (b"b as c", b"b as d"),
        (b"'''A class.'''", b"a = '''A class.'''"), (b'lambda: b""', b'lambda: ""'), (b"    else:\n    ", b""),
    ],
)  # fmt: skip
def test_code_counts(old, new, tmp_path):
    assert old in SNIPPET
    assert digest_of(SNIPPET.replace(old, new), tmp_path) != digest_of(SNIPPET, tmp_path)


def test_names_count_and_order_does_not(tmp_path):
    (tmp_path / "sub").mkdir()
    files = [tmp_path / name for name in ("a.py", "b.py", "sub/a.py")]
    for number, path in enumerate(files):
        path.write_text(f"x = {number}")
    first = code_digest(files, tmp_path)
    assert code_digest(files[::-1], tmp_path) == first
    assert code_digest(files[:2], tmp_path) != first
    files[0].rename(tmp_path / "c.py")
    assert code_digest([tmp_path / "c.py", *files[1:]], tmp_path) != first
