# Sourced by the scripts that install packages of Debian.
# shellcheck shell=bash

# install_packages PACKAGE...: installs those that are missing, and starts none of the services among them
install_packages() {
  local package missing=() policy=/usr/sbin/policy-rc.d
  for package in "$@"; do
    if [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then missing+=("$package"); fi
  done
  if ((${#missing[@]} == 0)); then return; fi
  if ((EUID != 0)); then
    fail "not root: run 'apt-get install --no-install-recommends ${missing[*]}' as root, then this again"
  fi
  quietly 'apt-get update' apt-get -q update
  # Debian would start the services it installs (nats-server on every address): these are here to be run by us.
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    # shellcheck disable=SC2064
    trap "rm -f '$policy'" EXIT
  fi
  DEBIAN_FRONTEND=noninteractive quietly "apt-get install ${missing[*]} (about a minute)" \
    apt-get -q -y install --no-install-recommends "${missing[@]}"
  if [[ $(cat "$policy" 2>/dev/null) == $'#!/bin/sh\nexit 101' ]]; then rm -f "$policy"; fi
  trap - EXIT
}
