#!/usr/bin/env bash
# Unpacks Debian packages into a folder, without root: debian.sh INTO PACKAGE...
# Takes the system's package lists; where these are missing or stale, private ones under INTO.
set -euo pipefail
into=$1
shift
mkdir -p "$into/debs" "$into/root"
cd "$into/debs"

private=(
  -o "Dir::State=$into/apt/state" -o "Dir::State::status=/var/lib/dpkg/status"
  -o "Dir::Cache=$into/apt/cache" -o "APT::Sandbox::User="
)

# What installing the packages would add to this machine, the packages themselves included.
missing() {
  apt-get "$@" -o Debug::NoLocking=1 --simulate --no-install-recommends install "${packages[@]}" |
    awk '/^Inst / {print $2}'
}

download() {
  local names
  names=$(missing "$@") && [ -n "$names" ] || return 1
  # shellcheck disable=SC2086 - a list of names
  apt-get "$@" download $names
}

packages=("$@")
if ! download; then
  mkdir -p "$into/apt/state/lists/partial" "$into/apt/cache/archives/partial"
  apt-get "${private[@]}" update
  download "${private[@]}"
fi
for package in ./*.deb; do
  dpkg -x "$package" "$into/root"
done
rm -rf "$into/apt" "$into/debs"
