# deploy/restore.sh FOLDER [HUB]: what backup.sh has put into the folder, into volumes that are new; the hub serves at
# the end.
set -eu
folder=$1
hub=${2:-my}
prefix=
[ "$hub" = my ] || prefix=$hub-

docker compose run --rm --no-deps -T --entrypoint sh secrets -c \
  "mkdir -p /run/entrepot/$hub && cat > /run/entrepot/$hub/key.pem" < "$folder/key.pem"
docker compose up --detach --wait postgres kafka
docker compose run --rm -T "${prefix}migrate"
for service in catalog order payment logistics; do
  docker compose exec -T postgres pg_restore --username=postgres --clean --if-exists --single-transaction \
    --dbname="${hub}_$service" < "$folder/$service.dump"
  # The broker is new, and what it had not delivered is gone with the old one: events are told again, and each takes
  # effect once.
  docker compose exec -T postgres psql --quiet --username=postgres --dbname="${hub}_$service" \
    --command="update outbox set published_at = null"
done
docker compose up --detach --wait
