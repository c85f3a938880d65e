# deploy/backup.sh FOLDER [HUB]: the hub's databases and its keys into a folder. The hub is away while they are written,
# for seconds: its databases must be of one moment.
set -eu
folder=$1
hub=${2:-my}
prefix=
[ "$hub" = my ] || prefix=$hub-
services=$(docker compose run --rm --no-deps -T migrate services)
running=${prefix}edge
for service in $services; do running="$running $prefix$service"; done

umask 077
mkdir -p "$folder"
docker compose stop $running
trap 'docker compose start $running' EXIT
for service in $services; do
  docker compose exec -T postgres pg_dump --username=postgres --format=custom "${hub}_$service" > "$folder/$service.dump"
done
docker compose run --rm --no-deps -T --entrypoint sh secrets -c \
  "cd /run/entrepot/$hub && tar -cf - jwks.json *.pem" > "$folder/keys.tar"
