"""Keys and certificates are functions of their descriptions."""

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from plumbline.lab.certificates import Certificate, authority_der, chain_pem, der
from plumbline.lab.keys import private_key, public_digest
from tests.lab.conftest import AT

END = AT.replace(year=2030)

# Public-key digests of the name "x": they change only when the derivation is changed on purpose.
DIGESTS = {
    "ec": "0d6c3f7a480d1383a99ec005a9f8d282e8b27e2c056c717e5d1846f0ff8db6f8",
    "ed25519": "6fb3c154bf478796b1d38c14e7b3ee789a2ff069e1debd9640eef616f716ea2e",
    "rsa-1024": "cc06e6fb90c09125ae738fdd365c591f3ee77c589d30d718b944a80459541742",
}


@pytest.mark.parametrize("kind", DIGESTS)
def test_a_name_gives_the_same_key_for_ever(kind: str) -> None:
    assert public_digest(private_key(kind, "x")) == DIGESTS[kind]


def test_rsa_keys_have_their_full_size_and_work() -> None:
    key = private_key("rsa-1024", "y")
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 1024
    key.public_key().verify(key.sign(b"m", padding.PKCS1v15(), hashes.SHA256()), b"m", padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize("kind", ["dsa", "rsa", "rsa-x", ""])
def test_other_kinds_are_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="no such kind"):
        private_key(kind, "x")


def test_a_leaf_is_signed_by_its_authority() -> None:
    leaf = Certificate("camera.example", "a", "ec", AT, END, ("127.0.0.9",), "Test CA")
    issued, authority = (x509.load_der_x509_certificate(one) for one in (der(leaf), authority_der(leaf)))
    issued.verify_directly_issued_by(authority)
    assert chain_pem(leaf, with_authority=True).count(b"BEGIN CERTIFICATE") == 2
    assert chain_pem(leaf, with_authority=False).count(b"BEGIN CERTIFICATE") == 1


def test_a_sha1_certificate_is_not_merely_labelled_so() -> None:
    issued = x509.load_der_x509_certificate(der(Certificate("a", "a", "rsa-1024", AT, END, signature_hash="sha1")))
    key = issued.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    recovered = pow(int.from_bytes(issued.signature), key.public_numbers().e, key.public_numbers().n).to_bytes(128)
    assert recovered.endswith(hashlib.sha1(issued.tbs_certificate_bytes).digest())
    assert issued.signature_hash_algorithm is not None and issued.signature_hash_algorithm.name == "sha1"


def test_only_rsa_signs_with_sha1() -> None:
    with pytest.raises(ValueError, match="only RSA"):
        der(Certificate("a", "a", "ec", AT, END, signature_hash="sha1"))
