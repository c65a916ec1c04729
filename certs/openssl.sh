#!/bin/sh
# Makes both authorities, a server certificate and a client certificate for each role with plain openssl (3.0 or newer),
# for people who keep their own authority and want to see exactly what `runner` needs. Read it, or run it:
#
#   ./openssl.sh DIR [HOST ...]         EC P-256
#   KEY=rsa:4096 ./openssl.sh DIR ...   RSA 4096
#
# Nothing is overwritten. `runner certs` makes the same without openssl.
set -eu
umask 077

[ $# -ge 1 ] || { echo "usage: $0 DIR [HOST ...]" >&2; exit 2; }
dir=$1; shift
key=${KEY:-ec:P-256}
role_oid=1.2.840.113556.1.8000.2554.26774.16363.23887.16756.46850.3761518.3268081.1
mkdir -p "$dir"
cd "$dir"
for file in *.pem; do
  [ ! -e "$file" ] || { echo "$dir/$file exists already; name an empty folder" >&2; exit 1; }
done

new_key() { # FILE
  case $key in
    rsa:*) openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:${key#rsa:}" -out "$1" 2>/dev/null ||
           openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:${key#rsa:}" -out "$1" 2>/dev/null ;;
    ec:*)  openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:${key#ec:}" -out "$1" ;;
    *)     echo "KEY is ec:CURVE or rsa:BITS, not $key" >&2; exit 2 ;;
  esac
}

authority() { # NAME SUBJECT
  new_key "$1-key.pem"
  openssl req -x509 -new -sha256 -days 3650 -key "$1-key.pem" -out "$1.pem" -subj "$2" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign"
  chmod 644 "$1.pem"
}

# The extensions come on stdin. The leaf, then its key, end up in one file: NAME.pem
leaf() { # NAME SUBJECT AUTHORITY
  new_key "$1.key.tmp"
  openssl req -new -key "$1.key.tmp" -subj "$2" -out "$1.csr.tmp"
  { printf '%s\n' "basicConstraints=critical,CA:FALSE" "keyUsage=critical,digitalSignature" \
      "subjectKeyIdentifier=hash" "authorityKeyIdentifier=keyid"; cat; } > "$1.ext.tmp"
  openssl x509 -req -sha256 -days 825 -in "$1.csr.tmp" -CA "$3.pem" -CAkey "$3-key.pem" \
    -set_serial "0x4$(openssl rand -hex 15)" -extfile "$1.ext.tmp" -out "$1.crt.tmp" 2>/dev/null
  cat "$1.crt.tmp" "$1.key.tmp" > "$1.pem"
  rm -f "$1".*.tmp
}

# Two authorities, so that a server's certificate can never pass for a client's, nor a client's for a server's.
authority server-ca "/CN=my server CA"
authority client-ca "/CN=my client CA"

san=DNS:localhost,IP:127.0.0.1,IP:::1
for host in "$@"; do
  case $host in
    *:*|*[0-9].[0-9]*.[0-9]*.[0-9]*) san=$san,IP:$host ;;
    *) san=$san,DNS:$host ;;
  esac
done
leaf server "/CN=runner server" server-ca <<END
extendedKeyUsage=serverAuth
subjectAltName=$san
END

# The role as an extension: exactly one, a UTF8String, one of admin, writer, user, reader.
for role in admin writer user reader; do
  leaf "$role" "/CN=$role" client-ca <<END
extendedKeyUsage=clientAuth
$role_oid=ASN1:UTF8String:$role
END
done

# The role in the subject, for authorities that cannot make extensions of their own.
leaf subject-writer "/OU=writer/CN=subject-writer" client-ca <<END
extendedKeyUsage=clientAuth
END

echo "made in $dir: server-ca client-ca server admin writer user reader subject-writer"
