/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include "store/result.h"
#include "store/run_folder.h"
#include "util/file.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

int p2p_exit_for(enum p2p_verdict verdict, const struct p2p_options *options)
{
    int code = p2p_verdict_exit_code(verdict);

    if (options->bisect && (code == P2P_EXIT_INCONCLUSIVE || code == P2P_EXIT_BENCH_FAULT)) {
        return P2P_EXIT_BISECT_SKIP;
    }
    return code;
}

int p2p_complain(const struct p2p_error *error, const struct p2p_options *options)
{
    fprintf(stderr, "pin2pin: %s\n", error->message);
    switch (error->code) {
    case P2P_E_INPUT:
        return P2P_EXIT_USAGE;
    case P2P_E_INTERRUPTED:
        return P2P_EXIT_INTERRUPTED;
    case P2P_E_BENCH:
    case P2P_E_HOST:
    case P2P_OK:
        break;
    }
    return p2p_exit_for(P2P_VERDICT_BENCH_FAULT, options);
}

char *p2p_result_file(const char *path)
{
    char *inside = p2p_result_path(path);

    if (inside != NULL && access(inside, F_OK) != 0) {
        free(inside);
        inside = p2p_format("%s", path);
    }
    return inside;
}

struct p2p_result *p2p_load_result(const char *path, struct p2p_error *error)
{
    char *file = p2p_result_file(path);
    struct p2p_result *result = NULL;

    if (file == NULL) {
        p2p_error_set(error, P2P_E_HOST, "%s: out of memory", path);
    } else {
        result = p2p_result_load(file, error);
    }
    free(file);
    return result;
}

bool p2p_print_json(const struct p2p_result *result)
{
    char *text = p2p_result_encode(result);

    if (text == NULL) {
        fprintf(stderr, "pin2pin: out of memory\n");
        return false;
    }
    fputs(text, stdout);
    free(text);
    return true;
}

int p2p_finish_output(int exit_code)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "pin2pin: cannot write to stdout\n");
        return P2P_EXIT_BENCH_FAULT;
    }
    return exit_code;
}

int p2p_open_stop_fd(struct p2p_error *error)
{
    static const int stops[] = {SIGINT, SIGTERM, SIGHUP};
    sigset_t signals;
    int fd = -1;

    sigemptyset(&signals);
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        struct sigaction action;

        /* Blocking would undo it that nohup or a shell's `&` has it ignored: what is blocked is queued, ignored or not.
         */
        if (sigaction(stops[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            sigaddset(&signals, stops[i]);
        }
    }
    if (sigprocmask(SIG_BLOCK, &signals, NULL) == 0) {
        fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    }
    signal(SIGXFSZ, SIG_IGN); /* `ulimit -f` shall be an error of the write, too */
    signal(SIGPIPE, SIG_IGN); /* a pipe that is gone is an error of the write, which is checked */
    if (fd < 0) {
        p2p_error_set_errno(error, P2P_E_HOST, errno, "signalfd");
    }
    return fd;
}

bool p2p_take_stop(int stop_fd)
{
    struct signalfd_siginfo info;

    return read(stop_fd, &info, sizeof info) == sizeof info;
}
