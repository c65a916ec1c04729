#!/bin/bash
# A state directory on a disk that fails, one way after another, and works again while the same keeper serves. Each line is a
# word that says what it is, and its value; the jobs' records are the JSON lines at the end. $1 is the program.
set -eu
runner=$1
cd /dev/shm
"$runner" certs init --dir certs >/dev/null

export DM_DISABLE_UDEV=1 # there is none to make names in /dev

# The journal is on a disk of its own, which works: a file system that cannot write its journal takes nothing more until it is
# mounted anew (jbd2). What fails here is what the programs wrote. Nothing is written behind their backs.
echo 0 >/proc/sys/vm/dirty_writeback_centisecs
truncate -s 128M data
truncate -s 16M journal
data=$(losetup --find --show data) journal=$(losetup --find --show journal)
mapper=/dev/mapper/state state=/var/lib/runner sectors=$(blockdev --getsz "$data")
# disk TABLE: what stands behind the file system from now on, without a flush of what has been written until then.
disk() {
    if [ -e $mapper ]; then
        dmsetup suspend --nolockfs --noflush state
        dmsetup load state --table "$1"
        dmsetup resume state
    else
        dmsetup create state --table "$1"
    fi
}
works() { disk "0 $sectors linear $data 0"; }
fails() { disk "0 $sectors flakey $data 0 0 3600 1 error_writes"; }
works
mkfs.ext4 -q -F -b 4096 -O journal_dev "$journal"
mkfs.ext4 -q -F -b 4096 -O quota -E lazy_itable_init=0 -J "device=$journal" $mapper
mkdir -p $state
mount -o errors=continue,usrquota $mapper $state
chmod 700 $state

# until_true CONDITION: evaluates it until it is true, for two minutes at most.
until_true() { local end=$((SECONDS + 120)); until eval "$1"; do [ $SECONDS -lt $end ] || { echo "never $1"; cat err; exit 1; }; sleep 0.1; done; }
# Without CAP_SYS_RESOURCE, with which root's writes are held by no quota.
serve() {
    : >out
    setpriv --bounding-set -sys_resource "$runner" serve --listen 127.0.0.1:0 --cert certs/server.pem --cgroup guest "$@" >out 2>>err &
    keeper=$!
    until_true 'grep -q ^listening out'
    export RUNNER_SERVER
    RUNNER_SERVER=$(sed -n 's/^listening on //p' out)
}
export RUNNER_CERT=$PWD/certs/admin.pem RUNNER_CA=$PWD/certs/server-ca.pem
server() { pgrep -P $keeper -f 'runner serve'; }
: >err
serve
# job NAME SCRIPT: starts one that goes on, in its script, at `go NAME`.
declare -A id
job() { mkfifo "$1"; id[$1]=$("$runner" start --name "$1" -- sh -c "read -r go <$PWD/$1; $2"); }
go() { echo >"$1"; }
held() { "$runner" status "${id[$1]}" | sed -n "s|^held .*takes more: |$1-held |p"; }
state_of() { "$runner" status "${id[$1]}" | sed -n "s/^state  */$1-state /p"; }
# ends NAME: waits for its end, and tells the code of the wait.
ends() { "$runner" wait "${id[$1]}" 2>/dev/null && echo "$1-ends 0" || echo "$1-ends $?"; }
# on_disk NAME: the digest of what the disk has, whatever the memory had.
on_disk() { echo 3 >/proc/sys/vm/drop_caches; sha256sum <"$state/jobs/${id[$1]}/stdout" | sed "s/^/$1-disk /; s/ *-$//"; }

# No write reaches the disk for a time.
job writes 'seq 200000; exit 3'
job silent 'exit 7'
"$runner" doctor | grep 'state disk' | sed 's/^/doctor /' || true
fails
go writes
go silent
until_true 'held writes | grep -q "brought to the disk" && held silent | grep -q recorded'
held writes
held silent
state_of writes
state_of silent
"$runner" start -- true 2>&1 | sed 's/^/refused /' || true
{ "$runner" doctor || true; } | grep 'state disk' | sed 's/^/doctor /'
until_true 'grep -q "disk of the state directory does not take" err'
works
ends writes
ends silent
on_disk writes

