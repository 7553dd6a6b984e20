#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""uf2.py IMAGE.bin IMAGE.uf2: the form in which the RP2040's USB bootloader takes an image for the start of its flash.

Blocks of 512 bytes, 256 of them data; https://github.com/microsoft/uf2."""
import struct
import sys

MAGIC_START, MAGIC_SECOND, MAGIC_END = 0x0A324655, 0x9E5D5157, 0x0AB16F30
FAMILY_PRESENT, FAMILY_RP2040 = 0x2000, 0xE48BFF56
FLASH, DATA = 0x10000000, 256


def blocks(image):
    count = (len(image) + DATA - 1) // DATA
    for i in range(count):
        data = image[i * DATA : (i + 1) * DATA].ljust(476, b"\0")
        head = (MAGIC_START, MAGIC_SECOND, FAMILY_PRESENT, FLASH + i * DATA, DATA, i, count, FAMILY_RP2040)
        yield struct.pack("<8I", *head) + data + struct.pack("<I", MAGIC_END)


def main():
    source, target = sys.argv[1:]
    with open(source, "rb") as file:
        image = file.read()
    with open(target, "wb") as file:
        file.writelines(blocks(image))


if __name__ == "__main__":
    main()
