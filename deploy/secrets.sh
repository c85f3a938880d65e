# Makes the secrets of the hubs that are not there, and gives each to those who may read it; `docker compose up` runs it.
# Files of your own in the folder stay as they are:
#   postgres         the superuser's password
#   HUB/SERVICE      the password of the service's database role
#   HUB/SERVICE.pem  the key that the service signs its calls to others with (Ed25519, PKCS#8)
#   HUB/key.pem      the key of the hub's issuer, which signs people's tokens: no service reads it
#   HUB/jwks.json    the public keys of all of them
set -eu
umask 077
cd /run/entrepot

# owner file
password() {
  [ -s "$2" ] || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' > "$2"
  # The group is the one that migrates: it sets the roles' passwords.
  chown "$1:10000" "$2"
  chmod 0440 "$2"
}

# user, service
service() {
  password "$1" "$2"
  chown "$1:0" "$2.pem"
  chmod 0400 "$2.pem"
}

# hub, first user
hub() {
  mkdir -p "$1"
  entrepot keys make --hub "$1" --data .
  # BEGIN services: `cargo xtask services` writes this
  service $(($2 + 1)) "$1/catalog"
  service $(($2 + 2)) "$1/order"
  service $(($2 + 3)) "$1/payment"
  service $(($2 + 4)) "$1/logistics"
  # END services
  chown 0:0 "$1/key.pem"
  chmod 0400 "$1/key.pem"
  chmod 0755 "$1"
}

password 999 postgres
hub my 10000
hub th 10020
chmod 0755 .
echo "the secrets are there"
