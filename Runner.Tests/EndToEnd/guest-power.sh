#!/bin/bash
# One life of a machine whose power is going to be cut: serves on its disk, tells what the disk has of the lives before, and
# starts one job after another from then on. Each line is a word that says what it is, and its value.
# $1 is the program, $2 the number of this life.
set -eu
runner=$1 life=$2
cd /disk
[ -d certs ] || { "$runner" certs init --dir new >/dev/null; mv new certs; sync; }
"$runner" serve --listen 127.0.0.1:0 --cert certs/server.pem --state-dir state --cgroup guest >/run/served 2>/run/log &
i=0
until grep -q ^listening /run/served; do kill -0 $! || { sed 's/^/log /' /run/log; exit 1; }; i=$((i + 1)); [ $i -lt 600 ]; sleep 0.1; done
export RUNNER_SERVER RUNNER_CERT=/disk/certs/admin.pem RUNNER_CA=/disk/certs/server-ca.pem
RUNNER_SERVER=$(sed -n 's/^listening on //p' /run/served)

"$runner" list --json --all | sed 's/^/job /'
[ "$life" = 0 ] || (cd state/jobs && sha256sum -- */stdout && stat -c 'size %n %s' -- */stdout)
echo "checked $life"

# Whatever its length, what any job writes begins as the same endless text does.
"$runner" start --name "endless-$life" --cpu 0.2 -- sh -c 'i=0; while :; do i=$((i + 1)); echo $i; done' | sed 's/^/started /'
work() {
    local n=0 id
    while :; do
        n=$((n + 1))
        id=$("$runner" start --name "counts-$life-$1-$n" -- sh -c 'seq "$1"; exit "$2"' sh $((n * 1237 % 9001)) $((n % 7)))
        echo "started $id"
        "$runner" wait --json "$id" | sed 's/^/ended /'
    done
}
work 1 & work 2
