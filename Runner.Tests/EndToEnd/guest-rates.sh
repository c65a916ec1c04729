#!/bin/bash
# Rates, weights and memory on a machine with pure cgroup v2 and an ext4 file system at /disk, which knows whose buffered
# writes it writes. Each line is a word that says what it is, and its value; the jobs' records are the JSON lines at the end.
set -eu
. "$(dirname "$0")/guest-serve.sh"
for file in 1 2 3 4 5; do head -c 4M /dev/zero >/disk/$file; done
sync

# rate NAME LIMIT VALUE ARGS...: what dd tells of itself under a limit.
rate() { "$runner" run --name "$1" --device /disk "$2" "$3" -- dd "${@:4}" 2>&1 | grep copied | sed "s/^/$1 /"; }
# Two at a time, for the processor here is slower than some disks.
rate read-bps --read-bps 1M if=/disk/1 of=/dev/null bs=64K count=48 iflag=direct & one=$!
rate write-bps --write-bps 1M if=/dev/zero of=/disk/2 bs=64K count=48 oflag=direct conv=notrunc
wait $one
rate read-iops --read-iops 100 if=/disk/3 of=/dev/null bs=4K count=300 iflag=direct & one=$!
rate write-iops --write-iops 100 if=/dev/zero of=/disk/4 bs=4K count=300 oflag=direct conv=notrunc
wait $one
rate io-bps --io-bps 1M if=/disk/5 of=/dev/null bs=64K count=48 iflag=direct & one=$!
rate buffered --write-bps 1M if=/dev/zero of=/disk/6 bs=64K count=48 conv=fsync
wait $one

# They begin together, however long it took to start them: a pipe is opened for writing when somebody reads it.
mkfifo go-100 go-300
for weight in 100 300; do
    "$runner" start --name "weight-$weight" --cpu-weight $weight -- taskset -c 0 sh -c "read -r go <go-$weight; exec timeout 100 sh -c 'while :; do :; done'" >>weights
done
exec 3>go-100 4>go-300
echo >&3
echo >&4
used() { sed -n 's/^usage_usec //p' "/sys/fs/cgroup/guest/$1/cpu.stat"; }
{ read -r light; read -r heavy; } <weights
sleep 1
before="$(used "$light") $(used "$heavy")"
sleep 4
echo "weights $before $(used "$light") $(used "$heavy")"
for job in "$light" "$heavy"; do "$runner" stop --grace 0 "$job" >stopped; done

# Above its height a job is slowed down and lives; the same without one has long ended when its time is over.
eat='$x = "x" x (16 << 20); print length($x) . "\n"'
"$runner" run --name high --memory-high 8M -- taskset -c 1 timeout 15 perl -e "$eat" | sed 's/^/high /'
"$runner" run --name low -- taskset -c 1 timeout 15 perl -e "$eat" | sed 's/^/low /'

# A full parent: there is no room for another process, and the answer says so.
echo 0 >/sys/fs/cgroup/guest/pids.max
"$runner" start -- true 2>refusal && echo "full started" || { echo "full $?"; sed 's/^/full-error /' refusal; }
echo max >/sys/fs/cgroup/guest/pids.max

told
