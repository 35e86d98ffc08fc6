"""Tokens that must not pass, before and after the good one they are made from is remembered."""

import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from service.auth.authenticator import Authenticator
from service.auth.credentials import Credential
from service.errors import Unauthenticated

DEFAULT = object()


def encoded(part):
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def foreign():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Forge:
    """Makes tokens that are right in all but one thing."""

    def __init__(self, access, client_id, foreign):
        self.ring, self.client_id, self.access = access.ring, client_id, access
        self.foreign = foreign
        self.public_pem = self.ring.signing.public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def claims(self, **changes):
        now = int(time.time())
        claims = {
            "iss": "http://localhost:8080",
            "aud": "millrace",
            "sub": self.client_id,
            "client_id": self.client_id,
            "iat": now,
            "exp": now + 900,
            "jti": "token-id",
            "scope": "model:read",
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not DEFAULT}

    def token(self, claims=None, *, key=None, algorithm="RS256", **header):
        header = {"typ": "at+jwt", "kid": self.ring.signing.kid, **header}
        header = {name: value for name, value in header.items() if value is not DEFAULT}
        return jwt.encode(claims or self.claims(), key or self.ring.signing.private, algorithm, headers=header)

    def handmade(self, header, claims=None, sign=None):
        head = encoded({"typ": "at+jwt", "kid": self.ring.signing.kid, **header})
        signed = f"{head}.{encoded(claims or self.claims())}"
        return f"{signed}.{encoded(sign(signed.encode())) if sign else ''}"


def without(name):
    return lambda forge: forge.token(forge.claims(**{name: DEFAULT}))


def with_claim(**changes):
    return lambda forge: forge.token(forge.claims(**changes))


def with_header(**changes):
    return lambda forge: forge.token(**changes)


def confused(digest):
    """RS256's public key taken for an HMAC secret."""
    name = {hashlib.sha256: "HS256", hashlib.sha512: "HS512"}[digest]
    return lambda forge: forge.handmade(
        {"alg": name}, sign=lambda text: hmac.new(forge.public_pem, text, digest).digest()
    )


def tampered(forge):
    head, _, signature = forge.token().split(".")
    return f"{head}.{encoded(forge.claims(scope='access:manage'))}.{signature}"


def foreign_key(forge, **header):
    return forge.token(key=forge.foreign, **header)


def embedded_key(forge):
    numbers = forge.foreign.public_key().public_numbers()
    key = {"kty": "RSA", "n": encoded(numbers.n.to_bytes(256)), "e": "AQAB"}
    return forge.token(key=forge.foreign, jwk=key)


def elliptic(forge):
    return forge.token(key=ec.generate_private_key(ec.SECP256R1()), algorithm="ES256")


