# Runs the edge: with TLS when /run/certificates holds tls.crt and tls.key.
set -eu
tls=
if [ -s /run/certificates/tls.crt ] && [ -s /run/certificates/tls.key ]; then tls=ssl; fi
sed -e "s/@TLS@/$tls/" -e "s/@HUB@/${HUB:-}/" -e "/@ONLY_TLS@/$([ -n "$tls" ] && echo 's/@ONLY_TLS@//' || echo d)" \
  /etc/entrepot/nginx.conf > /tmp/nginx.conf
exec nginx -e /dev/stderr -c /tmp/nginx.conf -g 'daemon off;'
