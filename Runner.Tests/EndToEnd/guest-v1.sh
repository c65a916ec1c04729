#!/bin/bash
# A machine of pure cgroup v2 made hybrid, where root may exempt processes from OOM kills: a job whose main process is
# exempt, and what came of it as JSON in the last line.
set -eu
runner=$1
folder=$(mktemp -d)
cd "$folder"
umount /sys/fs/cgroup
mount -t tmpfs none /sys/fs/cgroup
mkdir /sys/fs/cgroup/{unified,memory,pids,blkio}
mount -t cgroup2 none /sys/fs/cgroup/unified
for controller in memory pids blkio; do mount -t cgroup -o $controller none /sys/fs/cgroup/$controller; done
"$runner" certs init --dir certs >/dev/null
"$runner" serve --listen 127.0.0.1:0 --cert certs/server.pem --state-dir state --cgroup guest >out 2>err &
server=$!
i=0
until grep -q ^listening out; do kill -0 $server; i=$((i + 1)); [ $i -lt 600 ]; sleep 0.1; done
export RUNNER_SERVER RUNNER_CERT=$folder/certs/admin.pem RUNNER_CA=$folder/certs/server-ca.pem
RUNNER_SERVER=$(sed -n 's/^listening on //p' out)

# Twice, for a notice that is taken once would leave the second child half alive. Its sleep would hold up the wait for it.
"$runner" run --memory 16M -- choom -n -1000 -- sh -c '
    for i in 1 2; do choom -n 0 -- sh -c "tail /dev/zero; echo half alive; sleep 1000"; done
    exit 5' 2>/dev/null || echo "code $?"
"$runner" list --json
kill -TERM $server
wait $server
grep -v 'Z info: ' err || true
