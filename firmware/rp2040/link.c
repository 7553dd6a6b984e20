/* SPDX-License-Identifier: MIT */
#include "link.h"

#include "board.h"

#include "hardware/dma.h"
#include "hardware/gpio.h"
#include "hardware/irq.h"
#include "hardware/sync.h"
#include "hardware/uart.h"

enum {
    PIECE_BYTES = 1024,   /* what is being sent still takes room in the queue */
    RECEIVED_BYTES = 256, /* a power of 2; a command has 13 bytes at most */
};

/* At file scope because interrupt handlers have no argument. */
static struct {
    struct probe_queue *queue;
    uint dma;
    size_t sending; /* bytes that the DMA is at; 0: it is idle */
    uint8_t received[RECEIVED_BYTES];
    volatile uint32_t received_count, taken_count; /* in all so far, modulo 2^32 */
} uart_link;

static uart_inst_t *uart(void)
{
    return uart_get_instance(BOARD_UART);
}

static void send_piece(void)
{
    const uint8_t *bytes;

    uart_link.sending = probe_queue_front(uart_link.queue, PIECE_BYTES, &bytes);
    if (uart_link.sending > 0) {
        dma_channel_transfer_from_buffer_now(uart_link.dma, bytes, uart_link.sending);
    }
}

static void on_sent(void)
{
    dma_irqn_acknowledge_channel(0, uart_link.dma);
    probe_queue_drop(uart_link.queue, uart_link.sending);
    send_piece();
}

/* Bytes that find no room are dropped: the command's checksum tells, and the host repeats it. */
static void on_received(void)
{
    while (uart_is_readable(uart())) {
        const uint8_t byte = (uint8_t)uart_get_hw(uart())->dr;

        if (uart_link.received_count - uart_link.taken_count < RECEIVED_BYTES) {
            uart_link.received[uart_link.received_count % RECEIVED_BYTES] = byte;
            uart_link.received_count++;
        }
    }
}

static void start_uart(void)
{
    uart_init(uart(), BOARD_BAUD);
    gpio_set_function(BOARD_UART_TX_PIN, GPIO_FUNC_UART);
    gpio_set_function(BOARD_UART_RX_PIN, GPIO_FUNC_UART);
    gpio_set_function(BOARD_UART_CTS_PIN, GPIO_FUNC_UART);
    gpio_set_function(BOARD_UART_RTS_PIN, GPIO_FUNC_UART);
    gpio_pull_up(BOARD_UART_RX_PIN);    /* idle, when not wired */
    gpio_pull_down(BOARD_UART_CTS_PIN); /* clear to send, when not wired */
    uart_set_hw_flow(uart(), true, true);
    irq_set_exclusive_handler(UART_IRQ_NUM(BOARD_UART), on_received);
    irq_set_enabled(UART_IRQ_NUM(BOARD_UART), true);
    uart_set_irqs_enabled(uart(), true, false);
}

static void start_dma(void)
{
    dma_channel_config config;

    uart_link.dma = (uint)dma_claim_unused_channel(true);
    config = dma_channel_get_default_config(uart_link.dma);
    channel_config_set_transfer_data_size(&config, DMA_SIZE_8);
    channel_config_set_dreq(&config, uart_get_dreq(uart(), true));
    dma_channel_configure(uart_link.dma, &config, &uart_get_hw(uart())->dr, NULL, 0, false);
    irq_set_exclusive_handler(DMA_IRQ_0, on_sent);
    irq_set_enabled(DMA_IRQ_0, true);
    dma_irqn_set_channel_enabled(0, uart_link.dma, true);
}

void link_start(struct probe_queue *queue)
{
    uart_link.queue = queue;
    start_uart();
    start_dma();
}

void link_send(void)
{
    const uint32_t interrupts = save_and_disable_interrupts(); /* on_sent sends too */

    if (uart_link.sending == 0) {
        send_piece();
    }
    restore_interrupts(interrupts);
}

bool link_has_received(void)
{
    return uart_link.taken_count != uart_link.received_count;
}

bool link_receive(uint8_t *byte)
{
    if (!link_has_received()) {
        return false;
    }
    *byte = uart_link.received[uart_link.taken_count % RECEIVED_BYTES];
    uart_link.taken_count++;
    return true;
}
