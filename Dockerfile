# The hub's program in an image: `docker build .` compiles it; `--build-arg PROGRAM=built` takes target/image/entrepot.
ARG DEBIAN=trixie
ARG RUST=1.95.0
ARG RUNTIME=debian:13.1-slim
ARG PROGRAM=compiled

# What the dependencies are: each crate's manifest, with sources that say nothing. Nothing else in the tree makes this
# differ, so that the next stage is built again only when a dependency changes.
FROM rust:${RUST}-${DEBIAN} AS manifests
WORKDIR /source
COPY Cargo.toml Cargo.lock ./
COPY crates crates
RUN find crates -type f ! -name Cargo.toml ! -path '*/src/lib.rs' ! -path '*/src/main.rs' ! -name build.rs -delete \
 && find crates -type f -name lib.rs -exec truncate --size 0 {} + \
 && for file in $(find crates -name main.rs -o -name build.rs); do echo 'fn main() {}' > "$file"; done

FROM rust:${RUST}-${DEBIAN} AS compiled
WORKDIR /source
ENV CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0 CARGO_PROFILE_RELEASE_DEBUG=none CARGO_PROFILE_RELEASE_STRIP=debuginfo
COPY --from=manifests /source ./
COPY .cargo .cargo
RUN cargo build --release --locked --package entrepot
COPY Cargo.toml Cargo.lock ./
COPY crates crates
COPY proto proto
COPY hubs hubs
COPY seed seed
# Cargo tells what has changed by time, and a checkout may be older than what was built above.
RUN find crates -name '*.rs' -exec touch {} + \
 && cargo build --release --locked --package entrepot \
 && mkdir /program && mv target/release/entrepot /program/

FROM scratch AS built
COPY target/image/entrepot /program/

FROM ${PROGRAM} AS program

FROM ${RUNTIME}
COPY --from=program /program/entrepot /usr/local/bin/
USER 65532:65532
EXPOSE 50051 50052
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["entrepot", "healthcheck"]
ENTRYPOINT ["entrepot"]
CMD ["--help"]
