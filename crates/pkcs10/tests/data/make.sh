#!/bin/sh
# Makes the vectors beside it with OpenSSL 3.0.19 (Debian 12); the keys are thrown away.
set -eu
cd "$(dirname "$0")"
keys=$(mktemp -d); trap 'rm -rf "$keys"' EXIT
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$keys/rsa.pem" 2>/dev/null
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out "$keys/short.pem" 2>/dev/null
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3 -out "$keys/three.pem" 2>/dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$keys/p256.pem"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$keys/p384.pem"
request() { out=$1; k=$2; shift 2; openssl req -new -utf8 -config /dev/null -subj "/C=CZ/O=Vzor/CN=Jana Nováková" -key "$keys/$k.pem" -outform DER -out "$out.der" "$@"; }
request rsa-pkcs1-sha256 rsa -sha256 -addext subjectAltName=email:jana@example.cz -addext keyUsage=critical,digitalSignature
request rsa-pss-sha256 rsa -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest
request p256-sha256 p256 -sha256 -addext extendedKeyUsage=clientAuth,emailProtection
request p384-sha384 p384 -sha384
request rsa-sha1 rsa -sha1
request rsa-1024 short -sha256
request rsa-exponent-3 three -sha256
printf '[req]\ndistinguished_name=dn\nattributes=attrs\nprompt=no\n[dn]\nCN=Jana\n[attrs]\nchallengePassword=hunter2hunter2\n' > "$keys/challenge.cnf"
openssl req -new -config "$keys/challenge.cnf" -key "$keys/p256.pem" -sha256 -outform DER -out challenge-password.der
