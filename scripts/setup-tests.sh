#!/usr/bin/env bash
# Installs the real programs that tests run against: container tools (apt), registries (go install, pinned) and an emulator for
# the other architecture. Idempotent, and under a second when all is there. What cannot be done is said and left: the tests
# that need it are skipped, by name. It never fails a test run by itself.
set -u
cd "$(dirname "$0")/.." || exit 0

# command=package, Debian and Ubuntu
packages=(
  podman=podman runc=runc skopeo=skopeo umoci=umoci buildah=buildah docker-registry=docker-registry
  qemu-aarch64-static=qemu-user-static bwrap=bubblewrap strace=strace python3=python3 xz=xz-utils gpgv=gpgv
  script=bsdutils gh=gh nginx=nginx-light openssl=openssl
)
# command=module path@version
go_tools=(
  crane=github.com/google/go-containerregistry/cmd/crane@v0.22.1
  registry=github.com/distribution/distribution/v3/cmd/registry@v3.1.2
  regctl=github.com/regclient/regclient/cmd/regctl@v0.11.7
)

say() { echo "setup-tests: $*" >&2; }

# Runs a command quietly; on failure says what was being done and shows the end of the output.
attempt() {
  local what=$1 output
  shift
  output=$("$@" </dev/null 2>&1) && return 0
  say "cannot $what:"
  tail -n 5 <<<"$output" >&2
  return 1
}

install_packages() {
  local missing=() pair
  for pair in "${packages[@]}"; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  ((${#missing[@]} > 0)) || return 0
  if ! command -v apt-get >/dev/null; then
    say "cannot install ${missing[*]}: this machine has no apt-get"
  elif [[ $EUID -ne 0 ]]; then
    say "cannot install ${missing[*]}: apt-get needs root"
  else
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    attempt "update the package lists" timeout 300 apt-get update -qq
    # One by one: a package that this release lacks must not keep the others out.
    for pair in "${missing[@]}"; do
      attempt "install $pair" timeout 600 apt-get install -y -qq --no-install-recommends "$pair"
    done
  fi
}

install_go_tools() {
  local bin="$PWD/.test-tools/bin" pair name module
  for pair in "${go_tools[@]}"; do
    name=${pair%%=*}
    module=${pair#*=}
    # The version is in the file's name, so that a new pin installs anew.
    [[ -x $bin/$name && -e .test-tools/$name@${module##*@} ]] && continue
    if ! command -v go >/dev/null; then
      say "cannot install $module: there is no go"
      continue
    fi
    say "installing $module"
    mkdir -p "$bin"
    rm -f ".test-tools/$name@"*
    attempt "install $module" env -u GOOS -u GOARCH GOBIN="$bin" GOFLAGS= timeout 900 go install "$module" &&
      touch ".test-tools/$name@${module##*@}"
  done
}

# Lets this kernel run programs of the other architecture through qemu.
register_emulator() {
  local machine registry=/proc/sys/fs/binfmt_misc
  case $(uname -m) in
    x86_64) machine=aarch64 ;;
    aarch64) machine=x86_64 ;;
    *) return ;;
  esac
  [[ -e $registry/qemu-$machine ]] && return
  local format=/usr/lib/binfmt.d/qemu-$machine.conf
  if [[ ! -e $format ]]; then
    say "cannot register qemu-$machine: there is no $format"
  elif [[ $EUID -ne 0 ]]; then
    say "cannot register qemu-$machine: that needs root"
  else
    [[ -e $registry/register ]] || attempt "mount binfmt_misc" mount -t binfmt_misc binfmt_misc "$registry" || return
    attempt "register qemu-$machine" bash -c "grep '^:' '$format' >$registry/register"
  fi
}

install_packages
install_go_tools
register_emulator
exit 0
