"""The report of `make gpu-check` as a page to read, made from its JSON."""

import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

_SPEED = (
    "Scenes are made up. TFLOP/s count convolutions and matrix products of a step; the peak is that of a large matrix "
    "product here, of float32 in TF32 (its convolutions run so by default)."
)


def _number(value: float | None, form: str = ".3g") -> str:
    return "–" if value is None else format(value, form)


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    if not rows:
        return ["Nothing yet.", ""]
    lines = [head, ["---"] * len(head), *rows]
    return [*("| " + " | ".join(line) + " |" for line in lines), ""]


def _of(content: dict[str, Any], *kinds: str) -> list[dict[str, Any]]:
    return [check for check in content["checks"] if check["kind"] in kinds and check["status"] == "ok"]


def _share(check: dict[str, Any], content: dict[str, Any]) -> tuple[str, str]:
    """TFLOP/s of the convolutions and products, and their share of the measured peak of the same number format."""
    counted = {
        (c["training"], c["preset"]): c["numbers"]["flops_a_step"]
        for c in _of(content, "steps", "paper") if c["numbers"].get("flops_a_step")
    }  # fmt: skip
    flops = counted.get((check["training"], check["preset"]))
    machine = next((c["numbers"] for c in _of(content, "machine")), {})
    key = "bfloat16" if check["settings"].get("precision") == "bf16-mixed" else "tf32"
    # Convolutions of float32 run in TF32 where there is such a thing.
    peak = machine.get(f"matmul_tflops_{key}") or machine.get("matmul_tflops_float32")
    if not flops:
        return "–", "–"
    rate = flops * check["numbers"]["steps_per_second"] / 1e12
    return _number(rate), _number(rate / peak, ".0%") if peak else "–"


def _speed(content: dict[str, Any]) -> list[str]:
    rows = []
    for check in _of(content, "steps", "compile", "paper"):
        n = check["numbers"]
        rows.append([
            check["training"], check["preset"], " ".join(check["label"].split()[2:]), _number(n["steps_per_second"]),
            _number(n["samples_per_second"]), _number(n["peak_memory_mib"], ".0f"), *_share(check, content),
            _number(n["seconds_of_first_step"], ".1f"),
        ])  # fmt: skip
    head = ["training", "sizes", "settings", "steps/s", "samples/s", "peak MiB", "TFLOP/s", "of peak", "1st step, s"]
    return _table(head, sorted(rows, key=lambda row: (row[1], row[0])))


def _agreement(content: dict[str, Any]) -> list[str]:
    rows = []
    for check in _of(content, "agrees"):
        n = check["numbers"]
        rows.append([
            check["training"],
            *(", ".join(_number(x, ".1e") for x in n[key]) for key in ("apart", "allowed", "apart_if_nudged")),
        ])  # fmt: skip
    return _table(["training", "apart, step by step", "allowed", "CPU after a nudge"], rows)


def _resumption(content: dict[str, Any]) -> list[str]:
    rows = []
    for check in _of(content, "resumes"):
        n = check["numbers"]
        apart = "bit for bit" if n["apart"] == 0 else _number(n["apart"], ".1e")
        rows.append([check["training"], apart, _number(n["two_unbroken_apart"], ".1e")])
    return _table(["training", "stopped and resumed", "two unbroken runs"], rows)


def _profiles(content: dict[str, Any]) -> list[str]:
    lines = []
    for check in _of(content, "profile"):
        n = check["numbers"]
        counted = ", ".join(f"{key} {value:.1f}" for key, value in n["a_step"].items()) or "none counted"
        lines += [f"### {check['training']} ({check['preset']}, {' '.join(check['label'].split()[2:])})", ""]
        lines += [
            f"Idle share of the device {_number(n['idle_share'], '.0%')}, kernels a step "
            f"{_number(n['kernels_a_step'], '.0f')}. A step: {counted}. "
            + (f"The host waits at {', '.join(n['waits'])}." if n["waits"] else ""),
            "",
        ]
        lines += _table(["kernel", "ms a step", "share"], [
            [f"`{name.replace('|', '/')}`", _number(ms), _number(share, ".0%")] for name, ms, share in n["top"]
        ])  # fmt: skip
    return lines or ["Nothing yet.", ""]


def markdown(content: dict[str, Any]) -> str:
    machine = next((c["numbers"] for c in _of(content, "machine")), {})
    facts = ", ".join(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
                      for key, value in machine.items())  # fmt: skip
    end = "finished" if content["finished"] else "still running, or killed"
    lines = [
        f"# Check of the trainings on {machine.get('device', content['device'])}", "",
        f"{content['ok']} ok, {content['failed']} failed, {content['left out']} left out, after "
        f"{content['seconds']} s of {content['budget']:.0f} s; {end}.", "",
        facts, "", content.get("left_out", ""), "",
    ]  # fmt: skip
    failed = [c for c in content["checks"] if c["status"] == "failed"]
    lines += ["## Failed", ""] if failed else []
    for check in failed:
        lines += [f"**{check['training']}, {check['label']}** after {check['seconds']:.0f} s: {check['why'][:600]}", ""]
        lines += ["```", *check["trace"], "```", ""]
    lines += ["## Speed", "", _SPEED, "", *_speed(content)]
    lines += ["## Against the CPU, float32 without TF32", "", "Largest difference of a loss, in relation to it.", ""]
    lines += _agreement(content)
    lines += ["## Stopped and resumed", "", "Largest difference of a weight.", "", *_resumption(content)]
    lines += ["## Where the time goes", "", *_profiles(content), "## Left out", ""]
    left = [[c["training"], c["label"], c["why"]] for c in content["checks"] if c["status"] == "left out"]
    lines += _table(["training", "check", "why"], left) if left else ["Nothing.", ""]
    return "\n".join(lines)


class Report:
    """The checks and what became of them; written to a folder as JSON and as Markdown."""

    def __init__(self, folder: Path, device: str, seconds: float):
        self.folder, self.checks = folder, []  # type: ignore[var-annotated]
        self.facts: dict[str, Any] = {"device": device, "budget": seconds, "finished": False}
        self.began = time.time()

    def counts(self) -> dict[str, int]:
        return {status: sum(c.status == status for c in self.checks) for status in ("ok", "failed", "left out")}

    def write(self) -> None:
        """Beside the old files, and moved into their place: a kill leaves one or the other."""
        content = {**self.facts, "seconds": round(time.time() - self.began, 1), **self.counts()}
        content["checks"] = [{"label": c.label, **asdict(c)} for c in self.checks]
        for name, text in (("report.json", json.dumps(content, indent=1)), ("report.md", markdown(content))):
            new = self.folder / f"{name}.new"
            new.write_text(text, encoding="utf-8")
            os.replace(new, self.folder / name)
