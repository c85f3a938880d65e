# Runs the edge: with TLS when /run/certificates holds tls.crt and tls.key.
set -eu
tls=
if [ -s /run/certificates/tls.crt ] && [ -s /run/certificates/tls.key ]; then tls=ssl; fi
# Tokens do not cross a network in the clear: others reach it by TLS, its own or that of a proxy before it.
case ${PUBLISHED:-} in
  127.*:* | localhost:* | "[::1]:"*) ;;
  *)
    if [ -z "$tls" ] && [ -z "${TRUSTED_PROXY:-}" ]; then
      echo "ENTREPOT_EDGE: ${PUBLISHED:-} is open to others without TLS: put tls.crt and tls.key into ENTREPOT_CERTIFICATES," \
        "or name the proxy that has TLS (ENTREPOT_TRUSTED_PROXY), or keep it on 127.0.0.1" >&2
      exit 1
    fi
    ;;
esac
sed -e "s/@TLS@/$tls/" -e "s/@HUB@/${HUB:-}/" -e "/@ONLY_TLS@/$([ -n "$tls" ] && echo 's/@ONLY_TLS@//' || echo d)" \
  /etc/entrepot/nginx.conf > /tmp/nginx.conf
exec nginx -e /dev/stderr -c /tmp/nginx.conf -g 'daemon off;'
