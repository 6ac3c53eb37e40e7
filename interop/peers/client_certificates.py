"""Certificates of clients, shown by programs that share nothing with the gateway: `openssl s_client` over TCP, aioquic over QUIC.

    interop/.venv/aioquic==1.7.2/bin/python interop/peers/client_certificates.py target/debug/quicgate

The openssl program makes the authority, the certificates and the revocation list. Each client comes fresh, and then with a
session: of the same listener where it got one, else of a listener that lets everybody pass. Prints a table; the exit code is 1
when a client is let in that should not be, or the other way round.
"""

import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import urllib.request

import aioquic
from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import HeadersReceived
from aioquic.quic.configuration import QuicConfiguration

CLIENTS = {
    # name: who signs, what is in it, whether a listener that requires a certificate, and one that does not, lets it in
    "good": ("clients", "subjectAltName=DNS:client.test\nextendedKeyUsage=clientAuth\n", True, True),
    "none": (None, None, False, True),
    "of another authority": ("strangers", "subjectAltName=DNS:client.test\n", False, False),
    "expired": ("clients", "subjectAltName=DNS:client.test\n", False, False),
    "revoked": ("clients", "subjectAltName=DNS:client.test\n", False, False),
    "for another name": ("clients", "subjectAltName=DNS:other.test\n", False, True),
    "for servers": ("clients", "subjectAltName=DNS:client.test\nextendedKeyUsage=serverAuth\n", False, False),
}
DOORS = ["required", "optional", "lenient"]
REQUEST = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"


def openssl(*arguments, check=True, given=None):
    return subprocess.run(
        ["openssl", *arguments], input=given, capture_output=True, check=check, timeout=20
    )


def authority(name):
    openssl(
        *f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.crt -days 30".split(),
        *["-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE"],
        *["-addext", "keyUsage=critical,keyCertSign,cRLSign"],
    )
    os.mkdir(f"{name}.db")
    for file, text in [("index", ""), ("serial", "1000"), ("number", "1000")]:
        with open(f"{name}.db/{file}", "w") as out:
            out.write(text)
    with open(f"{name}.cnf", "w") as out:
        out.write(
            f"[ca]\ndefault_ca=own\n[own]\ndatabase={name}.db/index\nserial={name}.db/serial\ncrlnumber={name}.db/number\n"
            f"new_certs_dir={name}.db\ndefault_md=sha256\npolicy=any\ncertificate={name}.crt\nprivate_key={name}.key\n"
            "default_crl_days=30\nunique_subject=no\n[any]\ncommonName=supplied\n"
        )


def certificate(name, issuer, extensions, days="-days 30"):
    name = name.replace(" ", "-")
    openssl(
        *f"req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr".split(),
        *["-subj", f"/CN={name}"],
    )
    with open(f"{name}.ext", "w") as out:
        out.write(extensions)
    openssl(*f"ca -batch -config {issuer}.cnf -in {name}.csr -out {name}.crt -extfile {name}.ext -notext {days}".split())


def papers():
    authority("clients")
    authority("strangers")
    certificate("server", "clients", "subjectAltName=DNS:localhost\n")
    for name, (issuer, extensions, *_) in CLIENTS.items():
        if issuer:
            days = "-startdate 20200101000000Z -enddate 20210101000000Z" if name == "expired" else "-days 30"
            certificate(name, issuer, extensions, days)
    openssl(*"ca -config clients.cnf -revoke revoked.crt".split())
    openssl(*"ca -config clients.cnf -gencrl -out clients.crl".split())


def configuration():
    directory = os.getcwd()
    kind = "type.googleapis.com/envoy.extensions."
    certificates = [{"certificate_chain": {"filename": "server.crt"}, "private_key": {"filename": "server.key"}}]
    trust = {"trusted_ca": {"filename": f"{directory}/clients.crt"}, "crl": {"filename": f"{directory}/clients.crl"}}
    contexts = {
        "required": {
            **trust,
            "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": "client.test"}}],
        },
        "optional": trust,
        "lenient": {**trust, "trust_chain_verification": "ACCEPT_UNTRUSTED"},
    }
    listeners = []
    for door in DOORS:
        for over in ["tcp", "quic"]:
            tls = {
                "require_client_certificate": door == "required",
                "common_tls_context": {"tls_certificates": certificates, "validation_context": contexts[door]},
            }
            manager = {
                "@type": kind + "filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": "edge",
                "http_filters": [{"name": "router", "typed_config": {"@type": kind + "filters.http.router.v3.Router"}}],
                "route_config": {
                    "virtual_hosts": [
                        {
                            "name": "all",
                            "domains": ["*"],
                            "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "let in"}}}],
                        }
                    ]
                },
            }
            address = {"address": "127.0.0.1", "port_value": 0}
            listener = {"name": f"{door}-{over}", "stat_prefix": f"{door}-{over}", "address": {"socket_address": address}}
            if over == "quic":
                manager["codec_type"] = "HTTP3"
                address["protocol"] = "UDP"
                listener["udp_listener_config"] = {"quic_options": {}}
                socket = {"@type": kind + "transport_sockets.quic.v3.QuicDownstreamTransport", "downstream_tls_context": tls}
            else:
                socket = {"@type": kind + "transport_sockets.tls.v3.DownstreamTlsContext", **tls}
            listener["filter_chains"] = [
                {
                    "transport_socket": {"name": "tls", "typed_config": socket},
                    "filters": [{"name": "http", "typed_config": manager}],
                }
            ]
            listeners.append(listener)
    admin = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}}
    with open("gateway.json", "w") as out:
        json.dump({"admin": admin, "static_resources": {"listeners": listeners}}, out)


