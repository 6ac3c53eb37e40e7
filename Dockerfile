# The gateway in a small image: one binary on glibc, no shell, no root.
#
#   docker build -t quicgate .
#   docker run -p 8080:8080 quicgate
#
# What it serves is /etc/quicgate/quicgate.yaml: mount your own there. As it comes, it is config/docker.yaml, which has
# no certificate and so no HTTP/3; /etc/quicgate/tls.yaml (config/docker-tls.yaml) has, with certificates that you mount.
# Give exchanges in flight their time at the end: docker stop --time 60 ...

FROM rust:1-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked \
    && install -D -m 755 target/release/quicgate /image/usr/local/bin/quicgate \
    && install -D -m 644 config/docker.yaml /image/etc/quicgate/quicgate.yaml \
    && install -D -m 644 config/docker-tls.yaml /image/etc/quicgate/tls.yaml \
    && install -d /state/quicgate

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /image/ /
COPY --from=build --chown=65532:65532 /state/ /var/lib/

# The user `nonroot` of the base image, by number, so that an orchestrator can see that it is not root.
USER 65532:65532

# Files of the program's own; paths in a configuration that are not absolute begin here.
WORKDIR /var/lib/quicgate
VOLUME /var/lib/quicgate

# Clear HTTP; TLS with HTTP/2 and HTTP/1.1; HTTP/3. The admin interface stays inside, on loopback.
EXPOSE 8080/tcp 8443/tcp 8443/udp

HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["/usr/local/bin/quicgate", "probe", "--timeout-s", "2", "http://127.0.0.1:9901/ready"]

ENTRYPOINT ["/usr/local/bin/quicgate"]
CMD ["-c", "/etc/quicgate/quicgate.yaml", "--state-dir", "/var/lib/quicgate"]
