"""Processes of their own for a training on several devices: started, listened to and ended from any Python.

A script, papermill and JupyterLab all start the same `python -m sempal_lib.worker`, once a device, each with the same
order: a JSON file that names a function and its arguments. Nothing is forked and nothing pickled, so a notebook's
process may have used its GPU before, and may have defined what it likes.

Several nodes: the environment variable SEMPAL_LAUNCH is a command that starts the words after it once a device, on
whatever nodes: `srun --ntasks=16 --ntasks-per-node=8 --kill-on-bad-exit=1`, `torchrun --standalone --nproc-per-node=8`,
or a script that starts torchrun on every node. This process calls it for each training, so the chapters stay as they
are. It must start as many processes as `devices` says, and all nodes must see the run folder and this environment.
"""

import contextlib
import importlib
import json
import os
import queue
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from sempal_lib.parameters import Parameters
from sempal_lib.records import RunError

LAUNCH = "SEMPAL_LAUNCH"
_GRACE = 1.0  # seconds in which the others may still say what befell them, after the first has failed
_LAST = 5.0  # seconds between asking a process to end and ending it
_TAIL = 15  # lines of the log in a message
# What an outer launcher may have left in the environment, and must not be taken for the inner one's.
_PLACES = (
    "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "NODE_RANK", "TORCHELASTIC_USE_AGENT_STORE",
)  # fmt: skip


class ProcessError(RuntimeError):
    """One of several processes ended before its time; the message says which, how, and what to do."""


def check_device(parameters: Parameters) -> None:
    """Raise RunError if this machine has not the GPUs that are asked for. With SEMPAL_LAUNCH other nodes have more."""
    if parameters.device == "cpu" or (parameters.device == "auto" and parameters.devices == 1):
        return
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if parameters.device == "auto" and not count:
        return  # processes on the CPU
    if count < (1 if os.environ.get(LAUNCH) else parameters.devices):
        other = "'cpu' or 'auto'" if parameters.device == "cuda" and not count else "'cpu'"
        raise RunError(
            f"device = {parameters.device!r} with devices = {parameters.devices}, but torch sees {count} CUDA devices "
            f"here: choose device = {other}, or fewer devices, or say by {LAUNCH} how other nodes take part"
        )


def name_of(thing: Any) -> str:
    """`module:name` of a function or class. Raises ProcessError if another process could not find it by that."""
    if thing.__module__ == "__main__" or "<locals>" in thing.__qualname__:
        raise ProcessError(
            f"{thing.__qualname__} is defined in a notebook, a script or another function, where processes of several "
            "devices cannot find it: put it at the top of a module, or take devices = 1"
        )
    return f"{thing.__module__}:{thing.__qualname__}"


def named(name: str) -> Any:
    """What `name_of` named."""
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found


