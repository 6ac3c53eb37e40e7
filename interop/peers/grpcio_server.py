"""A gRPC server of grpcio, without TLS. Messages are bytes: nothing has to be compiled."""

import threading
from concurrent import futures

import grpc
from judge import Notes
from server import READY, say

SERVICE = "/interop.Echo/"
# Longer than any case; nothing waits for it unless something is wrong.
PATIENCE = 20
ends = Notes()
together = threading.Barrier(50)


def echo(request, context):
    return request


def collect(requests, context):
    return b"".join(requests)


def spread(request, context):
    for number in range(int(request)):
        yield b"message %d" % number


def converse(requests, context):
    for request in requests:
        yield b"re: " + request


def note_end(context, name, begun):
    ended = threading.Event()

    def end():
        ends.leave(name, b"ended")
        ended.set()

    context.add_callback(end)
    ends.leave(name + b" began", begun)
    return ended


def wait(request, context):
    """Answers nothing while anybody waits for it."""
    note_end(context, request, b"unary").wait(PATIENCE)
    return b"too late"


def hold(request, context):
    """One message, and then nothing while anybody waits for it."""
    ended = note_end(context, request, b"stream")
    yield b"first"
    ended.wait(PATIENCE)


def saw(request, context):
    """Whether the call of this name has ended, as its handler sees it."""
    return ends.wait(request, PATIENCE) or b"nothing"


def fail(request, context):
    """An error after a message: its status comes in trailers of their own."""
    yield b"first"
    context.set_trailing_metadata((("grpc-status-details-bin", b"\x00\x01 details \xff"), ("x-why", "because")))
    context.abort(grpc.StatusCode.ABORTED, "not today, 100 % sure: ü")


def refuse(request, context):
    """An error and nothing else."""
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "refused")


def metadata(request, context):
    """What came comes back before the message, and again after it."""
    given = tuple((name, value) for name, value in context.invocation_metadata() if name.startswith("x-given"))
    context.send_initial_metadata(given)
    context.set_trailing_metadata(given)
    return request


def meet(request, context):
    """Nobody is answered before all are there."""
    together.wait(PATIENCE)
    return request


METHODS = {
    "Echo": grpc.unary_unary_rpc_method_handler(echo),
    "Collect": grpc.stream_unary_rpc_method_handler(collect),
    "Spread": grpc.unary_stream_rpc_method_handler(spread),
    "Converse": grpc.stream_stream_rpc_method_handler(converse),
    "Wait": grpc.unary_unary_rpc_method_handler(wait),
    "Hold": grpc.unary_stream_rpc_method_handler(hold),
    "Saw": grpc.unary_unary_rpc_method_handler(saw),
    "Fail": grpc.unary_stream_rpc_method_handler(fail),
    "Refuse": grpc.unary_unary_rpc_method_handler(refuse),
    "Metadata": grpc.unary_unary_rpc_method_handler(metadata),
    "Meet": grpc.unary_unary_rpc_method_handler(meet),
}


class Handlers(grpc.GenericRpcHandler):
    def service(self, details):
        return METHODS.get(details.method.removeprefix(SERVICE))


if __name__ == "__main__":
    pool = futures.ThreadPoolExecutor(max_workers=128)
    running = grpc.server(pool, handlers=[Handlers()], options=[("grpc.max_receive_message_length", -1)])
    port = running.add_insecure_port("127.0.0.1:0")
    running.start()
    say(f"{READY} at 127.0.0.1:{port}")
    running.wait_for_termination()
