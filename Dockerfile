# syntax=docker/dockerfile:1
# The image of Carillon. It requires DATABASE_URL and CARILLON_SECRET_KEY (docker-compose.yml sets both), but no libpq, OpenSSL or shell.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --locked --release --bin carillon && cp target/release/carillon /carillon

FROM debian:bookworm-slim
# ca-certificates: for TLS to Twilio and the database. tini is not needed: carillon handles signals and has no child processes here.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/carillon --create-home --shell /usr/sbin/nologin carillon
COPY --from=build /carillon /usr/local/bin/carillon
USER carillon
WORKDIR /var/lib/carillon
ENV CARILLON_BIND=0.0.0.0:8080 CARILLON_DATA_DIR=/var/lib/carillon CARILLON_LOG_FORMAT=json
EXPOSE 8080
VOLUME /var/lib/carillon
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["carillon", "healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["carillon"]
CMD ["serve"]
