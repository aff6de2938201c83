#!/usr/bin/env bash
# Proves the two commands of the README on a system with git and nothing else: makes a bare Debian 12 in a folder,
# clones this repository (as committed) into it and runs ./quickstart.sh, ./quickstart.sh again, and ./test.sh there.
#   sudo tools/fresh_debian.sh FOLDER [--keep] [--only quickstart|test]
# Needs root, debootstrap and about 3 GB in FOLDER, which must not exist yet; it is removed at the end unless --keep.
# The package mirrors and proxies are those that this machine uses itself.
set -euo pipefail

suite=bookworm
source_tree=$(cd "$(dirname "$0")/.." && pwd)

usage() {
  sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

[[ $# -ge 1 && $1 != -* ]] || usage
root=$1
shift
keep=no
only=""
while [[ $# -gt 0 ]]; do
  case $1 in
    --keep) keep=yes ;;
    --only) only=${2:?--only needs quickstart or test} && shift ;;
    *) usage ;;
  esac
  shift
done

# A mount namespace of our own: whatever happens, the mounts go when the last process of this script does.
if [[ -z ${OPENRUNTIME_FRESH_NAMESPACE:-} ]]; then
  [[ $(id -u) -eq 0 ]] || { echo "fresh_debian.sh: root is needed for chroot and mount" >&2; exit 1; }
  command -v debootstrap >/dev/null || { echo "fresh_debian.sh: apt-get install debootstrap" >&2; exit 1; }
  [[ ! -e $root ]] || { echo "fresh_debian.sh: $root exists already" >&2; exit 1; }
  mkdir -p "$root"
  root=$(cd "$root" && pwd)
  arguments=("$root")
  [[ $keep == yes ]] && arguments+=(--keep)
  [[ -n $only ]] && arguments+=(--only "$only")
  status=0
  OPENRUNTIME_FRESH_NAMESPACE=1 unshare --mount --propagation private "$0" "${arguments[@]}" || status=$?
  [[ $keep == yes ]] || rm -rf --one-file-system "$root"
  exit "$status"
fi

declare -a report=()

stage() {
  local name=$1 started=$SECONDS
  shift
  printf '\n==== %s\n' "$name"
  "$@"
  report+=("$(printf '%5d s  %s' $((SECONDS - started)) "$name")")
}

# The Debian archives that this machine's apt is set up with: "uri release component".
host_archives() {
  # shellcheck disable=SC2016 # apt-get fills these in, not the shell
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' |
    awk -v suite="$suite" '$4 ~ /^Debian/ && $2 ~ "^" suite {print $1, $2, $3}' | sort -u
}

bootstrap() {
  local archives mirror include=git log
  archives=$(host_archives)
  mirror=$(awk -v suite="$suite" '$2 == suite {print $1; exit}' <<<"$archives")
  [[ -n $mirror ]] || { echo "no Debian $suite archive in this machine's apt sources" >&2; exit 1; }
  [[ $mirror == https:* ]] && include=git,ca-certificates
  log=$(mktemp)
  debootstrap --variant=minbase --include="$include" "$suite" "$root" "$mirror" >"$log" 2>&1 ||
    { tail -n 30 "$log" >&2; exit 1; }
  rm -f "$log"
  awk '{print "deb", $1, $2, $3}' <<<"$archives" >"$root/etc/apt/sources.list"
  apt-config dump | grep -E '^Acquire::(http|https|ftp|Retries|Check-)' >"$root/etc/apt/apt.conf.d/90host" || true
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  mount -t proc proc "$root/proc"
  mount --bind /sys "$root/sys"
  mount --bind /dev "$root/dev"
  [[ ! -d /dev/shm ]] || mount --bind /dev/shm "$root/dev/shm"
  [[ ! -d /dev/pts ]] || mount --bind /dev/pts "$root/dev/pts"
  git clone --quiet --bare "$source_tree" "$root/srv/openruntime.git"
}

inside() {
  local variable environment=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb)
  for variable in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    [[ -z ${!variable:-} ]] || environment+=("$variable=${!variable}")
  done
  env -i "${environment[@]}" chroot "$root" /bin/sh -c "$1" </dev/null
}

unmount() {
  local point
  for point in dev/pts dev/shm dev sys proc; do
    umount --lazy "$root/$point" 2>/dev/null || true
  done
}
trap unmount EXIT

stage "debootstrap $suite, git only" bootstrap
for tool in gcc cc cmake python3 ninja make curl sudo; do
  ! inside "command -v $tool" || { echo "$tool is there: not bare" >&2; exit 1; }
done
stage "git clone" inside 'cd /root && git clone --quiet /srv/openruntime.git && git -C openruntime log -1 --oneline'
if [[ $only != test ]]; then
  stage "./quickstart.sh, first time" inside 'cd /root/openruntime && ./quickstart.sh'
  stage "./quickstart.sh, once built" inside 'cd /root/openruntime && ./quickstart.sh >/dev/null'
fi
if [[ $only != quickstart ]]; then
  stage "./test.sh" inside 'cd /root/openruntime && ./test.sh'
fi

printf '\n==== Debian 12 with git alone, %s cores, %s\n' "$(nproc)" "$(date -u +%F)"
printf '%s\n' "${report[@]}"
