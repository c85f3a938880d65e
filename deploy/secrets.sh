# Makes the secrets of the hubs that are not there, and gives each to those who may read it; `docker compose up` runs it.
# Files of your own in the folder stay as they are:
#   postgres     the superuser's password
#   HUB/SERVICE  the password of the service's database role
#   HUB/key.pem  the key that signs the hub's tokens (Ed25519, PKCS#8)
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

# hub, first user
hub() {
  mkdir -p "$1"
  password $(($2 + 1)) "$1/catalog"
  password $(($2 + 2)) "$1/order"
  password $(($2 + 3)) "$1/payment"
  password $(($2 + 4)) "$1/logistics"
  # A token of the hub needs its key, which is made where there is none.
  [ -s "$1/key.pem" ] || entrepot token --hub "$1" --role buyer --subject nobody --ttl 1s --data . > /dev/null
  chown "0:$(($2 + 10))" "$1/key.pem"
  chmod 0440 "$1/key.pem"
  chmod 0755 "$1"
}

password 999 postgres
hub my 10000
hub th 10020
chmod 0755 .
echo "the secrets are there"
