"""What commands gave, however they were run, and what a reading is handed of it.

Not the meaning of any output (`readings`). Rules (law 7): bytes are capped before they come here; text is decoded with replacement, without
control characters; of an output that did not come to its end the last line does not count, unless it was whole. An output that is absent,
or that there is none of, is None; one that is empty is empty.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from plumbline.collect.attempt import Attempt
from plumbline.collect.host.commands import load_commands
from plumbline.model.words import Outcome

LINES_MAX = 200_000
LINE_MAX = 1 << 18  # characters: the changelog of a browser or a kernel names thousands of vulnerabilities
TEXT_MAX = 512  # of one value in a row
ITEMS_MAX = 20_000  # of one list in a row: the changelog of a kernel names thousands
UNREAD_MAX = 5  # lines of one command that are told of
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd]")


@dataclass(frozen=True, slots=True)
class Output:
    """What one command wrote, how far it came, and where that is kept."""

    command: str
    data: bytes
    outcome: Outcome = Outcome.OK
    detail: str = ""
    absent: bool = False  # what it reads is not on the system: that is known, and nothing is missing
    raw: str | None = None


class Report:
    """The outputs of one system, for readings to make rows of."""

    def __init__(
        self,
        attempt: Attempt,
        outputs: Mapping[str, Output],
        *,
        source: str,
        key: bytes,
        declared_id: str | None,
        seen_at: datetime,
        proved: bytes | None,
    ) -> None:
        """`source` is ssh or hostkit, `declared_id` the asset's as the customer says it, `proved` the host key that a login showed."""
        self.source, self.key, self.declared_id, self.seen_at, self.proved = source, key, declared_id, seen_at, proved
        self._attempt = attempt
        self._outputs = outputs
        self._unread: Counter[str] = Counter()

    @property
    def root(self) -> bool | None:
        """Whether it was seen as root; None: nobody said."""
        words = (self.text("shell") or "").split()
        return words[2] == "0" if len(words) == 3 and words[2].isdecimal() else None

    def raw(self, command: str) -> str | None:
        """Where the output of a command is kept."""
        return self._outputs[command].raw if command in self._outputs else None

    def whole(self, command: str) -> bool:
        """Whether a command came to its end, with everything that it reads or with nothing to read."""
        return command in self._outputs and self._outputs[command].outcome is Outcome.OK

    def text(self, command: str) -> str | None:
        """The output of a command; None: absent, or it gave nothing that may be read."""
        output = self._outputs.get(command)
        if output is None or output.absent or (output.outcome is not Outcome.OK and not output.data):
            return None
        data = output.data
        if output.outcome is not Outcome.OK and not data.endswith(b"\n"):
            data = data[: data.rfind(b"\n") + 1]
        return _CONTROLS.sub(" ", data.decode("utf-8", "replace"))

    def lines(self, command: str) -> Iterator[str]:
        """The lines of an output that are not empty; none where there is no output."""
        for number, line in enumerate((self.text(command) or "").split("\n", LINES_MAX)):
            if number == LINES_MAX:
                self.short(Outcome.PARTIAL, f"{command}: more than {LINES_MAX} lines", *load_commands()[command].tables)
                return
            if line.strip():
                if len(line) > LINE_MAX:
                    self.short(Outcome.PARTIAL, f"{command}: a line of more than {LINE_MAX} characters", *load_commands()[command].tables)
                yield line[:LINE_MAX]

    def row(self, table: str, subject: str, command: str, **columns: Any) -> None:
        """Add a row that rests on a command's output; texts are cut to what a row holds."""
        self._attempt.row(table, subject[:TEXT_MAX], raw=self.raw(command), **{name: _cut(value) for name, value in columns.items()})

    def short(self, outcome: Outcome, detail: str, *tables: str) -> None:
        """Say that tables are not whole, and why."""
        self._attempt.short(outcome, detail, *tables)

    def unread(self, command: str, line: str) -> None:
        """Say that a line of an output is not as the command writes it; it is passed over."""
        self._unread[command] += 1
        if self._unread[command] <= UNREAD_MAX:
            self.short(Outcome.PARTIAL, f"{command}: not read: {line[:60]!r}", *load_commands()[command].tables)


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()[:TEXT_MAX]
    if isinstance(value, list):
        return [str(one)[:TEXT_MAX] for one in value[:ITEMS_MAX]]
    return value
