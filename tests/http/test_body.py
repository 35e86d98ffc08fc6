import gzip
import io
import random
import zlib

import pytest

from model_store.request_errors import MalformedRequest, PayloadTooLarge
from service.errors import UnsupportedMediaType
from service.http.body import EnvironHeaders, encoded, read_body, wire_request
from service.wire import WireResponse

MOST = 1000
ROWS = 10


def environ(body: bytes = b"", **more):
    return {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)), **more}


def test_headers_are_found_by_lower_case_name():
    headers = EnvironHeaders(environ(b"x", HTTP_X_API_KEY="k", CONTENT_TYPE="text/csv"))
    assert headers["x-api-key"] == "k"
    assert headers.get("content-type") == "text/csv"
    assert headers.get("accept") is None
    assert set(headers) == {"x-api-key", "content-type", "content-length"}
    assert len(headers) == 3


def test_a_body_is_read_whole_and_no_further():
    assert read_body({"wsgi.input": io.BytesIO(b"abcdef"), "CONTENT_LENGTH": "3"}, MOST) == b"abc"


def test_a_request_without_a_length_has_no_body_unless_the_server_ends_it():
    assert read_body({"wsgi.input": io.BytesIO(b"abc")}, MOST) == b""
    assert read_body({"wsgi.input": io.BytesIO(b"abc"), "wsgi.input_terminated": True}, MOST) == b"abc"


@pytest.mark.parametrize("length", ["x", "-1", "1.0", "٣x", "+7"])
def test_a_length_that_is_no_number_is_malformed(length):
    with pytest.raises(MalformedRequest):
        read_body({"wsgi.input": io.BytesIO(b""), "CONTENT_LENGTH": length}, MOST)


def test_a_body_that_ends_early_is_malformed():
    with pytest.raises(MalformedRequest, match="ends after 3 of 9"):
        read_body({"wsgi.input": io.BytesIO(b"abc"), "CONTENT_LENGTH": "9"}, MOST)


def test_a_body_over_the_limit_is_refused_by_length_and_by_count():
    with pytest.raises(PayloadTooLarge):
        read_body({"wsgi.input": io.BytesIO(b""), "CONTENT_LENGTH": str(MOST + 1)}, MOST)
    with pytest.raises(PayloadTooLarge):
        read_body({"wsgi.input": io.BytesIO(b"x" * (MOST + 1)), "wsgi.input_terminated": True}, MOST)


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_compressed_bodies_are_inflated_g6(encoding, pack):
    request = wire_request(environ(HTTP_CONTENT_ENCODING=encoding), pack(b"hello" * 9), MOST, ROWS)
    assert request.body == b"hello" * 9


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip;q=1", "identity, gzip"])
def test_an_unknown_content_encoding_is_unsupported_g6(encoding):
    with pytest.raises(UnsupportedMediaType):
        wire_request(environ(HTTP_CONTENT_ENCODING=encoding), b"", MOST, ROWS)


@pytest.mark.parametrize("parts", [[b"ab", b"c"], [b"", b"abc"], [b"abc", b""], [b"a", b"b", b"c"]])
def test_the_members_of_a_gzip_body_follow_each_other_g6(parts):
    body = b"".join(map(gzip.compress, parts))
    assert wire_request(environ(HTTP_CONTENT_ENCODING="gzip"), body, MOST, ROWS).body == b"abc"


def test_a_member_may_lie_across_the_pieces_that_are_read_at_once_g6():
    members = [random.Random(i).randbytes(size) for i, size in enumerate((50_000, 200_000, 1))]
    body = b"".join(map(gzip.compress, members))
    assert wire_request(environ(HTTP_CONTENT_ENCODING="gzip"), body, 250_001, ROWS).body == b"".join(members)
    with pytest.raises(PayloadTooLarge):
        wire_request(environ(HTTP_CONTENT_ENCODING="gzip"), body, 250_000, ROWS)


def test_very_many_empty_members_are_refused_g6():
    with pytest.raises(MalformedRequest, match="more than 10000 members"):
        wire_request(environ(HTTP_CONTENT_ENCODING="gzip"), gzip.compress(b"") * 10_001, MOST, ROWS)


def test_deflate_has_one_stream_g6():
    with pytest.raises(MalformedRequest, match="more bytes after its end"):
        wire_request(environ(HTTP_CONTENT_ENCODING="deflate"), zlib.compress(b"a") * 2, MOST, ROWS)


def test_a_compression_bomb_is_cut_off_at_the_limit_g6():
    with pytest.raises(PayloadTooLarge):
        wire_request(environ(HTTP_CONTENT_ENCODING="gzip"), gzip.compress(bytes(10_000_000)), MOST, ROWS)


ONE_STREAM = gzip.compress(b"abc", mtime=0)


@pytest.mark.parametrize("body", [b"", b"not gzip", ONE_STREAM[:-4], ONE_STREAM + b"more", ONE_STREAM + ONE_STREAM[:9]])
def test_what_is_not_one_whole_stream_is_malformed_g6(body):
    with pytest.raises(MalformedRequest):
        wire_request(environ(HTTP_CONTENT_ENCODING="gzip"), body, MOST, ROWS)


LARGE = WireResponse(b"[" + b"1.0," * 10_000 + b"1.0]")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("gzip", "gzip"),
        ("gzip, deflate, br", "gzip"),
        ("deflate", "deflate"),
        ("gzip;q=0, deflate;q=0.5", "deflate"),
        ("gzip;q=0.2, deflate;q=0.5", "deflate"),
        ("*", "gzip"),
        ("br", None),
        ("gzip;q=0", None),
        ("gzip;q=nonsense", None),
        ("", None),
    ],
)
def test_a_large_answer_is_compressed_as_the_caller_asks_oip13(accept, chosen):
    body, headers = encoded(LARGE, accept)
    assert headers.get("Content-Encoding") == chosen
    assert headers["Vary"] == "Accept-Encoding"
    plain = {None: bytes, "gzip": gzip.decompress, "deflate": zlib.decompress}[chosen](body)
    assert plain == LARGE.body


def test_small_answers_and_unasked_ones_stay_plain():
    assert encoded(WireResponse(b"{}"), "gzip") == (b"{}", {"Content-Type": "application/json"})
    assert encoded(LARGE, None)[0] == LARGE.body
