#!/usr/bin/env bash
# archive.sh JAR ARCHIVE: writes the archive of classes for -XX:SharedArchiveFile. It starts a node that is a cluster of one, with a
# simulated engine, sends it a few requests, and ends it, whereupon the JVM writes down which classes it has loaded and how they
# look. Of the JVM at $JAVA or on the path; ports are $PORT (28080) and the four after it.
set -euo pipefail
jar=$1 archive=$2 java=${JAVA:-java}
export PORT=${PORT:-28080}
here=$(dirname "$(realpath "$0")")
folder=$(mktemp -d)
pids=()
ended() { kill "${pids[@]}" 2> /dev/null || true; rm -rf "$folder"; }
trap ended EXIT

cat > "$folder/node.json" << JSON
{
  "node": {
    "name": "archive",
    "host": "127.0.0.1",
    "ports": { "http": $PORT, "admin": $((PORT + 1)), "cluster": $((PORT + 2)), "bus": $((PORT + 3)) }
  },
  "cluster": {
    "name": "archive-$PORT",
    "host": "127.0.0.1",
    "join": { "static": { "members": ["127.0.0.1:$((PORT + 2))"] } }
  },
  "fleet": {
    "pools": [{ "name": "any", "model_id": "sim", "replicas": [{ "url": "http://127.0.0.1:$((PORT + 4))" }] }]
  }
}
JSON

"$java" -jar "$jar" engine-sim --port $((PORT + 4)) --model sim > "$folder/engine.log" 2>&1 &
pids+=($!)
# A heap of 32 GB or more, a quarter of a large machine, would have other pointers, and an archive for such heaps only.
"$java" -Xmx512m -XX:ArchiveClassesAtExit="$archive" -jar "$jar" run "$folder/node.json" > "$folder/node.log" 2>&1 &
node=$!
pids+=($node)
for _ in $(seq 600); do
  "$here/healthy.sh" /health/ready 2> /dev/null && break
  kill -0 $node 2> /dev/null || break
  sleep 0.1
done
if ! "$java" -jar "$jar" load --concurrency 2 --requests 20 "http://127.0.0.1:$PORT" > "$folder/load.log" 2>&1; then
  cat "$folder"/*.log >&2
  exit 1
fi
kill -TERM $node
wait $node || true
[ -s "$archive" ] || { cat "$folder/node.log" >&2; exit 1; }
