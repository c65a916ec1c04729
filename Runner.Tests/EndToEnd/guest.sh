#!/bin/bash
# The main path on a machine with pure cgroup v2: serves, runs jobs under limits, and prints what came of it.
# Each line is a word that says what it is, and its value; the jobs' records are the JSON lines at the end.
set -eu
"$1" doctor | sed 's/^/doctor /'
. "$(dirname "$0")/guest-serve.sh"

# The two measured ones side by side: there is a core for each.
half=$("$runner" start --name half --cpu 0.5 -- timeout 5 sh -c 'while :; do :; done')
fifth=$("$runner" start --name fifth --cpu 0.2 -- timeout 5 sh -c 'while :; do :; done')
"$runner" logs "$half"
"$runner" logs "$fifth"
"$runner" run --name memory --memory 64M -- sh -c 'head -c 200M /dev/zero | tail -n 1 | wc -c; echo survived' | sed 's/^/memory /'
"$runner" run --name pids --pids 10 -- sh -c 'for i in $(seq 50); do sleep 1000 & echo $i; done' 2>pids | sed 's/^/pids /'
sed 's/^/pids-error /' pids
"$runner" run --name where --cpu 1 --cpu-weight 37 --memory 64M --memory-high 48M --swap 8M --io-weight 2000 --pids 5 -- cat /proc/self/cgroup | sed 's/^/where /'
# Who is exempt from OOM kills survives its child's, and ends by itself.
"$runner" run --name spared --memory 64M -- choom -n -1000 -- sh -c 'choom -n 0 -- sh -c "head -c 200M /dev/zero | tail -n 1 | wc -c"; sleep 0.2; exit 5' | sed 's/^/spared /'
# What disks there are is the machine's business: the first one, if any.
for disk in /sys/dev/block/*; do
    [ -e "$disk/dev" ] || continue
    "$runner" run --name disk --device "${disk##*/}" --io-bps 1M --read-iops 50 -- true
    break
done
stubborn=$("$runner" start --name stubborn -- sh -c 'setsid sh -c "trap \"\" TERM; sleep 1000" & trap "" TERM; echo ready; sleep 1000')
"$runner" logs "$stubborn" >ready & follower=$!
i=0
until grep -q ready ready; do kill -0 $follower; i=$((i + 1)); [ $i -lt 600 ]; sleep 0.1; done
"$runner" stop --grace 500ms "$stubborn" | head -n 1 | sed 's/^/stop /'
wait $follower
told
