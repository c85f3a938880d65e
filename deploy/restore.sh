# deploy/restore.sh FOLDER [HUB]: what backup.sh has put into the folder, into volumes that are new; the hub serves at
# the end.
set -eu
folder=$1
hub=${2:-my}
prefix=
[ "$hub" = my ] || prefix=$hub-

services=$(docker compose run --rm --no-deps -T migrate services)
keys="mkdir -p /run/entrepot/$hub && cd /run/entrepot/$hub"
if [ -f "$folder/keys.tar" ]; then
  docker compose run --rm --no-deps -T --entrypoint sh secrets -c "$keys && tar -xf -" < "$folder/keys.tar"
else
  # A backup of the release before: the one key that there was is the issuer's.
  docker compose run --rm --no-deps -T --entrypoint sh secrets -c "$keys && cat > key.pem" < "$folder/key.pem"
fi
docker compose up --detach --wait postgres kafka
docker compose run --rm -T "${prefix}migrate"
for service in $services; do
  # A service that lost its dump says so when it starts: the others know which database it had.
  [ -f "$folder/$service.dump" ] || { echo "$folder is of a release without $service: its database is new" >&2; continue; }
  docker compose exec -T postgres pg_restore --username=postgres --clean --if-exists --single-transaction \
    --dbname="${hub}_$service" < "$folder/$service.dump"
  # The broker is new, and what it had not delivered is gone with the old one: events are told again, and each takes
  # effect once.
  docker compose exec -T postgres psql --quiet --username=postgres --dbname="${hub}_$service" \
    --command="update outbox set published_at = null"
done
docker compose up --detach --wait
