/* SPDX-License-Identifier: MIT */
#include "boots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

void boots_of(struct boots *boots, const double *values_ns, size_t count)
{
    assert_true(count <= BOOTS_MAX);
    *boots = (struct boots){
        .result = {.plan = "plan",
                   .bench = "lab",
                   .wiring = "uboot, pins 0 1 2, probe ftdi",
                   .boots = (uint32_t)count,
                   .samples = 1000,
                   .warmup = 2,
                   .probe = "ftdi",
                   .serial = "e6616408432d2b21",
                   .tick_hz = 125000000,
                   .complete = true,
                   .configuration_count = 1},
        .configuration = {.name = "xen", .stub = "pin2pin-stub 0.1.0", .stub_path = "2", .limits = P2P_NO_LIMITS},
    };
    for (size_t i = 0; i < count; i++) {
        struct p2p_boot_figures *figures = &boots->boots[i].figures;

        figures->n = 1000;
        figures->n_warm = 998;
        for (int figure = 0; figure < P2P_FIGURE_COUNT; figure++) {
            figures->value_ns[figure] = values_ns[i];
        }
    }
    boots->result.configurations = &boots->configuration;
    boots->configuration.boot_figures = boots->boots;
    boots->configuration.boot_figure_count = count;
}

void boots_from(struct boots *boots, double first_ns, double step_ns, size_t count)
{
    double values_ns[BOOTS_MAX];

    for (size_t i = 0; i < count; i++) {
        values_ns[i] = first_ns + step_ns * (double)i;
    }
    boots_of(boots, values_ns, count);
}
