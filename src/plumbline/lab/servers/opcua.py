"""OPC UA by asyncua: its binary server with an address space that holds nothing, because an auditor asks for endpoints only.

Loading the standard address space takes seconds and would be shown to nobody. The channel without security is there on hardened servers
too: it is how discovery works (OPC 10000-4, 5.4.1), and only what GetEndpoints lists can be used for sessions.
"""

from __future__ import annotations

from asyncua import ua
from asyncua.common.connection import TransportLimits
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256, SecurityPolicyFactory, SecurityPolicyNone
from asyncua.server.binary_server_asyncio import BinaryServer
from asyncua.server.internal_server import InternalServer
from cryptography import x509

from plumbline.lab import certificates
from plumbline.lab.fleet import Device
from plumbline.lab.servers.streams import Stop
from plumbline.lab.services import OpcUa
from plumbline.lab.watch import Watch

BINARY = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"  # OPC 10000-7


async def start(device: Device, service: OpcUa, _watch: Watch) -> Stop:
    """Serve the endpoints' list."""
    internal = InternalServer()
    internal.certificate = x509.load_der_x509_certificate(certificates.der(service.certificate))
    internal.private_key = service.certificate.private_key
    internal.supported_tokens = (ua.UserNameIdentityToken, *((ua.AnonymousIdentityToken,) if service.unsecured else ()))
    encrypted = (SecurityPolicyBasic256Sha256, ua.MessageSecurityMode.SignAndEncrypt)
    discovery = (SecurityPolicyNone, ua.MessageSecurityMode.None_)
    internal.add_endpoint(_endpoint(device, service, *encrypted, anonymous=False))
    if service.unsecured:
        internal.add_endpoint(_endpoint(device, service, *discovery, anonymous=True))
    server = BinaryServer(internal, device.address, service.port, TransportLimits())
    server.set_policies([SecurityPolicyFactory(*policy, internal.certificate, internal.private_key) for policy in (discovery, encrypted)])
    await server.start()

    async def stop() -> None:
        await server.stop()

    return stop


def _endpoint(
    device: Device, service: OpcUa, policy: type[SecurityPolicyNone], mode: ua.MessageSecurityMode, *, anonymous: bool
) -> ua.EndpointDescription:
    """Describe one endpoint (OPC 10000-4, 7.14)."""
    url = f"opc.tcp://{device.address}:{service.port}/"
    application = ua.ApplicationDescription(
        ApplicationUri=service.application_uri,
        ProductUri=service.application_uri,
        ApplicationName=ua.LocalizedText(service.application_name),
        ApplicationType=ua.ApplicationType.Server,
        DiscoveryUrls=[url],
    )
    tokens = [ua.UserTokenPolicy("username", ua.UserTokenType.UserName, SecurityPolicyUri=SecurityPolicyBasic256Sha256.URI)]
    if anonymous:
        tokens.append(ua.UserTokenPolicy("anonymous", ua.UserTokenType.Anonymous))
    return ua.EndpointDescription(
        EndpointUrl=url,
        Server=application,
        ServerCertificate=certificates.der(service.certificate),
        SecurityMode=mode,
        SecurityPolicyUri=policy.URI,
        UserIdentityTokens=tokens,
        TransportProfileUri=BINARY,
        SecurityLevel=0 if anonymous else 70,
    )
