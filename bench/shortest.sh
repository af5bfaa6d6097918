#!/bin/sh
# The shortest script of fleetctl calls that replaces one release by another without a gap: start the new units, wait
# until they run, stop and destroy the old ones, wait until they are gone. What a team has before it has a tool.
# usage: shortest.sh NEW OLD UNIT-FILE… where the files are the new units', and NEW and OLD end in @. LOOK is how many
# seconds it sleeps between two looks (1).
set -eu
new=$1 old=$2
shift 2

fleetctl start --no-block "$@" >/dev/null
until [ "$(fleetctl list-units --no-legend | grep -c "^$new.*running")" = $# ]; do
    sleep "${LOOK-1}"
done
before=$(fleetctl list-unit-files --no-legend --fields=unit | grep "^$old" || true)
[ "$before" ] || exit 0
# shellcheck disable=SC2086 # one argument a unit
fleetctl stop $before >/dev/null 2>&1
# shellcheck disable=SC2086
fleetctl destroy $before >/dev/null
while fleetctl list-units --no-legend | grep -q "^$old" || fleetctl list-unit-files --no-legend | grep -q "^$old"; do
    sleep "${LOOK-1}"
done
