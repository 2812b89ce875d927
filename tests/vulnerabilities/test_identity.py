"""Under which keys feeds may name a component, and how sure each is; names of products and namespaces."""

from __future__ import annotations

from collections import Counter

import pytest
from packageurl import PackageURL

from plumbline.model.errors import ProtocolError
from plumbline.vulnerabilities.cpe import Cpe, parse_cpe
from plumbline.vulnerabilities.identity import Component, Sure, alias_of, keys, load_aliases
from plumbline.vulnerabilities.namespaces import is_distribution, namespace_of_cpe, namespace_of_ecosystem, namespace_of_purl

COMPONENTS: dict[str, tuple[Component, dict[str, Sure], bool]] = {
    "a package of a distribution, by its source": (
        Component(name="libssl3", source="openssl", manager="dpkg", namespace="debian:12"),
        {"ns:debian:12/openssl": Sure.OWN, "ns:debian:12/libssl3": Sure.OWN, "cpe:a:openssl:openssl": Sure.TABLE},
        True,
    ),
    "a package of an ecosystem": (
        Component(name="ws", manager="sbom", purl="pkg:npm/ws@8.0.0"),
        {"purl:pkg:npm/ws": Sure.OWN, "vp:ws:ws": Sure.NAME},
        False,
    ),
    "one with its CPE name": (
        Component(name="HTTP Server", manager="sbom", cpe="cpe:2.3:a:apache:http_server:2.4.1:*:*:*:*:*:*:*"),
        {"cpe:a:apache:http_server": Sure.OWN, "vp:apache:http_server": Sure.OWN},
        False,
    ),
    "one with a supplier": (
        Component(name="Router OS", manager="sbom", supplier="Acme Corp"),
        {"vp:acme_corp:router_os": Sure.NAME},
        False,
    ),
    "a kernel's banner, by the table": (
        Component(name="linux", manager="kernel", confidence="banner"),
        {"cpe:o:linux:linux_kernel": Sure.TABLE, "vp:linux:linux": Sure.TABLE},
        False,
    ),
    "a package by a pattern of the table": (
        Component(name="linux-image-6.1.0-18-amd64", manager="dpkg"),
        {"cpe:o:linux:linux_kernel": Sure.TABLE},
        True,
    ),
    "an odd CPE name is none": (Component(name="x", manager="sbom", cpe="cpe:odd"), {"vp:x:x": Sure.NAME}, False),
}


@pytest.mark.parametrize(("component", "expected", "packaged"), COMPONENTS.values(), ids=COMPONENTS)
def test_keys(component: Component, expected: dict[str, Sure], packaged: bool) -> None:
    assert expected.items() <= keys(component).items()
    assert component.packaged is packaged


@pytest.mark.parametrize("name", ["libcrypto++8", "libcurlpp0"])
def test_a_library_whose_name_begins_alike_is_another(name: str) -> None:
    assert alias_of(Component(name=name, manager="dpkg")) is None


@pytest.mark.parametrize("name", ["libcrypto1.1", "libcrypto3", "libcrypto-util", "libcurl4", "libcurl3-gnutls", "libcurl-devel"])
def test_a_library_goes_by_the_name_of_its_product(name: str) -> None:
    assert alias_of(Component(name=name, manager="dpkg")) is not None


def test_no_key_is_a_name_alone() -> None:
    assert all(key.count(":") >= 2 for key in keys(Component(name="core", version="1.0", manager="sbom")))


def test_the_table_of_aliases_names_nothing_twice() -> None:
    names = Counter(name for alias in load_aliases() for name in alias.names)
    assert [name for name, count in names.items() if count > 1] == []
    for alias in load_aliases():
        assert all(cpe.count(":") == 2 and cpe == cpe.lower() for cpe in alias.cpes), alias.product
        assert all(name == name.lower() for name in alias.names), alias.product


def test_the_source_package_goes_before_the_name() -> None:
    alias = alias_of(Component(name="kernel", source="busybox", manager="dpkg"))
    assert alias is not None and alias.product == "busybox"


CPES = {
    "2.3": ("cpe:2.3:a:acme:httpd:1.0:p1:*:*:*:*:*:*", ("a:acme:httpd", "1.0", "p1")),
    "2.3 in capitals": ("CPE:2.3:A:Acme:HTTPD:1.0:*:*:*:*:*:*:*", ("a:acme:httpd", "1.0", None)),
    "2.3 with an escaped colon": (r"cpe:2.3:a:acme:ht\:tpd:1\.0:*:*:*:*:*:*:*", ("a:acme:ht:tpd", "1.0", None)),
    "2.2": ("cpe:/o:linux:linux_kernel:5.10", ("o:linux:linux_kernel", "5.10", None)),
    "2.2 with a quoted character": ("cpe:/a:acme:ht%2btpd", ("a:acme:ht+tpd", None, None)),
    "no version": ("cpe:2.3:h:acme:box:-:*:*:*:*:*:*:*", ("h:acme:box", "-", None)),
}


@pytest.mark.parametrize(("text", "expected"), CPES.values(), ids=CPES)
def test_cpe_names(text: str, expected: tuple[str, str | None, str | None]) -> None:
    cpe = parse_cpe(text)
    assert (cpe.key, cpe.version, cpe.update) == expected


BAD = {
    "nothing": "",
    "another scheme": "pkg:npm/ws",
    "no product": "cpe:2.3:a:acme:*:1.0:*:*:*:*:*:*:*",
    "a part that is none": "cpe:2.3:x:acme:httpd",
    "too long": "cpe:2.3:a:acme:" + "x" * 2_000,
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_is_no_cpe_name(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse_cpe(text)


ECOSYSTEMS = {
    "Debian:12": "debian:12",
    "Ubuntu:22.04:LTS": "ubuntu:22.04",
    "Alpine:v3.18": "alpine:v3.18",
    "Rocky Linux:9": "rocky:9",
    "Red Hat:enterprise_linux:9::baseos": "redhat:9",
    "Debian": "debian",
    "npm": "npm",
    "crates.io": "cargo",
    "Go": "golang",
    "Linux": None,
    "": None,
}


@pytest.mark.parametrize(("ecosystem", "namespace"), ECOSYSTEMS.items(), ids=ECOSYSTEMS)
def test_ecosystems(ecosystem: str, namespace: str | None) -> None:
    assert namespace_of_ecosystem(ecosystem) == namespace


PURLS = {
    "pkg:deb/debian/openssl@3?distro=debian-12": "debian:12",
    "pkg:apk/alpine/busybox@1?distro=alpine-3.18": "alpine:v3.18",
    "pkg:deb/debian/openssl@3": "debian",
    "pkg:deb/acme/openssl@3": None,
    "pkg:npm/ws@8": "npm",
    "pkg:generic/x": None,
}


@pytest.mark.parametrize(("text", "namespace"), PURLS.items(), ids=PURLS)
def test_package_urls(text: str, namespace: str | None) -> None:
    assert namespace_of_purl(PackageURL.from_string(text)) == namespace


def test_platforms_by_cpe() -> None:
    assert namespace_of_cpe(parse_cpe("cpe:/o:redhat:enterprise_linux:9::baseos")) == "redhat:9"
    assert namespace_of_cpe(parse_cpe("cpe:/a:acme:httpd:9")) is None
    assert namespace_of_cpe(None) is None
    assert is_distribution("debian:12") and not is_distribution("npm") and not is_distribution(None)
    assert isinstance(parse_cpe("cpe:/a:acme:httpd:9"), Cpe)
