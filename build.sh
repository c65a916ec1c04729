#!/usr/bin/env bash
# The one entry point: builds, tests, shows and packs the product. Without a verb it says what it can do.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
  cat <<'EOF'
usage: ./build.sh VERB

  build     the product, one static binary: out/runner
  demo      build, then the main job from end to end on this machine (needs root)
  test      build, then every test, unit to end-to-end (needs root)
  bench     build, then measure it against the least each thing costs here: bench/results (needs root);
            --quick for a smoke test, names of figures to measure only those
  chaos [N] build, then the server killed N times (100) in each mode while jobs run and are followed; nothing may be lost (needs root)
  soak [S]  build, then everything at once for S seconds (600), counted before and after (needs root)
  powercuts [N]
            build, then cut the power of a virtual machine in the middle of its work N times (50) (needs root)
  publish   build, then pack: out/runner-VERSION-linux-ARCH.tar.gz with its checksum

Debian packages that a verb needs and the machine lacks are installed first, by root only.
EOF
}

say() { printf '\n== %s\n' "$*"; }
die() { echo "build.sh: $*" >&2; exit 1; }

case $(uname -m) in
  x86_64) rid=linux-x64 ;;
  aarch64) rid=linux-arm64 ;;
  *) die "this machine is $(uname -m); the product is built on x86_64 and aarch64" ;;
esac

# need PACKAGE...: installs the Debian packages that are not there.
need() {
  local package missing=()
  for package; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  local install="apt-get install -y --no-install-recommends ${missing[*]}"
  [ "$(id -u)" = 0 ] || die "missing packages; run: sudo $install"
  say "installing missing packages: ${missing[*]}"
  # The list may be too old to find them: then it is fetched, once.
  DEBIAN_FRONTEND=noninteractive $install >/dev/null 2>&1 ||
    { apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive $install >/dev/null; }
}

need_build() {
  command -v dotnet >/dev/null || die "the .NET SDK 10 is missing; see https://learn.microsoft.com/dotnet/core/install/linux-debian"
  need gcc libc6-dev lld cmake make libssl-dev zlib1g-dev libsqlite3-dev
}

need_test() {
  need_build
  need openssl binutils iproute2 util-linux mount procps python3-minimal qemu-system-x86 cpio xz-utils e2fsprogs dmsetup busybox-static debootstrap
  command -v node >/dev/null || need nodejs
  command -v npm >/dev/null || need npm
}

as_root() { [ "$(id -u)" = 0 ] || die "$1: needs root, to make cgroups and start jobs; run: sudo ./build.sh $1"; }

build() {
  need_build
  say "building out/runner for $rid"
  # Changed link settings alone do not link again.
  [ ! -e out/runner ] || { [ ! Runner.csproj -nt out/runner ] && [ ! Runner/Native.props -nt out/runner ]; } || rm -rf artifacts/bin/Runner/release_$rid/native
  dotnet publish Runner.csproj -c Release -r $rid -o artifacts/publish/$rid --nologo -v quiet
  mkdir -p out
  # A new file in place of the old one: a server that runs from it goes on undisturbed.
  cp artifacts/publish/$rid/runner out/.runner.new
  mv out/.runner.new out/runner
  ls -l out/runner
}

run_tests() {
  as_root test
  need_test
  # Beside the compiler: it waits for the network most of the time. What goes wrong the tests tell.
  timeout 900 Runner.Tests/vm-run --make >/dev/null 2>&1 &
  build
  say "building the tests"
  (cd Runner.Tests/Interop && npm ci --ignore-scripts --silent --no-audit --no-fund)
  dotnet build Runner.Tests -c Release --nologo -v quiet
  # Measured by hand only, but it has to compile.
  dotnet build bench -c Release --nologo -v quiet
  wait
  say "running the tests"
  local log=artifacts/tests.log status=0
  # They take some ten minutes; one that hangs is to fail, not to be waited for.
  RUNNER_BINARY=$PWD/out/runner timeout --foreground --kill-after=60 2700 artifacts/bin/Runner.Tests/release/Runner.Tests -noColor "$@" 2>&1 | tee "$log" || status=$?
  # The last line is the sum over all suites.
  awk '/ Total: [0-9]+, Errors: / {
      gsub(",", "")
      for (i = 1; i < NF; i++) { if ($i == "Total:") t += $(i + 1); if ($i == "Errors:" || $i == "Failed:") f += $(i + 1); if ($i == "Skipped:") s += $(i + 1) }
    }
    END { printf "%d passed, %d failed, %d skipped\n", t - f - s, f, s; exit t == 0 || f > 0 }' "$log" || status=1
  return $status
}

run_bench() {
  as_root bench
  need_build
  # Not openssh-server: it would open the machine's port 22. Where it is there, it is measured against.
  need openssl
  build
  say "building the benchmark"
  local floors=artifacts/bench flags="-O2 -std=gnu11 -Wall -Wextra -Werror"
  mkdir -p $floors
  for floor in start tick capture; do cc $flags bench/floor/$floor.c -o $floors/$floor; done
  cc $flags -static bench/floor/line.c -o $floors/line
  cc $flags bench/floor/tls.c -o $floors/tls -lssl -lcrypto
  dotnet publish bench -c Release -r $rid -o artifacts/publish/bench --nologo -v quiet
  say "measuring"
  artifacts/publish/bench/bench out/runner $floors bench/results "$@"
}

# at_length VERB CLASS VARIABLE VALUE: one of the tests in its long form.
at_length() {
  as_root "$1"
  need_test
  build
  say "building the tests"
  dotnet build Runner.Tests -c Release --nologo -v quiet
  say "$1: $3=$4"
  env RUNNER_BINARY="$PWD/out/runner" "$3=$4" artifacts/bin/Runner.Tests/release/Runner.Tests -noColor -diagnostics -class "Runner.Tests.EndToEnd.$2"
}

publish() {
  build
  local version name
  version=$(out/runner version | awk '{ print $2 }')
  name=runner-${version%%+*}-$rid
  tar -C out --transform "s,^,$name/," --owner=0 --group=0 -czf "out/$name.tar.gz" runner -C .. README.md packaging/runner.service
  (cd out && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
  ls -l "out/$name.tar.gz"
}

case ${1:-} in
  build) build ;;
  demo) as_root demo; build; Runner.Tests/demo out/runner ;;
  test) shift; run_tests "$@" ;;
  bench) shift; run_bench "$@" ;;
  chaos) at_length chaos ChaosTests RUNNER_CHAOS_KILLS "${2:-100}" ;;
  soak) at_length soak SoakTests RUNNER_SOAK_SECONDS "${2:-600}" ;;
  powercuts) at_length powercuts PowerCutTests RUNNER_POWER_CUTS "${2:-50}" ;;
  publish) publish ;;
  '' | -h | --help | help) usage ;;
  *) usage >&2; exit 2 ;;
esac
