/* SPDX-License-Identifier: MIT */
#include "identity.h"

#include "hardware/flash.h"
#include "hardware/structs/rosc.h"
#include "hardware/sync.h"
#include "hardware/timer.h"
#include "pico/platform.h"

#include <stddef.h>

uint64_t identity_board_id(void)
{
    uint8_t bytes[FLASH_UNIQUE_ID_SIZE_BYTES];
    uint64_t id = 0;
    uint32_t interrupts;

    if (rp2040_rom_version() == 0) {
        return 0;
    }
    interrupts = save_and_disable_interrupts();
    flash_get_unique_id(bytes);
    restore_interrupts(interrupts);
    for (size_t i = 0; i < sizeof bytes; i++) {
        id = id << 8 | bytes[i];
    }
    return id;
}

/* One bit is hardly random: 4 of them, apart by more than the oscillator's period, make one of the number's. */
uint32_t identity_run_id(void)
{
    uint32_t id = 0;

    for (int i = 0; i < 4 * 32; i++) {
        busy_wait_us_32(1);
        id = (id << 1 | id >> 31) ^ (rosc_hw->randombit & 1);
    }
    return id;
}
