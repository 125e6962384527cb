"""Keys and signatures on the wire (RFC 7515, 7517, 7518, 8037), by hand: no JWT library is trusted."""

import base64
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | bytes

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
DIGESTS: Mapping[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES: Mapping[str, ec.EllipticCurve] = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
CURVE_NAMES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
RSA_KINDS = ("RS", "PS")


@dataclass(frozen=True)
class Key:
    kid: str
    alg: str
    private: Private

    def jwk(self) -> dict[str, str]:
        return {**material(self.private), "kid": self.kid, "use": "sig", "alg": self.alg}

    def pem(self) -> bytes:
        """The public key as anybody can make it of the JWK; of a symmetric key the secret."""
        if isinstance(self.private, bytes):
            return self.private
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, data: bytes, alg: str) -> bytes:
        """Any RSA key signs with any RSA algorithm, whatever it is published for; raises ValueError for a misfit."""
        if alg != self.alg and not (alg in ALGORITHMS and {alg[:2], self.alg[:2]} <= set(RSA_KINDS)):
            raise ValueError(f"a key for {self.alg} cannot sign with {alg}")
        return signature(self.private, data, alg)


def generate(alg: str, bits: int = 2048) -> Key:
    private: Private
    if alg == "HS256":
        private = secrets.token_bytes(32)
    elif alg == "EdDSA":
        private = ed25519.Ed25519PrivateKey.generate()
    elif alg in CURVES:
        private = ec.generate_private_key(CURVES[alg])
    else:
        private = rsa.generate_private_key(65537, bits)
    return Key(secrets.token_hex(8), alg, private)


def signature(private: Private, data: bytes, alg: str) -> bytes:
    if isinstance(private, bytes):
        return hmac.digest(private, data, "sha256")
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private.sign(data)
    digest = DIGESTS[alg[2:]]
    if isinstance(private, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(private.sign(data, ec.ECDSA(digest)))
        size = (private.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    pss = padding.PSS(padding.MGF1(digest), salt_length=digest.digest_size)
    return private.sign(data, pss if alg.startswith("PS") else padding.PKCS1v15(), digest)


def material(private: Private) -> dict[str, str]:
    """The members of a JWK that are the key itself."""
    if isinstance(private, bytes):
        return {"kty": "oct", "k": base64url(private)}
    public = private.public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url(public.public_bytes_raw())}
    if isinstance(public, ec.EllipticCurvePublicKey):
        size, point = (public.key_size + 7) // 8, public.public_numbers()
        crv = CURVE_NAMES[public.curve.name]
        return {"kty": "EC", "crv": crv, "x": number(point.x, size), "y": number(point.y, size)}
    numbers = public.public_numbers()
    return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int, size: int | None = None) -> str:
    return base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def signing_input(header: Mapping[str, Any], payload: bytes) -> str:
    return f"{base64url(json.dumps(header).encode())}.{base64url(payload)}"


def signed(claims: Mapping[str, Any], key: Key) -> str:
    """A JWT access token (RFC 9068) as it should be."""
    text = signing_input(usual_header(key), json.dumps(claims).encode())
    return f"{text}.{base64url(key.sign(text.encode(), key.alg))}"


def usual_header(key: Key) -> dict[str, Any]:
    return {"typ": "at+jwt", "alg": key.alg, "kid": key.kid}
