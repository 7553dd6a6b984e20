/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include "board.h"
#include "capture.pio.h"
#include "firmware/core/probe.h"

#include "hardware/dma.h"
#include "hardware/gpio.h"
#include "hardware/irq.h"
#include "hardware/pio.h"
#include "hardware/timer.h"

enum {
    RING_BITS = 14,
    RING_WORDS = (1 << RING_BITS) / 4,
    SLACK_WORDS = 8, /* the DMA may be about to overwrite these */
    ALL_STREAMS = (1 << PROBE_STREAMS) - 1,
};

#define TRANSFERS UINT32_MAX /* until a DMA channel must be started anew: 2 days at 25,000 words a second */

/* The DMA's ring needs its natural alignment. */
static uint32_t rings[PROBE_STREAMS][RING_WORDS] __attribute__((aligned(1 << RING_BITS)));

/* At file scope because the interrupt handler has no argument. */
static struct {
    uint dma;
    volatile uint32_t base; /* words of the DMA's earlier starts, modulo 2^32 as all counts of words here */
    uint32_t read, limit;
} streams[PROBE_STREAMS];

static uint64_t start_us;

static const uint pins[PROBE_CHANNELS] = {BOARD_STIMULUS_PIN, BOARD_ANSWER_PIN};

static void restart_dma(void)
{
    for (unsigned stream = 0; stream < PROBE_STREAMS; stream++) {
        if (dma_irqn_get_channel_status(1, streams[stream].dma)) {
            dma_irqn_acknowledge_channel(1, streams[stream].dma);
            streams[stream].base += TRANSFERS;
            dma_channel_set_trans_count(streams[stream].dma, TRANSFERS, true);
        }
    }
}

static void start_dma(unsigned stream)
{
    const uint dma = (uint)dma_claim_unused_channel(true);
    dma_channel_config config = dma_channel_get_default_config(dma);

    streams[stream].dma = dma;
    channel_config_set_read_increment(&config, false);
    channel_config_set_write_increment(&config, true);
    channel_config_set_ring(&config, true, RING_BITS);
    channel_config_set_dreq(&config, pio_get_dreq(pio0, stream, false));
    dma_irqn_set_channel_enabled(1, dma, true);
    dma_channel_configure(dma, &config, rings[stream], &pio0->rxf[stream], TRANSFERS, true);
}

static void start_pin(uint pin)
{
    gpio_init(pin);
    gpio_pull_down(pin); /* a line that hangs in the air makes no edges */
}

/* Phase 1 begins one instruction, so one tick, later. */
static void prepare_counter(unsigned stream, uint program)
{
    pio_sm_config config = capture_program_get_default_config(program);
    const uint entry = stream % PROBE_PHASES == 0 ? capture_offset_early : capture_offset_late;

    sm_config_set_jmp_pin(&config, pins[stream / PROBE_PHASES]);
    sm_config_set_in_shift(&config, false, false, 32);
    sm_config_set_fifo_join(&config, PIO_FIFO_JOIN_RX);
    pio_sm_init(pio0, stream, program + entry, &config);
    pio_sm_exec(pio0, stream, pio_encode_set(pio_x, 0));
    pio_sm_exec(pio0, stream, pio_encode_set(pio_y, 1));
}

void capture_start(void)
{
    const uint program = (uint)pio_add_program(pio0, &capture_program);

    irq_set_exclusive_handler(DMA_IRQ_1, restart_dma);
    irq_set_enabled(DMA_IRQ_1, true);
    for (unsigned channel = 0; channel < PROBE_CHANNELS; channel++) {
        start_pin(pins[channel]);
    }
    for (unsigned stream = 0; stream < PROBE_STREAMS; stream++) {
        prepare_counter(stream, program);
        start_dma(stream);
    }
    start_us = time_us_64();
    pio_enable_sm_mask_in_sync(pio0, ALL_STREAMS);
}

uint64_t capture_now(void)
{
    return (time_us_64() - start_us) * CAPTURE_TICKS_PER_US;
}

static uint32_t written(unsigned stream)
{
    uint32_t base, count;

    do { /* again if restart_dma came in between */
        base = streams[stream].base;
        count = TRANSFERS - dma_hw->ch[streams[stream].dma].transfer_count;
    } while (base != streams[stream].base);
    return base + count;
}

bool capture_is_quiet(void)
{
    for (unsigned stream = 0; stream < PROBE_STREAMS; stream++) {
        if (written(stream) != streams[stream].read) {
            return false;
        }
    }
    return true;
}

/* The DMA counts a word a few cycles before memory has it: a look is taken of all rings before the first is read. */
void capture_look(void)
{
    for (unsigned stream = 0; stream < PROBE_STREAMS; stream++) {
        streams[stream].limit = written(stream);
    }
}

static void skip_channel(unsigned channel)
{
    for (unsigned stream = channel * PROBE_PHASES; stream < (channel + 1) * PROBE_PHASES; stream++) {
        streams[stream].limit = written(stream);
        streams[stream].read = streams[stream].limit;
    }
}

enum capture_found capture_next(unsigned stream, uint32_t *word)
{
    const uint32_t read = streams[stream].read;

    if (read == streams[stream].limit) {
        return CAPTURE_NOTHING;
    }
    *word = ((const volatile uint32_t *)rings[stream])[read % RING_WORDS];
    if (written(stream) - read > RING_WORDS - SLACK_WORDS) {
        skip_channel(stream / PROBE_PHASES);
        return CAPTURE_LAPPED;
    }
    streams[stream].read++;
    return CAPTURE_WORD;
}

unsigned capture_stalls(void)
{
    const unsigned stalls = pio0->fdebug >> PIO_FDEBUG_RXSTALL_LSB & ALL_STREAMS;

    pio0->fdebug = stalls << PIO_FDEBUG_RXSTALL_LSB;
    return stalls;
}
