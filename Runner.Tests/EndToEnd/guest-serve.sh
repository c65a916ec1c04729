#!/bin/bash
# To be read by the other scripts of a guest: serves in a folder of its own, and sets what a client needs to call it.
# $1 is the program; $server is the process that serves.
set -eu
runner=$1
folder=$(mktemp -d)
cd "$folder"
"$runner" certs init --dir certs >/dev/null
"$runner" serve --listen 127.0.0.1:0 --cert certs/server.pem --state-dir state --cgroup guest >out 2>err &
server=$!
i=0
until grep -q ^listening out; do kill -0 $server; i=$((i + 1)); [ $i -lt 600 ]; sleep 0.1; done
export RUNNER_SERVER RUNNER_CERT=$folder/certs/admin.pem RUNNER_CA=$folder/certs/server-ca.pem
RUNNER_SERVER=$(sed -n 's/^listening on //p' out)

# Tells the jobs' records, ends the server, and tells how that went and what is left.
told() {
    "$runner" list --json --all
    kill -TERM $server
    wait $server && echo "server 0" || echo "server $?"
    for left in /sys/fs/cgroup/guest* /sys/fs/cgroup/*/guest*; do [ ! -e "$left" ] || echo "left $left"; done
    grep -v 'Z info: ' err | sed 's/^/log /' || true
}
