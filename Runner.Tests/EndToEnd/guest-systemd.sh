#!/bin/bash
# The unit of packaging/ under systemd with pure cgroup v2, from its start to its stop. Each line is a word that says
# what it is, and its value; the jobs' records are JSON lines.
set -eu
folder=$(dirname "$0")/../..
install -D "$1" /usr/local/bin/runner
cp "$folder/packaging/runner.service" /etc/systemd/system/
mkdir -p /etc/systemd/system/runner.service.d
printf '[Service]\nExecStart=\nExecStart=/usr/local/bin/runner serve --watchdog 5s\nWatchdogSec=8\n' >/etc/systemd/system/runner.service.d/test.conf
systemctl daemon-reload
unit=/sys/fs/cgroup/system.slice/runner.service

property() { systemctl show --property "$1" --value runner; }
server() { pgrep -P "$(property MainPID)" -f 'runner serve'; }
# until CONDITION: evaluates it until it is true, for a minute at most.
until_true() { for i in $(seq 600); do if eval "$1"; then return; fi; sleep 0.1; done; echo "never $1"; exit 1; }

# It has started when calls are answered, and not before.
systemctl start runner
echo "started $(property ActiveState) $(property StatusText)"
main=$(property MainPID)
for process in $main $(server); do sed 's/^/place /' /proc/$process/cgroup; done
tr '\0' '\n' </proc/$(server)/environ | grep -E 'NOTIFY|WATCHDOG' | sed 's/^/environment /' || true
systemd-run --quiet --wait --pipe --property Delegate=yes runner doctor | sed 's/^/doctor /' || true

runner run --name where --cpu 1 --cpu-weight 37 --memory 64M --swap 8M --io-weight 2000 --pids 5 -- cat /proc/self/cgroup | sed 's/^/where /'
runner run --name memory --memory 8M -- sh -c 'head -c 32M /dev/zero | tail -n 1 | wc -c; echo survived' 2>/dev/null | sed 's/^/memory /' || true

# A server that hangs: the keeper replaces it, the unit stays as it is, the job goes on.
mkfifo /run/go
hung=$(runner start --name hung -- sh -c 'echo before; read -r go </run/go; echo after; exit 7')
old=$(server)
kill -STOP "$old"
until_true 'runner status "$hung" >/dev/null 2>&1'
[ "$old" != "$(server)" ] && echo "replaced $(property ActiveState)"
echo >/run/go
runner logs "$hung" | sed 's/^/hung /'
[ "$(property MainPID)" = "$main" ] && echo "same-main 0"

# A reload, with the program replaced: another server and the same keeper, in place of itself.
mkfifo /run/on
reloaded=$(runner start --name reloaded -- sh -c 'echo before; read -r on </run/on; echo after; exit 5')
old=$(server)
install "$1" /usr/local/bin/runner
systemctl reload runner
until_true '[ "$(server)" != "$old" ] && [ "$(property ActiveState)" = active ]'
echo "reloaded $(property StatusText)"
echo >/run/on
runner logs "$reloaded" | sed 's/^/reloaded-job /'
[ "$(property MainPID)" = "$main" ] && echo "same-main 0"

# A keeper that hangs is ended by systemd, and the unit starts anew: what ran then is lost.
runner start --name left -- sleep 1000 >/dev/null
kill -STOP "$main"
until_true '[ "$(property NRestarts)" = 1 ] && [ "$(property ActiveState)" = active ]'
echo "restarted $(property Result)"
until_true 'runner list >/dev/null 2>&1'

# A planned stop: the jobs end in the server's name.
runner start --name polite --grace 60s -- sh -c 'trap "echo asked; exit 4" TERM; echo ready; sleep 1000 & wait' >polite
runner logs "$(cat polite)" >polite.out & follower=$!
until_true 'grep -q ready polite.out'
systemctl stop runner
echo "stopped $(property ActiveState) $(property Result)"
wait $follower || true
sed 's/^/polite /' polite.out
until_true "[ ! -e $unit ]"
for left in /sys/fs/cgroup/runner*; do [ ! -e "$left" ] || echo "left $left"; done
pgrep -a runner | sed 's/^/left /' || true

# A stop that leaves the jobs, to the next start.
printf '[Service]\nKillMode=process\nExecStart=\nExecStart=/usr/local/bin/runner serve --on-stop leave --watchdog 2m\n' >/etc/systemd/system/runner.service.d/test.conf
systemctl daemon-reload
systemctl start runner
mkfifo /run/then
patient=$(runner start --name patient -- sh -c 'echo before; read -r then </run/then; echo after; exit 6')
runner logs --no-follow "$patient" >/dev/null

# A reload there: all three processes are the program on the disk then, and the main one is the same.
main=$(property MainPID)
keeper=$(pgrep -P "$main")
install "$1" /usr/local/bin/runner
systemctl reload runner
until_true '[ "$(readlink "/proc/$main/exe" "/proc/$keeper/exe" "/proc/$(pgrep -P "$keeper" -f "runner serve")/exe" | sort -u)" = /usr/local/bin/runner ]'
until_true '[ "$(property ActiveState)" = active ]'
echo "same-main $(($(property MainPID) - main))"
systemctl stop runner
echo "left-behind $(property ActiveState)"
echo >/run/then
systemctl start runner
runner logs "$patient" | sed 's/^/patient /'
runner list --json --all
systemctl stop runner
until_true '! pgrep runner'
until_true "[ ! -e $unit ]"
for left in /sys/fs/cgroup/runner*; do [ ! -e "$left" ] || echo "left $left"; done
journalctl --quiet --identifier runner --output cat | sed -n '/^the /s/^/log /p; / \(warn\|fail\|crit\): /s/^/log /p'
