"""The pages of the lab's web servers. Words only; `web` says when which is shown."""

from __future__ import annotations

from plumbline.lab.fleet import Device
from plumbline.lab.services import Page, Web

_LOGIN = """<form action="/login" method="post">
<label>Name <input name="user"></label> <label>Word <input type="password" name="password"></label> <input type="submit" value="Sign in">
</form>"""

_ADMINISTRATION = """<ul>
<li><a href="/configuration">Configuration</a></li>
<li><a href="/firmware">Firmware update</a></li>
<li><a href="/users">User accounts</a></li>
<li><a href="/reboot">Reboot</a></li>
</ul>"""

_LISTING = """<ul>
<li><a href="label-0001.prn">label-0001.prn</a></li>
<li><a href="label-0002.prn">label-0002.prn</a></li>
</ul>"""


def html(service: Web) -> str:
    """Write the page for GET /."""
    body = {Page.LOGIN: _LOGIN, Page.ADMINISTRATION: _ADMINISTRATION, Page.LISTING: _LISTING}.get(service.page, "<p>Ready.</p>")
    title = "Index of /" if service.page is Page.LISTING else service.title
    stated = f"<p>Model: {service.model}</p>" if service.model else ""
    stated += f"<p>Firmware version: {service.firmware_version}</p>" if service.firmware_version else ""
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1>{body}{stated}</body></html>"


def upnp_description(device: Device) -> str:
    """Write the description of an Internet Gateway Device (UPnP Device Architecture 2.0, 2.3; WANIPConnection:1)."""
    return f"""<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>0</minor></specVersion>
<device><deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType><friendlyName>Router</friendlyName>
<manufacturer>Northwind</manufacturer><modelName>{device.model.partition("/")[2]}</modelName><UDN>{udn(device)}</UDN>
<deviceList><device><deviceType>urn:schemas-upnp-org:device:WANDevice:1</deviceType><friendlyName>WAN</friendlyName>
<manufacturer>Northwind</manufacturer><modelName>WAN</modelName><UDN>{udn(device)}-wan</UDN>
<deviceList><device><deviceType>urn:schemas-upnp-org:device:WANConnectionDevice:1</deviceType><friendlyName>Connection</friendlyName>
<manufacturer>Northwind</manufacturer><modelName>Connection</modelName><UDN>{udn(device)}-connection</UDN>
<serviceList><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>
<serviceId>urn:upnp-org:serviceId:WANIPConn1</serviceId><SCPDURL>/wanip.xml</SCPDURL><controlURL>/control</controlURL>
<eventSubURL>/events</eventSubURL></service></serviceList></device></deviceList></device></deviceList></device></root>
"""


def udn(device: Device) -> str:
    """Give the device's UPnP name: a UUID whose node is its MAC (RFC 4122, 4.1.6)."""
    return f"uuid:00000000-0000-1000-8000-{device.mac.replace(':', '')}"
