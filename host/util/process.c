/* SPDX-License-Identifier: MIT */
#include "util/process.h"

#include "util/deadline.h"
#include "util/file.h"
#include "util/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POLL_STEP_MS = 5, OUTPUT_BYTES_MAX = 16 << 20 };

struct p2p_process {
    pid_t pid;
    int output_fd; /* what the child prints, in memory */
    bool ended;
    bool signalled;
    int wait_status; /* the signal, or the exit code */
};

/* In the child, between fork and exec: only async-signal-safe calls. */
static void keep_only(const int fds[], size_t fd_count)
{
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    for (size_t i = 0; i < fd_count; i++) {
        fcntl(fds[i], F_SETFD, 0);
    }
}

__attribute__((noreturn)) static void run_child(const char *const argv[], const int fds[], size_t fd_count,
                                                int output_fd, int report_fd, pid_t parent)
{
    static const struct rlimit output_limit = {OUTPUT_BYTES_MAX, OUTPUT_BYTES_MAX};
    int null_fd = open("/dev/null", O_RDONLY);
    char *const *arguments;
    sigset_t none;
    int failure;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &output_limit); /* what it prints is kept in memory */
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (null_fd >= 0 && getppid() == parent) { /* else the parent died before the prctl took hold */
        dup2(null_fd, STDIN_FILENO);
        dup2(output_fd, STDOUT_FILENO);
        dup2(output_fd, STDERR_FILENO);
        keep_only(fds, fd_count);
        memcpy(&arguments, &argv, sizeof arguments); /* execvp's prototype predates const; it changes nothing */
        execvp(argv[0], arguments);
    }
    failure = errno;
    if (write(report_fd, &failure, sizeof failure) < 0) {
        _exit(126);
    }
    _exit(127);
}

/* The report pipe closes by itself when exec succeeds. Returns 0, or the errno of the exec. */
static int exec_outcome(int report_fd)
{
    int failure = 0;
    ssize_t count;

    do {
        count = read(report_fd, &failure, sizeof failure);
    } while (count < 0 && errno == EINTR);
    return count == (ssize_t)sizeof failure ? failure : 0;
}

struct p2p_process *p2p_process_start(const char *const argv[], const int fds[], size_t fd_count,
                                      struct p2p_error *error)
{
    struct p2p_process *process = calloc(1, sizeof *process);
    int report[2] = {-1, -1};
    pid_t parent = getpid();
    int failure;

    if (process == NULL) {
        p2p_error_set(error, P2P_E_HOST, "%s: out of memory", argv[0]);
        return NULL;
    }
    process->pid = -1;
    process->output_fd = memfd_create("output", MFD_CLOEXEC);
    if (process->output_fd < 0 || pipe2(report, O_CLOEXEC) != 0) {
        p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot start", argv[0]);
        goto fail;
    }
    process->pid = fork();
    if (process->pid == 0) {
        run_child(argv, fds, fd_count, process->output_fd, report[1], parent);
    }
    if (process->pid < 0) {
        p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot fork", argv[0]);
        goto fail;
    }
    close(report[1]);
    report[1] = -1;
    failure = exec_outcome(report[0]);
    if (failure != 0) {
        p2p_error_set_errno(error, P2P_E_BENCH, failure, "%s: cannot run this program (run `./lab setup`?)", argv[0]);
        goto fail;
    }
    close(report[0]);
    return process;
fail:
    for (int i = 0; i < 2; i++) {
        if (report[i] >= 0) {
            close(report[i]);
        }
    }
    p2p_process_stop(process);
    return NULL;
}

bool p2p_process_ended(struct p2p_process *process, int ms)
{
    struct p2p_deadline deadline = p2p_deadline_in_ms(ms);

    while (!process->ended) {
        siginfo_t info = {0};

        /* Not reaped yet: as long as it is a zombie, its pid, which is its group's, is nobody else's. */
        if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0) {
            process->ended = true;
            process->wait_status = info.si_status;
            process->signalled = info.si_code != CLD_EXITED;
        } else if (p2p_deadline_left_ms(deadline) == 0) {
            break;
        } else {
            usleep(POLL_STEP_MS * 1000);
        }
    }
    return process->ended;
}

void p2p_process_describe(const struct p2p_process *process, char *text, size_t bytes)
{
    if (!process->ended) {
        snprintf(text, bytes, "still running");
    } else if (process->signalled) {
        snprintf(text, bytes, "killed by signal %d", process->wait_status);
    } else {
        snprintf(text, bytes, "exit code %d", process->wait_status);
    }
}

void p2p_process_complaint(const struct p2p_process *process, char *text, size_t bytes)
{
    off_t size = lseek(process->output_fd, 0, SEEK_END);
    off_t from = size > (off_t)bytes - 1 ? size - ((off_t)bytes - 1) : 0;
    ssize_t got = size < 0 ? -1 : pread(process->output_fd, text, bytes - 1, from);
    size_t length = got < 0 ? 0 : (size_t)got;

    while (length > 0 && text[length - 1] == '\n') {
        length--;
    }
    text[length] = '\0';
    p2p_make_printable(text);
}

void p2p_process_stop(struct p2p_process *process)
{
    if (process == NULL) {
        return;
    }
    if (process->pid > 0) {
        kill(-process->pid, SIGKILL); /* its group: a wrapper script must not leave the real program behind */
        kill(process->pid, SIGKILL);
        while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    if (process->output_fd >= 0) {
        close(process->output_fd);
    }
    free(process);
}
