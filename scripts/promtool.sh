#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Prints where promtool is: from PATH, else from Debian's package prometheus, unpacked into the cache. The package
# itself is not installed: it would start a server on this machine.
set -euo pipefail
cd "$(dirname "$0")/.."

if command -v promtool; then exit; fi
version=$(apt-cache policy prometheus | sed -n 's/^ *Candidate: //p')
folder=${XDG_CACHE_HOME:-$HOME/.cache}/spicetap/promtool-${version//[^0-9A-Za-z.+~-]/_}
if ! sha256sum --check --status "$folder/sum" 2>/dev/null; then
    part=$(mktemp -d)
    trap 'rm -rf "$part"' EXIT
    # apt checks the package against the archive's signed list.
    (cd "$part" && apt-get download -q prometheus >&2 && dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool)
    mkdir -p "$folder"
    mv "$part/usr/bin/promtool" "$folder/"
    sha256sum "$folder/promtool" > "$folder/sum"
fi
printf '%s\n' "$folder/promtool"
