"""Collects the firmware images that the rig file lists, custom ones too, each read by a worker process under limits (`worker`).

Rules: what a worker tells is checked like anything hostile; a worker that dies of its image leaves what it had told until then, the tables
`partial` at best, with the reason; nothing is written but the bundle and a scratch folder that goes with the worker.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from plumbline.collect.attempt import Attempt
from plumbline.collect.context import Context
from plumbline.collect.file_names import as_in_rig, entity_keys
from plumbline.collect.firmware.reading import TABLES
from plumbline.evidence.bundle import SuppliedFile
from plumbline.model.entities import Entity
from plumbline.model.errors import EnvironmentFault
from plumbline.model.words import EntityKind, Outcome
from plumbline.rig.models import Rig

IMAGE_MAX = 64 << 30  # bytes: the largest memory cards of devices
ROWS_MAX = 2_000_000
LINE_MAX = 1 << 20
_KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH")  # of our environment, which may hold secrets of logins
_SIGNALS = {signal.SIGXCPU: "it took too long", signal.SIGKILL: "it took too long or too much memory", signal.SIGXFSZ: "it grew too large"}


def collect(context: Context) -> None:
    """Read every image of the rig file."""
    models = _models(context.rig)
    for path, key in entity_keys(models, context.rig.path).items():
        if context.stop():
            return
        entity = Entity.of(EntityKind.IMAGE, "", key)
        if context.writer.attempted(entity, TABLES[0]):
            continue  # by an earlier session
        attempt = Attempt(context, entity, TABLES)
        file = None if _is_too_large(attempt, path) else attempt.supply(path)
        if file is not None:
            _Worker(context, attempt, file, models[path]).run()
        if context.stop():
            attempt.abandon()
            return
        attempt.end()


def _models(rig: Rig) -> dict[Path, str | None]:
    """Give the model of each file to read; of [[custom]] the images and the archives with code, of no model unless listed with one."""
    custom = {path: None for part in rig.customs for path in (*part.firmware, part.code) if path is not None and path.is_file()}
    return {**custom, **{firmware.path: firmware.model for firmware in rig.firmware}}


def _is_too_large(attempt: Attempt, path: Path) -> bool:
    """Say of a file that it is larger than an image may be, before all of it is read for its digest: it may be nothing but a hole."""
    try:
        size = path.stat().st_size
    except OSError:
        return False  # said when it is read
    if size > IMAGE_MAX:
        attempt.short(Outcome.NOT_SUPPORTED, f"{path.name}: {size >> 30} GB, where images of up to {IMAGE_MAX >> 30} GB are read")
    return size > IMAGE_MAX


class _Worker:
    """One worker process, and what it tells."""

    def __init__(self, context: Context, attempt: Attempt, file: SuppliedFile, model: str | None) -> None:
        self.context = context
        self.attempt = attempt
        self.file = file
        self.model = model
        self.ended = False

    def run(self) -> None:
        """Let it read the image to its end, or until the run is stopped."""
        with tempfile.TemporaryDirectory(prefix=".reading-", dir=self.context.writer.path) as scratch:
            command = [sys.executable, "-I", "-m", "plumbline.collect.firmware.worker"]
            pipe, kept = subprocess.PIPE, {name: os.environ[name] for name in _KEPT if name in os.environ}
            with tempfile.TemporaryFile(dir=scratch) as errors:
                try:
                    process = subprocess.Popen(
                        command, stdin=pipe, stdout=pipe, stderr=errors, cwd=scratch, env=kept, start_new_session=True
                    )
                except OSError as error:
                    raise EnvironmentFault(f"cannot start a process: {error.strerror}") from error
                with process:
                    try:
                        self._ask(process, scratch)
                        self._hear(process)
                    finally:
                        os.killpg(process.pid, signal.SIGKILL)  # it is over, or nobody listens any more; so for all that it started
                errors.seek(0)
                said = errors.read(65536).decode("utf-8", "replace")
            if not self.ended and not self.context.stop():
                self._died(process.returncode, said)

    def _ask(self, process: subprocess.Popen[bytes], scratch: str) -> None:
        asked = {
            "file": str(self.file.path),
            "scratch": scratch,
            "path": as_in_rig(self.file.path, self.context.rig.path),
            "sha256": self.file.sha256,
            "size_bytes": self.file.size_bytes,
            "model": self.model,
            "key": self.context.key.hex(),
        }
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.close()
        except BrokenPipeError:
            pass  # it died at once; what it said tells why

    def _hear(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        rows = 0
        while line := process.stdout.readline(LINE_MAX):
            if self.context.stop():
                return
            if not line.endswith(b"\n"):
                return  # cut off: it died of what it was reading, or told more than a row can be
            match json.loads(line):
                case ["row", str(table), str(subject), at, dict(columns)] if table in TABLES:
                    rows += 1
                    if rows > ROWS_MAX:
                        self.attempt.short(Outcome.PARTIAL, f"{self.file.path.name}: more than {ROWS_MAX} rows")
                        self.ended = True
                        return
                    raw = self.file.at(at) if isinstance(at, int) else f"file/{self.file.sha256}"
                    self.attempt.row(table, subject, raw=raw, **{name: _value(value) for name, value in columns.items()})
                case ["short", str(outcome), str(detail), list(tables)]:
                    self.attempt.short(Outcome(outcome), detail, *tables)
                case ["progress", int(done), int(total)]:
                    self.context.progress(self.file.path.name, done, total)
                case ["end"]:
                    self.ended = True

    def _died(self, code: int, said: str) -> None:
        """Say why a reader came to no end: for its image's sake, or by a defect of ours, told with its trace."""
        name = self.file.path.name
        if "MemoryError" in said or -code in _SIGNALS:
            why = "it took too much memory" if "MemoryError" in said else _SIGNALS[signal.Signals(-code)]
            self.attempt.short(Outcome.PROTOCOL_ERROR, f"{name}: reading it was ended: {why}")
        else:
            self.attempt.short(Outcome.INTERNAL_ERROR, f"{name}: the reader ended with {code}: {said[-500:]}")


def _value(value: Any) -> Any:
    return datetime.fromisoformat(value["@"]) if isinstance(value, dict) else value
