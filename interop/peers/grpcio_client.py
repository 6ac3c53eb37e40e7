"""A gRPC client of grpcio, over TLS. It asks what grpcio_server.py answers, and what no server does."""

import pathlib
import queue
import time
import uuid

import grpc
from judge import Wrong, bytes_of, expect, say, told, verdict

PATIENCE = 20


def unary(channel, method):
    return channel.unary_unary(f"/interop.Echo/{method}")


def case_unary(channel):
    expect(unary(channel, "Echo")(b"hello", timeout=PATIENCE), b"hello", "the answer")
    expect(unary(channel, "Echo")(b"", timeout=PATIENCE), b"", "the answer to an empty message")
    return "a message, and an empty one"


def case_client_stream(channel):
    messages = [b"message %d " % number for number in range(200)]
    collect = channel.stream_unary("/interop.Echo/Collect")
    expect(collect(iter(messages), timeout=PATIENCE), b"".join(messages), "the answer")
    return "200 messages"


def case_server_stream(channel):
    spread = channel.unary_stream("/interop.Echo/Spread")
    expect(list(spread(b"200", timeout=PATIENCE)), [b"message %d" % number for number in range(200)], "the messages")
    return "200 messages"


def case_both(channel):
    """No message is sent before the one before it is answered."""
    to_send = queue.Queue()
    answers = channel.stream_stream("/interop.Echo/Converse")(iter(to_send.get, None), timeout=PATIENCE)
    for number in range(50):
        to_send.put(b"%d" % number)
        expect(next(answers), b"re: %d" % number, "an answer")
    to_send.put(None)
    expect(list(answers), [], "what comes after the last answer")
    expect(answers.code(), grpc.StatusCode.OK, "the status")
    return "50 messages, each answered before the next"


def error_of(call):
    try:
        answer = call()
    except grpc.RpcError as error:
        return error
    raise Wrong(f"{answer!r} instead of an error")


def ended(channel, name):
    """The server tells how its handler ended. It counts only when it began."""
    expect(unary(channel, "Saw")(name + b" began", timeout=PATIENCE) != b"nothing", True, "that the server began")
    expect(unary(channel, "Saw")(name, timeout=PATIENCE), b"ended", "what the server sees")


def case_deadline(channel):
    name = uuid.uuid4().bytes
    begun = time.monotonic()
    error = error_of(lambda: unary(channel, "Wait")(name, timeout=0.5))
    took = time.monotonic() - begun
    expect(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED, "the status")
    if not 0.4 < took < 2:
        raise Wrong(f"a deadline of 0.5 s took {took:.2f} s")
    ended(channel, name)
    return "DEADLINE_EXCEEDED after 0.5 s, and the server sees the end"


def case_cancel(channel):
    """In the middle of an answer, and before any."""
    middle = uuid.uuid4().bytes
    answers = channel.unary_stream("/interop.Echo/Hold")(middle, timeout=PATIENCE)
    expect(next(answers), b"first", "the first message")
    answers.cancel()
    ended(channel, middle)
    before = uuid.uuid4().bytes
    call = unary(channel, "Wait").future(before, timeout=PATIENCE)
    unary(channel, "Saw")(before + b" began", timeout=PATIENCE)
    call.cancel()
    ended(channel, before)
    return "the server sees it, before an answer and in its middle"


def case_error(channel):
    answers = channel.unary_stream("/interop.Echo/Fail")(b"", timeout=PATIENCE)
    expect(next(answers), b"first", "the first message")
    error = error_of(lambda: next(answers))
    expect(error.code(), grpc.StatusCode.ABORTED, "the status")
    expect(error.details(), "not today, 100 % sure: ü", "the message")
    trailers = dict(error.trailing_metadata())
    expect(trailers.get("grpc-status-details-bin"), b"\x00\x01 details \xff", "the details")
    expect(trailers.get("x-why"), "because", "x-why")
    return "ABORTED with message and details, after a message"


def case_trailers_only(channel):
    error = error_of(lambda: unary(channel, "Refuse")(b"", timeout=PATIENCE))
    expect(error.code(), grpc.StatusCode.FAILED_PRECONDITION, "the status")
    expect(error.details(), "refused", "the message")
    unknown = error_of(lambda: unary(channel, "NoSuchMethod")(b"", timeout=PATIENCE))
    expect(unknown.code(), grpc.StatusCode.UNIMPLEMENTED, "the status of the server for an unknown method")
    return "FAILED_PRECONDITION by a handler, UNIMPLEMENTED by the server"


def case_large(channel):
    message = bytes_of(8 * 1024 * 1024)
    expect(unary(channel, "Echo")(message, timeout=60) == message, True, "that 8 MiB come back identical")
    return "8 MiB there and back"


def case_metadata(channel):
    given = [("x-given", "one"), ("x-given", "two"), ("x-given-bin", bytes(range(256))), ("x-given-empty-bin", b"")]
    answer, call = unary(channel, "Metadata").with_call(b"m", metadata=given, timeout=PATIENCE)
    expect(answer, b"m", "the answer")
    for place, metadata in (("before", call.initial_metadata()), ("after", call.trailing_metadata())):
        came = [(name, value) for name, value in metadata if name.startswith("x-given")]
        expect(sorted(came, key=repr), sorted(given, key=repr), f"what comes {place} the message")
    return "text twice under one name, 256 bytes of -bin, an empty -bin; before and after the message"


def case_together(channel):
    calls = [unary(channel, "Meet").future(b"%d" % number, timeout=PATIENCE) for number in range(50)]
    expect([call.result() for call in calls], [b"%d" % number for number in range(50)], "the answers")
    return "50 calls, none of which is answered before all are there"


def local_reply(channel, path, status, message):
    error = error_of(lambda: channel.unary_unary(path)(b"", timeout=PATIENCE))
    expect(error.code(), status, "the status")
    if not error.details().startswith(message):
        raise Wrong(f"the message is {error.details()!r}")
    return f"{error.code().name} {error.details()!r}"


def case_no_route(channel):
    return local_reply(channel, "/nowhere.Echo/Echo", grpc.StatusCode.UNIMPLEMENTED, "")


def case_no_host(channel):
    return local_reply(channel, "/nobody.Echo/Echo", grpc.StatusCode.UNAVAILABLE, "no healthy upstream")


def case_refused(channel):
    message = "upstream connect error or disconnect/reset before headers."
    return local_reply(channel, "/refused.Echo/Echo", grpc.StatusCode.UNAVAILABLE, message)


CASES = {
    "unary": case_unary,
    "up": case_client_stream,
    "down": case_server_stream,
    "both": case_both,
    "deadline": case_deadline,
    "cancel": case_cancel,
    "error": case_error,
    "trl only": case_trailers_only,
    "8M": case_large,
    "metadata": case_metadata,
    "50": case_together,
    "no route": case_no_route,
    "no host": case_no_host,
    "refused": case_refused,
}

if __name__ == "__main__":
    asked = told()
    credentials = grpc.ssl_channel_credentials(pathlib.Path(asked["authority"]).read_bytes())
    options = [("grpc.max_receive_message_length", -1), ("grpc.enable_http_proxy", 0)]
    with grpc.secure_channel(f"localhost:{asked['port']}", credentials, options) as opened:
        say({name: verdict(lambda: case(opened)) for name, case in CASES.items()})
