"""Debian's nginx as an HTTP/3 server: a proxy in front of the backends."""

import os
import signal

from debian import command
from server import run, start, write

CONFIGURATION = """
daemon off;
worker_processes 1;
{user}
error_log stderr notice;
pid {directory}/nginx.pid;
events {{}}
http {{
    log_format ended 'access $uri [$request_completion]';
    access_log /dev/stderr ended;
    client_max_body_size 0;
    client_body_temp_path {directory}/nginx-client;
    proxy_temp_path {directory}/nginx-proxy;
    fastcgi_temp_path {directory}/nginx-fastcgi;
    uwsgi_temp_path {directory}/nginx-uwsgi;
    scgi_temp_path {directory}/nginx-scgi;
    proxy_http_version 1.1;
    proxy_buffering off;
    server {{
        listen 127.0.0.1:{port} quic;
        ssl_certificate {directory}/server.crt;
        ssl_certificate_key {directory}/server.key;
        location / {{ proxy_pass http://127.0.0.1:{demo}; }}
        location = /held {{ proxy_pass http://127.0.0.1:{backend}; }}
        location = /upload {{ proxy_pass http://127.0.0.1:{backend}; }}
        location = /trailers {{ proxy_pass http://127.0.0.1:{backend}; }}
        location = /early-hints {{ proxy_pass http://127.0.0.1:{backend}; }}
    }}
}}
"""


def quit_gracefully(process):
    """It finishes what it has, takes no more, and ends."""
    process.send_signal(signal.SIGQUIT)


if __name__ == "__main__":
    told = start()
    # There need be no such user as nginx takes when it is started as root.
    user = "user root;" if os.geteuid() == 0 else ""
    path = write(told["directory"], "nginx.conf", CONFIGURATION.format(user=user, **told))
    nginx = command("sbin/nginx", "-e", "stderr", "-p", told["directory"], "-c", path)
    run(nginx, rb"start worker process ", rb"access /bytes/1000000000 \[\]", quit_gracefully)
