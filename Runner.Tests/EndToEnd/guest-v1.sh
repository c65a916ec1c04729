#!/bin/bash
# A machine of pure cgroup v2 made hybrid, where root may exempt processes from OOM kills: a job whose main process is
# exempt, and what came of it. Each line is a word that says what it is, and its value; the job's record is JSON.
set -eu
umount /sys/fs/cgroup
mount -t tmpfs none /sys/fs/cgroup
mkdir /sys/fs/cgroup/{unified,memory,pids,blkio}
mount -t cgroup2 none /sys/fs/cgroup/unified
for controller in memory pids blkio; do mount -t cgroup -o $controller none /sys/fs/cgroup/$controller; done
. "$(dirname "$0")/guest-serve.sh"

# Twice, for a notice that is taken once would leave the second child half alive. Its sleep would hold up the wait for it.
"$runner" run --name spared --memory 16M -- choom -n -1000 -- sh -c '
    for i in 1 2; do choom -n 0 -- sh -c "tail /dev/zero; echo half alive; sleep 1000"; done
    exit 5' 2>/dev/null >half || echo "code $?"
sed 's/^/spared /' half
told
