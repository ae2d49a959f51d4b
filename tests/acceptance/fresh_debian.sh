#!/usr/bin/env bash
# A Debian 12 with make, git and Python and nothing else; a fresh clone runs and tests in it.
#   fresh_debian.sh CHECKOUT TARGET
# Needs root and debootstrap. The machine's certificates and package settings are copied in.
set -euo pipefail
checkout=$1
target=$2
suite=bookworm

cleanup() {
  for part in dev/pts dev/shm dev sys proc; do umount -l "$target/$part" 2>/dev/null || true; done
}
trap cleanup EXIT

if [ ! -x "$target/usr/bin/make" ]; then
  debootstrap --variant=minbase --include=ca-certificates,python3,make,git "$suite" "$target" >"$target.log" 2>&1
fi
mount -t proc proc "$target/proc"
mount -t sysfs sys "$target/sys"
mount --rbind /dev "$target/dev"
cp /etc/resolv.conf /etc/hosts "$target/etc/"
cp -L /etc/ssl/certs/ca-certificates.crt "$target/etc/ssl/certs/ca-certificates.crt"
for file in /etc/apt/apt.conf.d/*; do
  case $(basename "$file") in 0* | docker* | *packagekit* | *appstream*) ;; *) cp "$file" "$target/etc/apt/apt.conf.d/" ;; esac
done

within() {
  local user=$1 home=$2
  shift 2
  chroot "$target" /usr/bin/env -i HOME="$home" USER="$user" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
    CI="${CI:-}" setpriv --reuid="$user" --regid="$user" --init-groups bash -c "cd $home/sent && $*"
}

for user in ${USERS:-root guard}; do
  home=$([ "$user" = root ] && echo /root || echo "/home/$user")
  chroot "$target" id "$user" >/dev/null 2>&1 || chroot "$target" useradd --create-home "$user"
  rm -rf "${target:?}$home/sent"
  git clone -q "$checkout" "$target$home/sent"
  chroot "$target" chown -R "$user:$user" "$home/sent"
  echo "== $user: make run"
  within "$user" "$home" "make run ARGS='--headless --seconds 30'"
  echo "== $user: make test"
  within "$user" "$home" "make test"
done
