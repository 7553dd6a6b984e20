#!/bin/sh
# SPDX-License-Identifier: MIT
# path.sh STUB.elf: shows and counts the instructions from the IRQ vector to the output's store: 2.
set -eu
objdump=${OBJDUMP:-aarch64-linux-gnu-objdump}

code=$($objdump -d --no-show-raw-insn "$1")
address_of() {
    printf '%s\n' "$code" | sed -n "s/^\([0-9a-f]*\) <$1>:\$/\1/p"
}
offset=$((0x$(address_of vector_irq) - 0x$(address_of vectors)))
if [ "$offset" -ne $((0x280)) ]; then
    echo "path: vector_irq is $offset bytes behind the vector base, not 640"
    exit 1
fi

path=$(printf '%s\n' "$code" | sed -n '/<vector_irq>:$/,/<stub_irq>$/s/^ *[0-9a-f]*:[ \t]*//p' |
    sed '/^str[ \t]*w28, \[x27\]/q')
printf '%s\n' "$path"
count=$(printf '%s\n' "$path" | wc -l)
echo "path: $count instructions"
case $(printf '%s\n' "$path" | tr -s ' \t\n' ' ') in
'eor w28, w28, w26 str w28, [x27] ') ;;
*)
    echo "path: must be eor w28, w28, w26 and str w28, [x27]"
    exit 1
    ;;
esac
