"""Debian's nginx as an HTTP/3 server: a proxy in front of the backends."""

from debian import command
from server import run, start, write

CONFIGURATION = """
daemon off;
master_process off;
error_log stderr notice;
pid {directory}/nginx.pid;
events {{}}
http {{
    access_log off;
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
        location = /upload {{ proxy_pass http://127.0.0.1:{backend}; }}
        location = /trailers {{ proxy_pass http://127.0.0.1:{backend}; }}
        location = /early-hints {{ proxy_pass http://127.0.0.1:{backend}; }}
    }}
}}
"""

if __name__ == "__main__":
    told = start()
    path = write(told["directory"], "nginx.conf", CONFIGURATION.format(**told))
    run(command("sbin/nginx", "-e", "stderr", "-p", told["directory"], "-c", path), b"getrlimit")
