"""The script of `plumbline hostkit`: one readable POSIX shell script that a customer runs on a gateway or another Linux device.

It runs the published list (`commands`), text by text as a login does, and writes one file, which `kit_file` reads:

    plumbline-hostkit 1                  the format
    by <release>, at <UTC time>, as <user id>
    @ <command>                          begins what one command gave
    |<line>                              each line of its output, then one empty line, unless it ended without a line's end
    |=<exit code>                        last; missing where the output was cut at the command's limit
    end                                  last of all; missing where the script was ended

Rules: it needs no root and no program beyond those of busybox; it reads only; nothing is sent anywhere. It is made of the list alone, so
that two people who make it of one release hold the same bytes.
"""

from __future__ import annotations

from textwrap import wrap

from plumbline import __version__
from plumbline.collect.host.commands import Command, load_commands, prelude

FORMAT = "plumbline-hostkit 1"
MARK = "PLUMBLINE"

_HEAD = """\
#!/bin/sh
# hostkit of Plumbline {version}: shows an auditor this system from inside.
#
#   sh hostkit.sh [FILE]
#
# It reads what is listed here and writes it to FILE (plumbline-<host name>.txt when left out). It changes nothing, asks for no rights that
# you do not have, and sends nothing: you look at the file, and hand it over. As root it sees more. No password, no hash of one and no key
# is read into it: of those only whether there are any, and of which kind.
#
# What it reads (* needs root, + sees more as root):
{listing}
set -u
umask 077
file=${{1:-plumbline-$(uname -n).txt}}

# Each command gets a few seconds where this system can limit them, and its output is cut at a limit.
if timeout 1 true 2>/dev/null; then limit() {{ timeout "$@"; }}; else limit() {{ shift; "$@"; }}; fi
if printf x | head -c 1 >/dev/null 2>&1; then cut_at() {{ head -c "$1"; }}; else cut_at() {{ cat; }}; fi
before='{prelude}'

# part COMMAND ROOT SECONDS BYTES: run the text on its input, and write what it gave.
part() {{
  text=$(cat)
  printf '@ %s\\n' "$1"
  if [ "$2" = only ] && [ "$(id -u)" != 0 ]; then
    printf '|\\n|=4\\n'
  else
    {{ limit "$3" sh -c "$before$text"; printf '\\n=%s\\n' "$?"; }} 2>/dev/null | cut_at "$4" | LC_ALL=C sed 's/^/|/'
    printf '\\n'
  fi
}}

{{
printf '%s\\nby %s, at %s, as %s\\n' '{form}' '{version}' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(id -u)"
"""

_TAIL = """\
printf 'end\\n'
} > "$file" || { echo "$file cannot be written: name another file." >&2; exit 1; }
echo "Wrote $file. Look at it, then name it in [[hostkit]] of the rig file." >&2
"""


def script() -> str:
    """Give the script."""
    commands = load_commands().values()
    listing = "\n".join(line for command in commands for line in _listed(command))
    head = _HEAD.format(version=__version__, listing=listing, prelude=prelude(), form=FORMAT)
    return head + "".join(_part(command) for command in commands) + _TAIL


def _listed(command: Command) -> list[str]:
    sign = {"only": "*", "more": "+", "no": " "}[command.root]
    first, *others = wrap(command.reads, 110)
    return [f"# {sign} {command.id:<18} {first}", *(f"#   {'':<18} {line}" for line in others)]


def _part(command: Command) -> str:
    """One call of `part`; output, its last line's end and exit code fit the limit that a login has for the output alone."""
    return f"part {command.id} {command.root} {command.timeout_s} {command.cap_bytes} <<'{MARK}'\n{command.text}{MARK}\n"
