#!/bin/sh
# A stand-in for fleetctl that fails in the way that FAKE_FLEETCTL names. Each call is noted in $FAKE_LOG.
row='carousel-9f88701@1.service'
hash=3a07abc3f14e013a66c825eb161688e393bac544
machine=7f1e9eef1c243090b388367bf9800de2/10.77.0.11
[ -z "$FAKE_LOG" ] || echo "$1" >>"$FAKE_LOG"

table() { # the rows of one listing, as many as asked for
  case "$1" in
    list-units) printf "carousel-9f88701@%s.service\t$machine\tloaded\tactive\trunning\t$hash\n" $(seq "$2") ;;
    list-unit-files) printf "carousel-9f88701@%s.service\t$hash\tlaunched\tlaunched\t$machine\tcarousel 9f88701 instance %s\n" \
        $(seq "$2" | sed 's/.*/& &/') ;;
    start) shift 2; for path; do echo "Triggered unit ${path##*/} start"; done ;;
  esac
}

case "$FAKE_FLEETCTL" in
  hang) sleep 600 ;;
  half) printf "$row\t$machine\tloa"; sleep 600 ;;
  child) sleep 600 & sleep 600 ;;
  signal) kill -SEGV $$ ;;
  nonsense) echo 'the quick brown fox' ;;
  half-table) table "$1" 2 | head -c 150 ;;
  missing-cell) printf "$row\t$hash\tlaunched\n" ;;
  slow) sleep 1; table "$1" 1 ;;
  invalid) printf 'carousel-\377\376@1.service\t-\n' ;;
  words) printf 'Error \377\033[31m\a\r oh no\n' >&2; exit 1 ;;
  huge) table "$1" 20000 ;;
  start) if [ "$1" = start ]; then table "$@"; fi ;;
  nothing) ;;
  yes) exec yes ;;
  env) env >"$FAKE_LOG.env" ;;
esac
