"""The verifier's Ed25519 says what RFC 8032 and another implementation say."""

import random

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.consent.verify import ed25519_verifies

ORDER = 2**252 + 27742317777372353535851937790883648493
VECTORS = [  # RFC 8032, section 7.1: secret key, message, signature
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("secret", "message", "signature"), VECTORS)
def test_the_vectors_of_the_rfc_verify(secret: str, message: str, signature: str) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    public = key.public_key().public_bytes_raw()
    assert key.sign(bytes.fromhex(message)).hex() == signature
    assert ed25519_verifies(public, bytes.fromhex(message), bytes.fromhex(signature))


def says_the_other(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def test_it_agrees_with_another_implementation_on_right_and_broken_signatures() -> None:
    chance = random.Random(8032)  # noqa: S311
    for _ in range(60):
        key = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
        public, message = key.public_key().public_bytes_raw(), chance.randbytes(50)
        signature = key.sign(message)
        assert ed25519_verifies(public, message, signature)
        parts = [bytearray(public), bytearray(message), bytearray(signature)]
        part = chance.choice(parts)
        part[chance.randrange(len(part))] ^= 1 << chance.randrange(8)
        broken = [bytes(part) for part in parts]
        assert not says_the_other(*broken)
        assert not ed25519_verifies(*broken)


def test_a_signature_with_a_scalar_beyond_the_order_is_refused() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public, signature = key.public_key().public_bytes_raw(), key.sign(b"x")
    again = int.from_bytes(signature[32:], "little") + ORDER
    malleated = signature[:32] + again.to_bytes(32, "little")
    assert not ed25519_verifies(public, b"x", malleated)


@pytest.mark.parametrize("length", [0, 31, 32, 63, 65])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signature = (key.sign(b"x") + b"\0")[:length]
    assert not ed25519_verifies(key.public_key().public_bytes_raw(), b"x", signature)


def test_a_key_that_is_no_point_is_refused() -> None:
    for public in (b"", b"\xff" * 32, (2).to_bytes(32, "little")):
        assert not ed25519_verifies(public, b"x", bytes(64))
