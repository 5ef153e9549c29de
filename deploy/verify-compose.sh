#!/bin/sh
# Build the images, bring the whole stack up, use it, break it, see it recover, and take it down: on any machine with
# Docker and Compose 2.24.4 or newer. Nothing of a stack that is there already is touched: it has volumes of its own, and
# refuses to begin where containers have the names that it needs.
#
#     deploy/verify-compose.sh            SKIP_BUILD=1 takes the images that are there; KEEP=1 leaves all running
set -eu
cd "$(dirname "$0")/.."

project=payaid-verify
client=payaid-verify-client
outside=payaid-verify-outside
workers="text-to-image text-to-speech speech-to-text image-to-image image-to-text"
scratch=$(mktemp -d)
python_image=${PYTHON_IMAGE:-python:3.11-slim-bookworm}
prefix=${IMAGE_PREFIX:-payaid} tag=${IMAGE_TAG:-0.1.0}
tenant=your-tenant-id
failed=0

say() { printf '\n== %s (%s)\n' "$1" "$(date +%T)"; }
good() { printf '  ok    %s\n' "$1"; }
bad() { printf '  FAIL  %s\n' "$1"; failed=$((failed + 1)); }
# check TEXT FOUND WANTED
check() { if [ "$2" = "$3" ]; then good "$1: $2"; else bad "$1: $2, not $3"; fi; }

profile=
compose() {
    docker compose --project-name "$project" --env-file "$scratch/env" -f docker-compose.ai-services.yml \
        ${profile:+--profile "$profile"} "$@"
}

secret() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
ask() { docker exec --env TOKEN="$token" "$client" python /client.py "$@" 2>&1 | tail -1; }

# eventually SECONDS WANTED COMMAND…: runs it until it prints that; prints what it printed last
eventually() {
    end=$(($(date +%s) + $1)) wanted=$2
    shift 2
    while :; do
        found=$("$@" || true)
        if [ "$found" = "$wanted" ] || [ "$(date +%s)" -ge "$end" ]; then break; fi
        sleep 0.5
    done
    printf '%s' "$found"
}

clean() {
    code=$?
    if [ "$code" -ne 0 ]; then
        docker ps --all --filter "name=payaid-" --format '  {{.Names}}: {{.Status}}' || true
        compose logs --tail 20 2>/dev/null || true
    fi
    if [ -z "${KEEP:-}" ]; then
        docker rm --force "$client" >/dev/null 2>&1 || true
        compose down --volumes --remove-orphans --timeout 20 >/dev/null 2>&1 || true
        docker network rm "$outside" >/dev/null 2>&1 || true
    fi
    rm -rf "$scratch"
}
trap clean EXIT
trap 'exit 130' INT TERM

cat > "$scratch/env" <<END
JWT_SECRET=$(secret)
REDIS_PASSWORD=$(secret)
END

say "Docker"
printf '  engine %s, compose %s\n' "$(docker version --format '{{.Server.Version}}')" "$(docker compose version --short)"
if [ -n "$(docker ps --all --quiet --filter 'name=^payaid-')" ]; then
    trap - EXIT
    rm -rf "$scratch"
    echo "Containers named payaid-… are here already: make down, and docker rm what is left of them, then this again." >&2
    exit 1
fi

say "Without secrets it does not start, and says what to do"
if said=$(env -u JWT_SECRET docker compose --env-file /dev/null -f docker-compose.ai-services.yml config -q 2>&1); then
    bad "it takes no secret for one"
else
    good "$said"
fi

say "Images"
if [ -z "${SKIP_BUILD:-}" ]; then
    for service in ai-gateway $workers; do compose build --quiet "$service"; done
fi
docker build --quiet --secret id=pip_conf,src="${PIP_CONF:-/dev/null}" --build-arg BASE="$python_image" \
    --file deploy/verify/Dockerfile --tag "$prefix/verify-client:$tag" . >/dev/null
