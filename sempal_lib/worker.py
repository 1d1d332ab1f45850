"""One of several processes: `python -m sempal_lib.worker ORDER.json`, which `processes.Processes` starts once a device.

Which of them it is, and where they meet, stands in the environment: in torchrun's variables (RANK, WORLD_SIZE,
LOCAL_RANK, MASTER_ADDR, MASTER_PORT), else in Slurm's. Reports are lines of JSON on standard output; whatever else
is printed goes to standard error. It imports no torch before it has chosen its GPU.
"""

import contextlib
import json
import os
import re
import select
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, NamedTuple

from sempal_lib.processes import ProcessError, named

_PLAIN_ERRORS = (ValueError, FileNotFoundError)
_LONGEST = 1500  # characters of a message or traceback: a whole report passes a shared pipe in one piece


class Place(NamedTuple):
    rank: int  # among all processes
    world: int  # number of all processes
    local: int  # among those of this node


def place() -> Place:
    """This process's place, by torchrun's variables or Slurm's. Raises ProcessError if there are neither."""
    e = os.environ
    if "RANK" in e and "WORLD_SIZE" in e:
        return Place(int(e["RANK"]), int(e["WORLD_SIZE"]), int(e.get("LOCAL_RANK", 0)))
    if "SLURM_PROCID" in e:
        world = e.get("SLURM_STEP_NUM_TASKS") or e["SLURM_NTASKS"]
        return Place(int(e["SLURM_PROCID"]), int(world), int(e.get("SLURM_LOCALID", 0)))
    raise ProcessError(
        "no RANK and no SLURM_PROCID in the environment of this process: SEMPAL_LAUNCH must begin with torchrun, "
        "srun, or a script that sets RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT for each process"
    )


def first_host(nodes: str) -> str:
    """The first of Slurm's list of nodes: "gpu[07-09,12],big1" begins with gpu07."""
    return re.sub(r"\[(\w+)[^\]]*\]", r"\1", nodes).split(",")[0]


def take_place(mine: Place, port: int, gpus: bool) -> None:
    """Tell Fabric and CUDA: each process is a node of one device, so that nodes may have different numbers of them."""
    e = os.environ
    e.setdefault("MASTER_ADDR", first_host(e.get("SLURM_STEP_NODELIST") or e.get("SLURM_NODELIST") or "127.0.0.1"))
    e.setdefault("MASTER_PORT", str(port))
    e["NODE_RANK"], e["LOCAL_RANK"] = str(mine.rank), "0"
    if gpus:
        visible = [name for name in e.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
        if len(visible) == 1:
            return  # a scheduler gave each process its own
        if visible and mine.local >= len(visible):
            raise ProcessError(
                f"process {mine.rank} is number {mine.local + 1} of its node, where CUDA_VISIBLE_DEVICES names "
                f"{len(visible)} GPUs: start one process a GPU"
            )
        e["CUDA_VISIBLE_DEVICES"] = visible[mine.local] if visible else str(mine.local)


def _end_with_parent() -> None:
    """End this process when the one at the other end of standard input is gone. By hand there is none: go on."""
    try:
        if os.isatty(0) or os.read(0, 1) != b"+":
            return
    except OSError:
        return
    hang_up = select.poll()
    hang_up.register(0, select.POLLHUP)  # no more is read: torchrun's processes share one pipe
    hang_up.poll()
    os._exit(1)


def _description(error: BaseException) -> dict[str, Any]:
    kinds = [k for k in type(error).__mro__ if k.__module__.partition(".")[0] == "sempal_lib" or k in _PLAIN_ERRORS]
    lines = "".join(traceback.format_exception(error)).strip()
    return {
        "error": str(error)[:_LONGEST] if kinds else traceback.format_exception_only(error)[-1].strip()[:_LONGEST],
        "kind": f"{kinds[0].__module__}:{kinds[0].__qualname__}" if kinds else None,
        "traceback": lines[-_LONGEST:],
    }


def main(order_path: str) -> None:
    channel = os.dup(1)
    os.dup2(2, 1)  # what libraries print must not fall between the reports
    threading.Thread(target=_end_with_parent, daemon=True).start()
    rank = int(os.environ.get("RANK") or os.environ.get("SLURM_PROCID") or 0)

    def report(**values: Any) -> None:
        os.write(channel, json.dumps({"sempal": rank, **values}, ensure_ascii=False).encode() + b"\n")

    try:
        order = json.loads(Path(order_path).read_text("utf-8"))
        mine = place()
        if mine.world != order["processes"]:
            raise ProcessError(
                f"SEMPAL_LAUNCH starts {mine.world} processes, but devices = {order['processes']}: make them equal"
            )
        take_place(mine, order["port"], order["gpus"])
        sys.path.extend(folder for folder in order["path"] if folder not in sys.path)
        named(order["function"])(report, *order["arguments"])
    except BaseException as error:
        with contextlib.suppress(OSError):  # the parent is gone
            traceback.print_exc()
            report(**_description(error))
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(1)  # at once: libraries would wait for the other processes


if __name__ == "__main__":
    main(sys.argv[1])
