# deploy/backup.sh FOLDER [HUB]: the hub's databases and its key into a folder. The hub is away while they are written,
# for seconds: its four databases must be of one moment.
set -eu
folder=$1
hub=${2:-my}
prefix=
[ "$hub" = my ] || prefix=$hub-
running="${prefix}edge ${prefix}order ${prefix}catalog ${prefix}payment ${prefix}logistics"

umask 077
mkdir -p "$folder"
docker compose stop $running
trap 'docker compose start $running' EXIT
for service in catalog order payment logistics; do
  docker compose exec -T postgres pg_dump --username=postgres --format=custom "${hub}_$service" > "$folder/$service.dump"
done
docker compose run --rm --no-deps -T --entrypoint cat secrets "/run/entrepot/$hub/key.pem" > "$folder/key.pem"
