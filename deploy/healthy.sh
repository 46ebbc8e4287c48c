#!/usr/bin/env bash
# healthy.sh [PATH]: whether a node on this machine answers 200, without curl, which images of a JRE may lack.
# PATH is /health/live unless named; the port is $PORT or 8080. Plain HTTP: where the port has TLS, ask from outside.
exec 3<>"/dev/tcp/127.0.0.1/${PORT:-8080}" || exit 1
printf 'GET %s HTTP/1.0\r\n\r\n' "${1:-/health/live}" >&3
read -r -t 5 _ status _ <&3
[ "$status" = 200 ]
