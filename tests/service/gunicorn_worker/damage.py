"""Heads as Nginx writes them, whole and damaged."""


def head(*fields, line="POST /v1/models/iris:predict HTTP/1.1", host="Host: millrace.example"):
    return "\r\n".join([line, *([host] if host else []), *fields]).encode("latin-1")


PIECES = [
    b"\r\n", b"\n", b"\r", b"\0", b"\t", b" ", b":", b"_", b"\x7f", b"\xe4", b"\xff", b"%", b"%41", b"?", b"#", b"//",
    b"*", b"Host: b", b"Content-Length: 3", b"Transfer-Encoding: chunked", b"X-Forwarded-Proto: https", b"OPTIONS",
    b"Expect: 100-continue", b"Connection: close", b"HTTP/1.0", b"HTTP/1.1", b"http://a/", b"Script-Name: /v1",
    b"[::1]:80", b"a:b:c",
]  # fmt: skip


def mutated(chance):
    """Change a good head in a few places."""
    written = head("Content-Length: 4", "Accept: a", "X-Forwarded-Proto: http", line="POST /v1/models?a=b HTTP/1.1")
    for _ in range(chance.randint(0, 3)):
        at = chance.randint(0, len(written))
        cut = at + chance.choice([0, 0, 1, 2, 5])
        written = written[:at] + chance.choice(PIECES) + written[cut:]
    return written
