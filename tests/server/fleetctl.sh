#!/bin/sh
# A stand-in for fleetctl that lists $FAKE_UNITS units, and hangs, fails or takes its time where $FAKE_MODE says so.
hash=3a07abc3f14e013a66c825eb161688e393bac544
machine=7f1e9eef1c243090b388367bf9800de2/10.77.0.11
for word; do case $word in list-*) verb=$word ;; esac; done
echo "$verb" >>"$FAKE_LOG"
case "$(cat "$FAKE_MODE" 2>/dev/null)" in
  hang) echo $$ >"$FAKE_LOG.hanging"; exec sleep 60 ;;
  slow) sleep 0.5 ;;
  fail) echo 'Error retrieving list of units from repository: connection refused' >&2; exit 1 ;;
esac
case "$verb" in
  list-units) printf "carousel-9f88701@%s.service\t$machine\tloaded\tactive\trunning\t$hash\n" $(seq "$FAKE_UNITS") ;;
  list-unit-files) printf "carousel-9f88701@%s.service\t$hash\tlaunched\tlaunched\t$machine\tcarousel 9f88701 instance %s\n" \
    $(seq "$FAKE_UNITS" | sed 's/.*/& &/') ;;
esac