class Processes:
    """`count` processes that call a function; iterate for what they report, until all have ended.

    A context: however its block is left, by Ctrl-C too, no process is left behind. Should the caller itself be
    killed, they see the end of their standard input and end.

    Args:
        function: `module:name`; is called with a `report` function, of JSON values by keyword, and `arguments`.
        arguments: JSON values. Raises ProcessError naming what is none.
        order: where the order is written, in a folder that all nodes see. Beside it lies the processes' log; that
            stays when they fail.
        gpus: give each process one of its node's GPUs.
    """

    def __init__(self, function: str, arguments: Sequence[Any], count: int, order: Path, gpus: bool = False):
        with socket.socket() as free:  # only for launchers that bring none; it is of this node, which is mostly first
            free.bind(("", 0))
            port = free.getsockname()[1]
        content = {"function": function, "processes": count, "gpus": gpus, "port": port, "path": sys.path}
        try:
            self._content = json.dumps({**content, "arguments": list(arguments)}, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ProcessError(f"arguments of processes must be plain values, which JSON can hold: {error}") from None
        self.count, self.order, self.log = count, order, order.with_suffix(".log")
        self._launch = shlex.split(os.environ.get(LAUNCH, ""))
        self._started: list[subprocess.Popen[bytes]] = []
        self._listeners: list[threading.Thread] = []
        self._said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._errors: list[dict[str, Any]] = []

    def __enter__(self) -> "Processes":
        self.order.parent.mkdir(parents=True, exist_ok=True)
        self.order.write_text(self._content, "utf-8")
        try:
            self.log.write_bytes(b"")
            with open(self.log, "ab") as log:  # to which all append
                self._start(log)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.end()
        if kind is None:
            self.log.unlink(missing_ok=True)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Reports as they come. Raises the error of the process that failed first.

        An error of this library, ValueError and FileNotFoundError come back as what they are, with the process's own
        traceback as a note; every other end is a ProcessError.
        """
        failed_at = None
        while True:
            ended = all(process.poll() is not None for process in self._started)
            if ended:
                for thread in self._listeners:
                    thread.join(timeout=_GRACE)
            try:
                message = self._said.get(timeout=0 if ended else 0.1)
            except queue.Empty:
                message = {}
            if "error" in message:
                self._errors.append(message)
            elif message:
                yield {key: value for key, value in message.items() if key != "sempal"}
                continue
            failed = self._errors or any(process.returncode for process in self._started)
            failed_at = failed_at or (time.monotonic() if failed else None)
            if failed_at and ((ended and not message) or time.monotonic() - failed_at > _GRACE):
                raise self._failure()
            if ended and not message:
                return

    def _start(self, log: IO[bytes]) -> None:
        worker = [sys.executable, "-m", "sempal_lib.worker", str(self.order.resolve())]
        environment = {name: value for name, value in os.environ.items() if name not in _PLACES}
        library = str(Path(__file__).resolve().parent.parent)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [library, os.environ.get("PYTHONPATH")]))
        if self._launch:
            if Path(self._launch[0]).name == "torchrun":  # it would take the worker's Python for a script of Python
                worker = ["--no-python", *worker]
            self._popen([*self._launch, *worker], environment, log, self.count)
            return
        import torch

        # They meet at a store that this process holds: its port is taken from the start, none is guessed.
        self._store = torch.distributed.TCPStore("127.0.0.1", 0, None, True, wait_for_workers=False)
        environment |= {
            "WORLD_SIZE": str(self.count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(self._store.port),
            "TORCHELASTIC_USE_AGENT_STORE": "True",
            "OMP_NUM_THREADS": str(max(1, torch.get_num_threads() // self.count)),
        }  # fmt: skip
        for rank in range(self.count):
            self._popen(worker, environment | {"RANK": str(rank), "LOCAL_RANK": str(rank)}, log, 1)

    def _popen(self, command: list[str], environment: dict[str, str], log: IO[bytes], workers: int) -> None:
        try:
            # A group of its own: Ctrl-C reaches this process only, which then ends them.
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment, process_group=0
            )
        except OSError as error:
            raise ProcessError(f"{LAUNCH} = {shlex.join(self._launch)!r} cannot be started: {error}") from None
        self._started.append(process)
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):  # it has ended already, and the log says why
            os.write(process.stdin.fileno(), b"+" * workers)  # a byte each: you have a parent, end with it
        listener = threading.Thread(target=self._listen, args=(process.stdout,), daemon=True)
        listener.start()
        self._listeners.append(listener)

    def _listen(self, stdout: IO[bytes]) -> None:
        with stdout, open(self.log, "ab") as log:
            for line in stdout:
                try:
                    message = json.loads(line)
                except ValueError:
                    message = None
                if isinstance(message, dict) and "sempal" in message:
                    self._said.put(message)
                else:  # the launcher's own words
                    log.write(line)

    def _failure(self) -> Exception:
        """What befell them: an error of ours first, then a signal; the others lost their fellow, and say only that."""
        for error in self._errors:
            if error["kind"]:
                raised: Exception = named(error["kind"])(error["error"])
                raised.add_note(f"In process {error['sempal']} of {self.count}:\n{error['traceback']}")
                return raised
        for rank, process in enumerate(self._started):
            if process.returncode is not None and process.returncode < 0:
                return self._killed(rank, signal.Signals(-process.returncode))
        spoke = {error["sempal"] for error in self._errors}
        silent = [rank for rank, process in enumerate(self._started) if process.returncode and rank not in spoke]
        if self._errors and (self._launch or not silent):
            error = self._errors[0]
            return ProcessError(
                f"process {error['sempal']} of {self.count} failed: {error['error']}\n{error['traceback']}"
                f"\nAll that the processes said stands in {self.log}"
            )
        tail = self.log.read_text("utf-8", "replace").splitlines()[-_TAIL:]
        status = self._started[silent[0]].returncode
        return ProcessError(
            "\n".join([f"{self._who(silent[0])} ended with status {status}. The end of {self.log}:", *tail])
        )

    def _who(self, rank: int) -> str:
        return shlex.join(self._launch) if self._launch else f"process {rank} of {self.count}"

    def _killed(self, rank: int, by: signal.Signals) -> ProcessError:
        why = {
            signal.SIGKILL: "the system does that when memory runs out: take smaller batches, fewer devices, or a "
            "machine with more memory",
            signal.SIGTERM: "somebody, or a scheduler whose time was up, asked it to end",
        }.get(by, f"a fault in a library: {self.log} may say more")
        return ProcessError(f"{self._who(rank)} was ended by {by.name}: {why}")

    def end(self) -> None:
        """End all processes that have not ended, within seconds. A second call does nothing."""
        try:
            for process in self._started:
                if process.stdin and not process.stdin.closed:
                    process.stdin.close()
                self._signal(process, signal.SIGTERM)
            until = time.monotonic() + _LAST
            for process in self._started:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=max(0.0, until - time.monotonic()))
        finally:  # after a second Ctrl-C too
            for process in self._started:
                self._signal(process, signal.SIGKILL)
                process.wait()
            self.order.unlink(missing_ok=True)

    def _signal(self, process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