NOW = time.time
BAD = {
    "nothing": lambda _: "",
    "one word": lambda _: "garbage",
    "three words": lambda _: "a.b.c",
    "five parts": lambda forge: forge.token() + ".x.y",
    "not base64": lambda forge: forge.token().replace(".", ".!", 1),
    "cut short": lambda forge: forge.token()[:-5],
    "a signature of another token": tampered,
    "no signature": lambda forge: forge.token().rsplit(".", 1)[0] + ".",
    "alg none": lambda forge: forge.handmade({"alg": "none"}),
    "alg None": lambda forge: forge.handmade({"alg": "None"}),
    "alg missing": lambda forge: forge.handmade({}),
    "HS256 with the public key": confused(hashlib.sha256),
    "HS512 with the public key": confused(hashlib.sha512),
    "ES256": elliptic,
    "RS512": lambda forge: forge.token(algorithm="RS512"),
    "PS256": lambda forge: forge.token(algorithm="PS256"),
    "another key": foreign_key,
    "another key, embedded": embedded_key,
    "another key, by jku": lambda forge: foreign_key(forge, jku="http://attacker.example/jwks"),
    "another key, by x5u": lambda forge: foreign_key(forge, x5u="http://attacker.example/x5u"),
    "a key id that is a path": with_header(kid="../../../../dev/null"),
    "a key id of SQL": with_header(kid="' OR 1=1 --"),
    "no key id": with_header(kid=DEFAULT),
    "a key id that is a number": lambda forge: forge.handmade({"alg": "RS256", "kid": 7}, sign=lambda _: b"x" * 256),
    "crit": with_header(crit=["exp"]),
    "typ JWT": with_header(typ="JWT"),
    "typ missing": with_header(typ=DEFAULT),
    "typ of a refresh token": with_header(typ="rt+jwt"),
    "typ of an id token": with_header(typ="id+jwt"),
    "another issuer": with_claim(iss="http://attacker.example"),
    "another issuer, nearly ours": with_claim(iss="http://localhost:8080/"),
    "another audience": with_claim(aud="another-service"),
    "a list of audiences": with_claim(aud=["millrace", "another-service"]),
    "an empty audience": with_claim(aud=""),
    "expired": with_claim(iat=int(NOW()) - 2000, exp=int(NOW()) - 1000),
    "expired a moment beyond the leeway": with_claim(exp=int(NOW()) - 15),
    "not yet valid": with_claim(nbf=int(NOW()) + 1000),
    "issued in the future": with_claim(iat=int(NOW()) + 1000),
    "exp is text": with_claim(exp="tomorrow"),
    "exp is endless": with_claim(exp=float("inf")),
    "a client that does not exist": with_claim(client_id="nobody", sub="nobody"),
    "a subject that is another's": with_claim(sub="nobody"),
    "a subject that is a number": with_claim(sub=7),
    "a scope that is a list": with_claim(scope=["model:read"]),
    "64 kB": with_claim(padding="x" * 65536),
    "deep": lambda forge: forge.handmade({"alg": "RS256", "x": json.loads("[" * 500 + "]" * 500)}),
    **{f"no {name}": without(name) for name in ("iss", "aud", "sub", "client_id", "iat", "exp", "jti")},
}


@pytest.fixture
def forge(make_access, sqlite_url, make_client, foreign):
    access = make_access(sqlite_url)
    return Forge(access, make_client(access, "owner", "admin").id, foreign)


def test_the_forge_makes_tokens_that_pass_if_nothing_is_wrong_with_them(forge):
    assert forge.access.authenticator.authenticate({"authorization": f"Bearer {forge.token()}"}).subject


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_token_is_refused_with_the_one_answer_before_and_after_a_good_one(forge, kind):
    bad = {"authorization": f"Bearer {BAD[kind](forge)}"}
    for _ in range(2):
        with pytest.raises(Unauthenticated) as refusal:
            forge.access.authenticator.authenticate(bad)
        assert refusal.value.detail == "the credentials are not valid"
        forge.access.authenticator.authenticate({"authorization": f"Bearer {forge.token()}"})


def test_there_are_many_bad_tokens():
    assert len(BAD) >= 30


@pytest.mark.parametrize("scheme", ["Basic", "Digest", "Token", "", "\0", "ApiKey", "Bearer  "])
def test_a_good_token_under_another_scheme_is_refused(forge, scheme):
    with pytest.raises(Unauthenticated):
        forge.access.authenticator.authenticate({"authorization": f"{scheme} {forge.token()}"})


def test_a_token_is_not_remembered_beyond_its_expiry(forge):
    shown = f"Bearer {forge.token(forge.claims(exp=int(time.time()) + 20))}"
    forge.access.authenticator.authenticate({"authorization": shown})
    _principal, until = forge.access.view.generation.verified[Credential("authorization", shown)]
    assert until <= time.time() + 20 + 10


def test_what_was_remembered_is_verified_again_after_a_minute(forge):
    shown = f"Bearer {forge.token()}"
    forge.access.authenticator.authenticate({"authorization": shown})
    _principal, until = forge.access.view.generation.verified[Credential("authorization", shown)]
    assert until <= time.time() + 60


def test_the_memory_of_verified_credentials_is_bounded(forge):
    access = forge.access
    few = Authenticator(view=access.view, tokens=access.tokens, issuers={}, uses=access.key_uses, most_remembered=5)
    for number in range(12):
        shown = {"authorization": f"Bearer {forge.token(forge.claims(jti=str(number)))}"}
        few.authenticate(shown)
    assert len(access.view.generation.verified) <= 5
