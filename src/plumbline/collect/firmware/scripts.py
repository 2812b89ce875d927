"""Which daemons a start script or an inittab starts, read without running anything.

Not a shell: lines are cut into commands, simple variables are put in, and the first word of each command is what is started. A stop
function (`killall telnetd`), a test (`[ -x /usr/sbin/telnetd ]`) and a comment start nothing. What a script computes is not seen, so
the absence of a daemon here proves little; its presence proves that the script names it as a command.
"""

from __future__ import annotations

import posixpath
import re

LINES_MAX = 5_000
LINE_MAX = 2_000

# Programs that serve or log in over a network, or open a console; others that scripts start are of no interest here.
DAEMONS = frozenset(
    re.split(
        r"\s+",
        "adbd avahi-daemon bftpd bluetoothd boa busybox-httpd chronyd cron crond cupsd dbus-daemon dhcpcd dhcpd dnsmasq dropbear "
        "dropbearmulti ftpd gdbserver getty goahead hostapd httpd in.ftpd in.telnetd in.tftpd inetd iscsid klogd lighttpd lldpd lpd "
        "mdnsd mini_httpd miniupnpd minidlna mosquitto nfsd nginx nmbd ntpd odhcpd onvif_srvd openvpn ospfd pppd proftpd pure-ftpd "
        "racoon radvd rlogind rpc.mountd rpc.statd rpcbind rsyncd rsyslogd rtspd rtsp_server rshd sftp-server smbd snmpd ssdpd sshd "
        "stunnel sulogin syslogd tcpsvd telnetd tftpd thttpd udhcpd uhttpd upnpd utelnetd uvicorn vsftpd wpa_supplicant wscd "
        "xinetd xl2tpd zebra",
    )
)
# A word in front of the one that is started.
_WRAPPERS = frozenset(
    {"exec", "nohup", "setsid", "nice", "ionice", "env", "time", "sudo", "daemon", "daemonize", "service_start", "start_daemon"}
)
_SHELL_WORDS = frozenset({"if", "then", "else", "elif", "while", "until", "do", "!", "{", "(", "time"})
_RUNNERS = (("openrc-run", "command"), ("runscript", "command"), ("init-d-script", "DAEMON"))
_SEPARATORS = re.compile(r"&&|\|\||[;|&`(){}]")
_ASSIGNMENT = re.compile(r"(?:export\s+|local\s+|readonly\s+)?([A-Za-z_]\w{0,63})=(?:\"([^\"]*)\"|'([^']*)'|([^\s;\"']*))\s*(?:#.*)?$")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w{0,63})\}?")
_SCRIPT_WORD = re.compile(r"/[\w./@+-]{2,200}")


def daemons_of_script(text: str) -> set[str]:
    """Give the daemons that a shell script starts."""
    variables: dict[str, str] = {}
    found: set[str] = set()
    # OpenRC and Debian's init-d-script run what a variable names; such a script has no command of its own.
    runner = next((variable for shebang, variable in _RUNNERS if shebang in text[:100]), None)
    for line in text.replace("\\\n", " ").splitlines()[:LINES_MAX]:
        line = line.strip()[:LINE_MAX]
        if not line or line.startswith("#"):
            continue
        line = _VARIABLE.sub(lambda match: variables.get(match[1], ""), line)[: 2 * LINE_MAX]
        assignment = _ASSIGNMENT.fullmatch(line)
        if assignment:
            name, value = assignment[1], next((one for one in assignment.groups()[1:] if one is not None), "")
            variables[name] = value[:200]
            if name == runner:
                found.add(posixpath.basename(value))
            continue
        for command in _SEPARATORS.split(line):
            started = program_of(command)
            if started:
                found.add(started)
    return {name for name in found if name in DAEMONS}


def scripts_named(text: str) -> set[str]:
    """Give the absolute paths that a script's commands name: other scripts may be among them."""
    lines = [line.strip()[:LINE_MAX] for line in text.splitlines()[:LINES_MAX]]
    return {path for line in lines if not line.startswith("#") for path in _SCRIPT_WORD.findall(line)}


def program_of(command: str) -> str | None:
    """Give the base name of the program that a command line starts, looking through wrappers; None when there is none."""
    words = command.replace('"', " ").replace("'", " ").split()
    while words:
        word = posixpath.basename(words[0])
        if word in _SHELL_WORDS or re.fullmatch(r"[A-Za-z_]\w*=.*", words[0]):
            words = words[1:]
        elif word in _WRAPPERS:
            words = words[1:]
            while words and words[0].startswith("-"):
                words = words[1:]
        elif word in ("busybox", "toybox"):
            words = words[1:]
        elif word == "procd_set_param":
            words = words[2:] if words[1:2] == ["command"] else []
        elif word == "start-stop-daemon":
            return _start_stop(words[1:])
        else:
            return word.lstrip("-") or None
    return None


def _start_stop(words: list[str]) -> str | None:
    if any(word in ("-K", "--stop", "-T", "--status") for word in words):
        return None
    started = None
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in ("-x", "--exec", "-a", "--startas"):
            started = value if equals else (words[at + 1] if at + 1 < len(words) else None)
            if name in ("-a", "--startas"):
                break  # it wins over --exec
    return posixpath.basename(started) if started else None


def inittab_commands(text: str) -> list[tuple[str, str]]:
    """Give action and command of each line of an inittab (inittab(5), and BusyBox's form of it)."""
    commands: list[tuple[str, str]] = []
    for line in text.splitlines()[:LINES_MAX]:
        fields = line.strip()[:LINE_MAX].split(":", 3)
        if len(fields) == 4 and not fields[0].startswith("#") and fields[2] not in ("off", "restart", "ctrlaltdel", "shutdown"):
            commands.append((fields[2], fields[3].strip()))
    return commands