class Gateway:
    """The gateway, on ports of its own choice."""

    def __init__(self, program):
        arguments = ["-c", "gateway.json", "--admin-address-path", "admin", "--concurrency", "2"]
        self.process = subprocess.Popen([program, *arguments], stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > end:
                sys.exit("the gateway does not start")
            time.sleep(0.05)
        statuses = json.loads(self.ask("/listeners?format=json"))["listener_statuses"]
        self.ports = {
            status["name"]: status["local_address"]["socket_address"]["port_value"] for status in statuses
        }

    def ask(self, path):
        with open("admin") as file:
            return urllib.request.urlopen(f"http://{file.read().strip()}{path}", timeout=5).read().decode()

    def ready(self):
        try:
            return "LIVE" in self.ask("/ready")
        except OSError:
            return False

    def resumed(self, listener):
        lines = self.ask(f"/stats?filter=listener.{listener}.ssl.session_reused").splitlines()
        return sum(int(line.split(": ")[1]) for line in lines)


def over_tcp(gateway, door, name, session):
    """Whether it is let in, and a session of it, if it got one."""
    new = tempfile.mktemp(dir=".")
    arguments = f"s_client -connect 127.0.0.1:{gateway.ports[door + '-tcp']} -servername localhost -CAfile clients.crt"
    arguments = arguments.split() + ["-verify_return_error", "-quiet", "-ign_eof", "-sess_out", new]
    if CLIENTS[name][0]:
        file = name.replace(" ", "-")
        arguments += ["-cert", f"{file}.crt", "-key", f"{file}.key"]
    if session:
        arguments += ["-sess_in", session]
    said = openssl(*arguments, check=False, given=REQUEST)
    return b"let in" in said.stdout, new if os.path.exists(new) else None


class Client(QuicConnectionProtocol):
    """One connection that asks once."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.status = asyncio.get_running_loop().create_future()
        self.http = None

    def quic_event_received(self, event):
        if self.http is None and self._quic.tls is not None and self._quic.tls.alpn_negotiated:
            self.http = H3Connection(self._quic)
        for seen in self.http.handle_event(event) if self.http else []:
            if isinstance(seen, HeadersReceived) and not self.status.done():
                self.status.set_result(dict(seen.headers)[b":status"])
        if type(event).__name__ == "ConnectionTerminated" and not self.status.done():
            self.status.set_result(None)

    def ask(self):
        fields = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"localhost"), (b":path", b"/")]
        self.http = self.http or H3Connection(self._quic)
        self.http.send_headers(self._quic.get_next_available_stream_id(), fields, end_stream=True)
        self.transmit()


async def over_quic(gateway, door, name, session):
    """The same by aioquic."""
    settings = QuicConfiguration(is_client=True, alpn_protocols=["h3"], server_name="localhost", cafile="clients.crt")
    settings.session_ticket = session
    if CLIENTS[name][0]:
        file = name.replace(" ", "-")
        settings.load_cert_chain(f"{file}.crt", f"{file}.key")
    tickets = []
    port = gateway.ports[f"{door}-quic"]
    try:
        async with connect(
            "127.0.0.1", port, configuration=settings, create_protocol=Client, session_ticket_handler=tickets.append
        ) as client:
            client.ask()
            status = await asyncio.wait_for(client.status, 10)
    except (ConnectionError, asyncio.TimeoutError):
        status = None
    return status == b"200", tickets[-1] if tickets else None


def visit(gateway, over, door, name, session=None):
    if over == "tcp":
        return over_tcp(gateway, door, name, session)
    return asyncio.run(over_quic(gateway, door, name, session))


def main():
    program = os.path.abspath(sys.argv[1])
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    commit = subprocess.run(["git", "-C", root, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout
    os.chdir(tempfile.mkdtemp())
    papers()
    configuration()
    gateway = Gateway(program)
    wrong = 0
    version = openssl("version").stdout.decode().split()[1]
    print(f"Commit {commit.strip()}, OpenSSL {version}, aioquic {aioquic.__version__}, {os.cpu_count()} processors, ", end="")
    print(f"Linux {platform.release()}.\n")
    print("| client | listener | TCP, fresh | TCP, with a session | QUIC, fresh | QUIC, with a session |")
    print("| --- | --- | --- | --- | --- | --- |")
    try:
        for name, (_, _, required, optional) in CLIENTS.items():
            for door, expected in [("required", required), ("optional", optional)]:
                cells = []
                for over in ["tcp", "quic"]:
                    let_in, session = visit(gateway, over, door, name)
                    cells.append(("let in" if let_in else "refused", let_in))
                    own = let_in and session is not None
                    if not own:
                        _, session = visit(gateway, over, "lenient", name)
                    before = gateway.resumed(f"{door}-{over}")
                    let_in, _ = visit(gateway, over, door, name, session)
                    resumed = gateway.resumed(f"{door}-{over}") > before
                    if session is None or own != resumed:
                        wrong += 1
                    how = "with its session" if resumed else "by a full handshake"
                    cells.append((f"let in {how}" if let_in else "refused", let_in))
                wrong += sum(let_in != expected for _, let_in in cells)
                print(f"| {name} | {door} | " + " | ".join(text for text, _ in cells) + " |")
    finally:
        gateway.process.terminate()
        gateway.process.wait()
    print(f"\n{'Everything' if wrong == 0 else f'All but {wrong}'} as it should be.")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
