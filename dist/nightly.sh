#!/bin/sh
# SPDX-License-Identifier: MIT
# pin2pin-nightly NAME: one night of /etc/pin2pin/NAME.plan.json on NAME.bench.json, as pin2pin-nightly@NAME.service
# runs it. Its exit code is that of `pin2pin run`. The folders are systemd's; PIN2PIN_NIGHTS says how many to keep.
set -eu

name=${1:?"usage: pin2pin-nightly NAME"}
config=${CONFIGURATION_DIRECTORY:-/etc/pin2pin}
runs=${STATE_DIRECTORY:-/var/lib/pin2pin}/runs/$name
log=${LOGS_DIRECTORY:-/var/log/pin2pin}/$name.log
nights=${PIN2PIN_NIGHTS:-90}
date=$(date -u +%Y%m%dT%H%M%SZ)

case $nights in
'' | *[!0-9]* | 0*)
    echo "pin2pin-nightly: PIN2PIN_NIGHTS: expected a number from 1, found \"$nights\"" >&2
    exit 2
    ;;
esac

# The oldest go; only what a night made is ever removed. It must not cost the night's verdict.
remove_old()
{
    find "$runs" -mindepth 1 -maxdepth 1 -type d -name '[0-9]*T[0-9]*Z' | sort -r | tail -n "+$((nights + 1))" |
        while IFS= read -r old; do
            rm -rf -- "$old"
        done
}

mkdir -p "$runs"
code=0
trap : HUP INT TERM # `run` gets them, too; what becomes of it is logged
pin2pin run -q --bench "$config/$name.bench.json" -o "$runs/$date" "$config/$name.plan.json" >"$runs/report.tmp" 2>&1 ||
    code=$?
case $code in
0) verdict=PASS ;;
1) verdict=FAIL ;;
2) verdict='not run: a wrong file' ;;
3) verdict=INCONCLUSIVE ;;
4) verdict='BENCH FAULT' ;;
130) verdict=interrupted ;;
*) verdict='ended by a signal' ;;
esac
line="$date $name: $verdict (exit code $code)"
{
    echo "$line"
    cat "$runs/report.tmp"
} >>"$log"
echo "$line; $log, $runs/$date" # the journal's
rm -f "$runs/report.tmp"
if [ -d "$runs/$date" ]; then
    ln -sfn "$date" "$runs/latest"
fi
remove_old || echo "pin2pin-nightly: $runs: cannot remove old nights" >&2
exit "$code"
