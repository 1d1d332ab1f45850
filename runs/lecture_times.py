"""What book/for_lecturers.md says of times and memory: read from committed records when the site is built."""

from collections import defaultdict

from sempal_lib.records import records_under, reference_root
from sempal_lib.runs import run_folder
from sempal_lib.tables import duration


def substitutions(chapters: list[str]) -> dict[str, str]:
    """Texts for `{{name}}` in a page: `time_05`, of chapter 5's trainings (demo, all seeds), `memory`, `machine`.

    A chapter without a committed demo run on its default data has the time "–".
    """
    found: dict[str, list[dict]] = defaultdict(list)
    for folder, record in records_under(reference_root() / "demo"):
        if folder.name.rpartition("-")[2] == _default(record["chapter"]) and record["device"] and not _on_gpu(record):
            found[record["chapter"]].append(record)
    texts = {f"time_{name[:2]}": _range([record["seconds"] for record in found[name]]) for name in chapters}
    records = [record for some in found.values() for record in some]
    texts["memory"] = f"{max((record['peak_memory'] or 0) for record in records) / 1e9:.1f} GB"
    texts["machine"] = " and ".join(sorted({record["device"] for record in records}))
    texts["threads"] = " or ".join(sorted({str(record.get("threads", "–")) for record in records}))
    return texts


def _default(chapter: str) -> str:
    """The hash of a chapter's parameters at preset demo, as it stands in the names of run folders."""
    return run_folder(chapter, "demo", {}).name.rpartition("-")[2]


def _on_gpu(record: dict) -> bool:
    return record.get("peak_device_memory") is not None


def _range(seconds: list[float]) -> str:
    if not seconds:
        return "–"
    least, most = duration(min(seconds)), duration(max(seconds))
    return least if least == most else f"{least} to {most}"
