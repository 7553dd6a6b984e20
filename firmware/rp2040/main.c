/* SPDX-License-Identifier: MIT */
#include "board.h"
#include "capture.h"
#include "firmware/core/probe.h"
#include "identity.h"
#include "link.h"
#include "selftest.h"

#include "hardware/gpio.h"
#include "hardware/irq.h"
#include "hardware/sync.h"
#include "hardware/timer.h"
#include "hardware/watchdog.h"

enum {
    ROUND_US = 2000,
    EVENTS_PER_ROUND = 64, /* then commands and the watchdog have their turn */
    WATCHDOG_MS = 250,
    ALARM = 0,
};

/* At file scope because the handler has no argument. */
static volatile bool round_is_due;

/* Sets the next one: no handler is interrupted, so it cannot be past when it is set. */
static void on_alarm(void)
{
    timer_hw->intr = 1U << ALARM;
    timer_hw->alarm[ALARM] = timer_hw->timerawl + ROUND_US;
    round_is_due = true;
}

static void start_rounds(void)
{
    hardware_alarm_claim(ALARM);
    irq_set_exclusive_handler(hardware_alarm_get_irq_num(ALARM), on_alarm);
    hw_set_bits(&timer_hw->inte, 1U << ALARM);
    irq_set_enabled(hardware_alarm_get_irq_num(ALARM), true);
    irq_set_pending(hardware_alarm_get_irq_num(ALARM));
}

static uint32_t self_test(void *context)
{
    (void)context;
    return selftest_run();
}

static void feed_words(struct probe *probe, uint64_t now)
{
    for (unsigned stream = 0; stream < PROBE_STREAMS; stream++) {
        uint32_t word;

        if (!probe_wants(probe, stream)) {
            continue;
        }
        switch (capture_next(stream, &word)) {
        case CAPTURE_NOTHING:
            break;
        case CAPTURE_WORD:
            probe_word(probe, stream, word, now);
            break;
        case CAPTURE_LAPPED:
            probe_lose(probe, stream / PROBE_PHASES, PROBE_LAYER_RING, capture_now());
            break;
        }
    }
}

/* Returns false if there was more to do. The horizon is fixed before the look, so that the look has all before it. */
static bool take_events(struct probe *probe)
{
    const uint64_t now = capture_now(), settle = CAPTURE_SETTLE_US * CAPTURE_TICKS_PER_US;
    const uint64_t horizon = now > settle ? now - settle : 0;
    const unsigned stalls = capture_stalls();
    bool more = true;

    for (unsigned stream = 0; stream < PROBE_STREAMS; stream++) {
        if ((stalls >> stream & 1) != 0) {
            probe_lose(probe, stream / PROBE_PHASES, PROBE_LAYER_FIFO, capture_now());
        }
    }
    capture_look();
    for (int i = 0; i < EVENTS_PER_ROUND && more; i++) {
        feed_words(probe, now);
        more = probe_take(probe, horizon);
    }
    probe_close(probe, !more, horizon);
    return !more;
}

/* Returns false if there was more to do. */
static bool work(struct probe *probe)
{
    const bool drained = take_events(probe);
    uint8_t byte;

    while (link_receive(&byte)) {
        probe_receive(probe, byte, capture_now());
    }
    link_send();
    gpio_put(BOARD_LED_PIN, probe_led(probe, capture_now()));
    return drained;
}

/* The exit of a handler is an event to WFE too, so none that comes between the question and WFE is slept over. */
static void sleep_until_needed(void)
{
    while (!round_is_due && !link_has_received()) {
        __wfe();
    }
    round_is_due = false;
}

static void start(struct probe *probe)
{
    const struct probe_hello hello = {
        .clk_hz = SYS_CLK_HZ,
        .board_id = identity_board_id(),
        .run_id = identity_run_id(),
        .firmware = "pin2pin " P2P_VERSION,
    };

    gpio_init(BOARD_LED_PIN);
    gpio_set_dir(BOARD_LED_PIN, GPIO_OUT);
    link_start(&probe->outbox.queue);
    capture_start();
    probe_start(probe, &hello, self_test, NULL);
    start_rounds();
    watchdog_enable(WATCHDOG_MS, true);
}

int main(void)
{
    static struct probe probe; /* too large for the stack */
    uint32_t rest = 0;         /* rounds that may be left out, as most of them have nothing to do */

    start(&probe);
    for (;;) {
        watchdog_update();
        if (rest > 0 && capture_is_quiet() && !link_has_received()) {
            rest--;
        } else if (work(&probe)) {
            rest = (uint32_t)probe_rest(&probe, capture_now()) / (ROUND_US * CAPTURE_TICKS_PER_US);
        } else {
            continue;
        }
        sleep_until_needed();
    }
}
