#!/bin/sh
# Makes the data beside it with OpenSSL 3.0.19 (Debian 12). The key is an example's: it protects nothing.
set -eu
cd "$(dirname "$0")"
key=$(mktemp); trap 'rm -f "$key"' EXIT
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$key"
openssl pkcs8 -topk8 -nocrypt -in "$key" -outform DER -out old-key.p8
openssl req -new -x509 -config /dev/null -key "$key" -subj "/C=CZ/CN=Jana Novakova" -days 36500 -out old-certificate.pem