# A quota, in blocks of 1024 bytes (quotactl(2)).
quota() { perl -e 'my ($disk, $limit) = ($ARGV[0], pack("Q8L2", $ARGV[1], $ARGV[1], 0, 0, 0, 0, 0, 0, 1, 0)); exit(syscall(179, 0x80000800, $disk, 0, $limit) != 0)' $mapper "$1"; }
job much 'seq 500000; exit 6'
quota $(($(df --output=used -k $state | tail -n 1) + 1024))
go much
until_true 'held much | grep -q .'
held much
quota 0
ends much

# Blocks that cannot be read back, of a job that has written them and goes on, with another server.
job unread 'seq 300000; read -r go <on; echo late; exit 8'
mkfifo on
go unread
folder=$state/jobs/${id[unread]}
until_true '"$runner" status --json "${id[unread]}" | grep -q "\"stdout_bytes\": 1988895"' # told once the index has it too
sync $folder/stdout $folder/index
# block FILE NUMBER: where on the disk a block of a file is, in sectors.
block() { filefrag -v -b4096 "$1" | tr -d .: | awk -v n="$2" '$1 ~ /^[0-9]+$/ && $2 <= n && n <= $3 { print ($4 + n - $2) * 8 }'; }
bad=$(printf '%s\n' "$(block $folder/stdout 256)" "$(block $folder/index 0)" | sort -n)
table='' at=0
for sector in $bad; do
    table+="$at $((sector - at)) linear $data $at"$'\n'"$sector 8 error"$'\n'
    at=$((sector + 8))
done
disk "$table$at $((sectors - at)) linear $data $at"
echo 3 >/proc/sys/vm/drop_caches
old=$(server)
kill -KILL "$old"
until_true '[ -n "$(server)" ] && [ "$(server)" != "$old" ]'
state_of unread
"$runner" logs --no-follow "${id[unread]}" 2>unread-error | head -c 1048576 | sha256sum | sed 's/^/unread-head /; s/ *-$//'
sed 's/^/unread-error /' unread-error
go on
ends unread
"$runner" logs -t "${id[unread]}" 2>&1 >/dev/null | sed 's/^/unread-times /'
"$runner" logs --offset 1052672 "${id[unread]}" | sha256sum | sed 's/^/unread-tail /; s/ *-$//'
works
"$runner" logs "${id[unread]}" | sha256sum | sed 's/^/unread-whole /; s/ *-$//'

# A server that is killed while nothing can be written. The next one comes when the disk takes something again.
job killed 'exit 9'
job spoke 'seq 100000; exit 10'
fails
go killed
go spoke
until_true 'held spoke | grep -q "brought to the disk" && held killed | grep -q recorded'
kill -KILL "$(server)"
until_true 'grep -q "exited with code 14; its jobs go on" err'
works
ends killed
ends spoke
on_disk spoke
"$runner" list --json --all >told
# As after a power cut: nobody is left who knows more than the disk.
kill -STOP $keeper
kill -KILL "$(server)" $keeper
wait $keeper || true
until_true '! pgrep -f "runner serve" >/dev/null'
echo 3 >/proc/sys/vm/drop_caches
serve
"$runner" list --json --all | diff told - && echo "same 0" || echo "same $?"
cat told
kill -TERM $keeper
wait $keeper && echo "server 0" || echo "server $?"

# A file system that turns read-only under the server, as ext4 does when it is damaged: for good, until it is mounted anew.
serve
job turned 'seq 200000; exit 11'
mount -o remount,abort $mapper $state 2>/dev/null || true
go turned
until_true 'held turned | grep -q .'
held turned
state_of turned
"$runner" start -- true 2>&1 | sed 's/^/turned-refused /' || true
{ "$runner" doctor || true; } | grep 'state disk' | sed 's/^/turned-doctor /'
"$runner" logs "${id[spoke]}" | sha256sum | sed 's/^/turned-read /; s/ *-$//'
before=$(grep -c 'exited with code 14; its jobs go on' err)
kill -KILL "$(server)"
until_true '[ "$(grep -c "exited with code 14; its jobs go on" err)" -gt $((before + 1)) ]'
echo "turned-alive $(pgrep -xc seq)"
grep -v 'Z info: ' err | sed 's/^/log /'