for service in ai-gateway $workers; do
    image=$prefix/$service:$tag
    bytes=$(docker image inspect --format '{{.Size}}' "$image")
    tools=$(docker run --rm --entrypoint sh "$image" -c 'which gcc cc ld make git pip pip3 curl wget || true' | tr '\n' ' ')
    user=$(docker run --rm --entrypoint id "$image" -u)
    check "$service: $((bytes / 1000000)) MB, user $user, build tools" "${tools:-none}" none
    if [ "$user" = 0 ]; then bad "$service runs as root"; fi
    if [ "$service" = ai-gateway ] && [ "$bytes" -gt 250000000 ]; then bad "the gateway's image is over 250 MB"; fi
done

up() {
    started=$(date +%s)
    if ! compose up --detach --wait --wait-timeout 600 --quiet-pull >"$scratch/up" 2>&1; then
        bad "not all became healthy"
        cat "$scratch/up"
    fi
    printf '  after %s s\n' "$(($(date +%s) - started))"
    compose ps --format '  {{.Name}}  {{.Status}}'
}
say "Up, until all are healthy"
up
check "containers" "$(docker ps --quiet --filter 'name=^payaid-' | wc -l | tr -d ' ')" 7
docker run --detach --name "$client" --network "${project}_private" --entrypoint sleep "$prefix/verify-client:$tag" 7200 \
    >/dev/null
token=$(docker exec payaid-ai-gateway atelier token --tenant "$tenant" --create-tenant)

