"""The cloud endpoints that the rig file lists by name (`authorisation.hosts`): where they are, and what speaks on the ports of clouds.

Not a sweep: a name is one entity, `host:/<name>`, and is asked at HTTPS and MQTT over TLS alone. Its rows tell of the first of its
addresses with an open port, as one name's addresses are one service to those who use it; the contact log says which one that was.

Rules: a name without a permitted address is covered, never guessed at; no row of `host` is written, as that table is of the swept networks.
"""

from __future__ import annotations

from ipaddress import ip_network

from plumbline.collect.context import Context
from plumbline.collect.network.host import HostVisit
from plumbline.collect.network.names import CODEC
from plumbline.collect.network.probe import outcome_of
from plumbline.collect.network.registry import load_probes
from plumbline.model.errors import DeviceError, NotPermittedError, RefusedError, SilentError
from plumbline.model.words import Intrusion, Outcome
from plumbline.net.door import Door
from plumbline.net.sweep import PortState
from plumbline.rig.models import Network
from plumbline.rig.permits import Refusal

PORTS = (443, 8883)  # of `permits.CLOUD_PORTS`, those that a probe of ours speaks
ADDRESSES_MAX = 4  # tried one after the other; each silent one costs its whole deadline
WHY = "listed host"


def visit_of(context: Context, door: Door, name: str) -> HostVisit:
    """Begin the visit of one listed host; where it is, `ask` finds out."""
    nowhere = Network(name="hosts", site="", ranges=(ip_network("::/128"),), ports=PORTS, udp_ports=())
    return HostVisit(door, context.writer, context.key, context.now, load_probes(), nowhere, "", name=name, wants=context.wants)


async def ask(visit: HostVisit) -> None:
    """Resolve the name, ask what answers there, and commit; raises NotPermittedError when the authorised time is over."""
    assert visit.name is not None  # visit_of gives it one
    try:
        addresses = await visit.door.resolve(visit.name, why=WHY, codec=CODEC, port=PORTS[0])
    except NotPermittedError as refusal:
        if refusal.reason in (Refusal.NOT_YET_VALID, Refusal.EXPIRED, Refusal.OUTSIDE_WINDOW):
            raise
        visit.leave(Outcome.NOT_PERMITTED, str(refusal))
        return
    except DeviceError as error:
        visit.leave(outcome_of(error), f"{visit.name}: {error}")
        return
    if not addresses:
        visit.leave(Outcome.UNREACHABLE, f"{visit.name}: the rig's resolvers know no address for it")
        return
    answered: tuple[str, dict[int, PortState]] | None = None
    for address in addresses[:ADDRESSES_MAX]:
        visit.address = address
        visit.ports = {port: await _knock(visit, port) for port in PORTS}
        if PortState.OPEN in visit.ports.values():
            break
        answered = answered or ((visit.address, visit.ports) if visit.answered else None)
    else:  # nowhere is anything open: a reset says so better than silence
        visit.address, visit.ports = answered or (visit.address, visit.ports)
    await visit.ask_others()
    visit.finish(declared=True)


async def _knock(visit: HostVisit, port: int) -> PortState:
    try:
        connection = await visit.door.connect(visit.address, port, why=WHY, intrusion=Intrusion.QUERY, name=visit.name)
    except RefusedError:
        return PortState.CLOSED
    except SilentError:
        return PortState.TIMEOUT
    except NotPermittedError:
        return PortState.REFUSED_BY_LAW
    except DeviceError:
        return PortState.UNREACHABLE
    visit.permit = connection.permit.id
    await connection.close()
    return PortState.OPEN
