#!/bin/sh
# SPDX-License-Identifier: MIT
# virtual-bench.sh PIN2PIN PLAN: prints samples per second, peak memory and who used the CPU, on the virtual bench with
# the ideal probe and through the probe's firmware; fails nothing. PLAN is of the bench with GICv2.
# Wall-clock figures belong to this machine and its load; memory does not.
set -eu
pin2pin=$1
plan=$2
benches=$(dirname "$0")/../../fixtures/benches
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A child takes its account with it when it is killed, so it is looked at until then: its CPU time so far, at most 50 ms
# old. One file a process: name and clock ticks.
watch() { # PID
    while kill -0 "$1" 2>/dev/null; do
        run=$(pgrep -P "$1" || true)
        for pid in $run $(test -z "$run" || pgrep -P "$run"); do
            sed -E 's/^[0-9]+ \((.*)\) (.*)/\1 \2/' "/proc/$pid/stat" 2>/dev/null |
                awk '{ print $1, $13 + $14 }' >"$work/now" && [ -s "$work/now" ] && mv "$work/now" "$work/cpu.$pid"
        done
        sleep 0.05
    done
}

measure() { # PROBE BENCH CONFIGURATION SAMPLES
    /usr/bin/env time -f '%e %M' -o "$work/time" "$pin2pin" run -q --bench "$benches/$2.bench.json" --only "$3" \
        --samples "$4" --boots 1 -o "$work/run" "$plan" >"$work/out" &
    watch $!
    wait $!
    read -r seconds kib <"$work/time"
    awk -v probe="$1" -v name="$3" -v n="$4" -v s="$seconds" -v k="$kib" -v hz="$(getconf CLK_TCK)" '
        { cpu[$1] += $2 / hz }
        END {
            printf "%-8s %-21s %8d samples %6.1f s %7.0f samples/s %4d MiB peak; CPU:", probe, name, n, s, n / s, k / 1024
            for (program in cpu) printf " %s %.1f s", program, cpu[program]
            print ""
        }' "$work"/cpu.*
    rm -rf "$work/run" "$work"/cpu.*
}

measure firmware virtual-gicv2 native 10000
measure firmware virtual-gicv2 xen-4.17-vwfi-trap 10000
measure ideal virtual-gicv2-ideal xen-4.17-vwfi-trap 10000
measure firmware virtual-gicv2 xen-4.17-vwfi-trap 100000
measure ideal virtual-gicv2-ideal native 100000
measure ideal virtual-gicv2-ideal native 1000000
measure ideal virtual-gicv2-ideal xen-4.17-vwfi-trap 100000
measure ideal virtual-gicv2-ideal xen-4.17-vwfi-native 100000
measure ideal virtual-gicv2-ideal xen-4.20-vwfi-trap 100000
measure ideal virtual-gicv2-ideal xen-4.20-vwfi-native 100000