say "How the containers are confined"
for service in ai-gateway $workers; do
    facts=$(docker exec "payaid-$service" sh -c '
        touch /x 2>/dev/null && echo writable
        sed -n "s/^CapEff:[[:space:]]*0*$/no capability/p; s/^NoNewPrivs:[[:space:]]*1/no new privileges/p" /proc/1/status
    ' | tr '\n' ',')
    check "$service" "$facts" "no capability,no new privileges,"
done
facts=$(docker exec payaid-text-to-image sh -c 'touch /data/models/x 2>/dev/null && echo writable || echo read-only')
check "the models' volume, for a service" "$facts" read-only
facts=$(compose run --rm --no-deps --entrypoint sh models -c 'touch /data/models/x && rm /data/models/x && echo writable' 2>/dev/null)
check "the models' volume, for the downloader" "$facts" writable

say "atelier probe, in the gateway's image"
for address in text-to-image:7860 text-to-speech:7861 speech-to-text:7862 image-to-image:7863 image-to-text:7864; do
    docker exec payaid-ai-gateway atelier probe "http://$address/health" | sed 's/^/  /' || bad "$address"
done

say "OpenAI's client, through all five services"
docker exec --env TOKEN="$token" "$client" python /client.py all || bad "the round trip"

check "usage in the gateway's own database, with Redis" "$(eventually 20 5 ask usage)" 5

say "The same with PostgreSQL (profile database)"
profile=database
cat >> "$scratch/env" <<END
POSTGRES_PASSWORD=verify
DATABASE_URL=postgresql://atelier:verify@postgres:5432/atelier
END
up
docker exec --env TOKEN="$token" "$client" python /client.py all || bad "the round trip"

say "The usage of this month, in PostgreSQL"
query="SELECT service, COUNT(*) as count, SUM(tokens) as total_tokens FROM \"AIUsage\" WHERE \"tenantId\" = '$tenant' AND
\"createdAt\" >= date_trunc('month', CURRENT_DATE) GROUP BY service;"
sql() { docker exec payaid-postgres psql --username atelier --dbname atelier --tuples-only --no-align --command "$1" 2>/dev/null; }
recorded() { sql "SELECT count(DISTINCT service) FROM \"AIUsage\" WHERE \"tenantId\" = '$tenant'"; }
check "services with usage" "$(eventually 20 5 recorded)" 5
docker exec payaid-postgres psql --username atelier --dbname atelier --command "$query" | sed 's/^/  /'

say "Each worker killed: the gateway goes on with the others, and takes it back"
for service in $workers; do
    other=text-to-speech
    if [ "$service" = text-to-speech ]; then other="image-to-text"; fi
    docker kill "payaid-$service" >/dev/null
    down=$(eventually 20 unhealthy ask health "$service")
    refused=$(ask one "$service")
    others=$(ask one "$other")
    docker start "payaid-$service" >/dev/null
    up=$(eventually 120 healthy ask health "$service")
    again=$(ask one "$service")
    check "$service: down, asked, another, up, asked" "$down $refused $others $up $again" "unhealthy 503 200 healthy 200"
done

say "A crash is mended by the restart policy alone"
restarts() { docker inspect --format '{{.RestartCount}}' "$1"; }
for service in text-to-image ai-gateway; do
    docker exec "payaid-$service" sh -c 'kill -9 -1' >/dev/null 2>&1 || true
    count=$(eventually 30 1 restarts "payaid-$service")
    up=$(eventually 120 healthy ask health text-to-image)
    again=$(ask one text-to-image)
    check "$service: restarts, health, asked" "$count $up $again" "1 healthy 200"
done

say "Redis killed: requests are refused, and served again once it is back"
docker kill payaid-redis >/dev/null
refused=$(eventually 20 503 ask one text-to-speech)
docker start payaid-redis >/dev/null
again=$(eventually 60 200 ask one text-to-speech)
check "away, back" "$refused $again" "503 200"

say "PostgreSQL killed: requests go on, and no usage is lost"
rows() { sql "SELECT count(*) FROM \"AIUsage\" WHERE \"tenantId\" = '$tenant' AND service = 'text-to-speech' AND error IS NULL"; }
sleep 2
before=$(rows)
docker kill payaid-postgres >/dev/null
served="$(ask one text-to-speech) $(ask one text-to-speech) $(ask one text-to-speech)"
away=$(eventually 20 away ask state database)
docker start payaid-postgres >/dev/null
after=$(eventually 90 $((before + 3)) rows)
check "while it is away" "$away: $served" "away: 200 200 200"
check "rows before and after" "$before, $after" "$before, $((before + 3))"

say "Who can be reached from outside the private network"
docker network rm "$outside" >/dev/null 2>&1 || true # of a run that was killed
docker network create "$outside" >/dev/null
address() { docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1"; }
stranger() { docker run --rm --network "$outside" "$prefix/verify-client:$tag" reach "$1" "$2"; }
for place in text-to-image:7860 text-to-speech:7861 speech-to-text:7862 image-to-image:7863 image-to-text:7864 \
    redis:6379 postgres:5432 ai-gateway:8000; do
    check "another network's container → ${place%:*} itself" "$(stranger "$(address "payaid-${place%:*}")" "${place#*:}")" closed
done
host=$(docker network inspect --format '{{range .IPAM.Config}}{{.Gateway}}{{end}}' "$outside")
for port in 7860 7861 7862 7863 7864 6379 5432; do
    check "by an address that others see → port $port" "$(stranger "$host" "$port")" closed
done
check "by an address that others see → port ${GATEWAY_PORT:-8000}" "$(stranger "$host" "${GATEWAY_PORT:-8000}")" open
for port in 7860 7861 7862 7863 7864; do
    check "published on loopback: $port" "$(docker port "payaid-$(echo "$workers" | cut -d' ' -f$((port - 7859)))" "$port")" "127.0.0.1:$port"
done

say "Scaled out: the gateway finds replicas by DNS"
compose -f deploy/compose/scale-out.yml up --detach --no-deps --wait --wait-timeout 300 --scale text-to-image=2 text-to-image \
    >/dev/null 2>&1 || bad "the replicas did not become healthy"
check "upstreams of text-to-image" "$(eventually 30 2 ask upstreams text-to-image)" 2
answers=$(for _ in 1 2 3 4; do ask one text-to-image; done | sort | uniq -c | tr -s ' ')
check "four requests" "$answers" " 4 200"
compose -f deploy/compose/scale-out.yml up --detach --no-deps --scale text-to-image=1 text-to-image >/dev/null 2>&1
check "scaled in again" "$(eventually 30 1 ask upstreams text-to-image)" 1
check "and it serves" "$(ask one text-to-image)" 200

if [ -z "${KEEP:-}" ]; then
    say "Down"
    docker rm --force "$client" >/dev/null
    compose -f deploy/compose/scale-out.yml down --volumes --remove-orphans --timeout 20 >/dev/null 2>&1
    check "containers left" "$(docker ps --all --quiet --filter 'name=^payaid-' | wc -l | tr -d ' ')" 0
    check "volumes left" "$(docker volume ls --quiet --filter "name=^${project}_" | wc -l | tr -d ' ')" 0
fi

say "$failed failed"
[ "$failed" -eq 0 ]
