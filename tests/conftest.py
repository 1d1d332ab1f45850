"""What all tests share: a quiet environment, the book's tools on the path, and a browser where there is one."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "runs"))

# Runs of tests, and the scenes that they keep, go to a folder that the system sweeps; most tests have one of their own.
os.environ.setdefault("SEMPAL_RUNS", tempfile.mkdtemp(prefix="sempal-tests-"))
# What `make test` hands down to its own programs is no business of those that a test starts.
for name in ("MAKELEVEL", "MAKEFLAGS", "MFLAGS", *(name for name in os.environ if name.startswith("GIVEN_"))):
    os.environ.pop(name, None)
# Nets of tests are tiny: a second thread gains nothing, and on a busy machine threads wait for each other.
os.environ["OMP_NUM_THREADS"] = "1"

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch):
    """A test says itself which preset, data and form of the widgets it means. The notebooks, which nbval runs in the
    same session, keep what `make test` set."""
    for name in ("SEMPAL_PRESET", "SEMPAL_DATA", "SEMPAL_STATIC"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium of the system. Skips where there is none, or fails if SEMPAL_REQUIRE_BROWSER=1."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        why = "no Chromium on this machine: install one (Debian: apt-get install chromium) to test the pages"
        if os.environ.get("SEMPAL_REQUIRE_BROWSER") == "1":
            pytest.fail(why)
        pytest.skip(why)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()
