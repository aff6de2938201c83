/* A worker's life: started, and ended with all that it started. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/scratch.h"
#include "kernel/worker_client.h"

#define FIRST_HIGH_DESCRIPTOR 10 /* above those that the worker is given, so that none is in the way of another */

static or_status_t open_sockets(int sockets[2]);
static int spawn(const or_worker_start_t *start, const char *scratch, int socket, pid_t *pid);
static void let_it_end(pid_t pid);
static void describe(const siginfo_t *info, char *fate);

or_status_t or_worker_start(const or_worker_start_t *start, or_worker_process_t *out) {
  int sockets[2] = {-1, -1};
  char words[96];
  *out = (or_worker_process_t){.socket = -1};
  or_status_t status = or_scratch_create(out->scratch, sizeof out->scratch, &out->scratch_taken);
  if (!or_ok(status)) return status;
  status = open_sockets(sockets);
  if (or_ok(status)) {
    const int error = spawn(start, out->scratch, sockets[1], &out->pid);
    if (error != 0) {
      out->pid = 0;
      status = or_error(error == ENOMEM || error == EAGAIN ? OR_RESOURCE_EXHAUSTED : OR_UNAVAILABLE,
                        "no worker for kernels can be started, \"%s worker\": %s; OPENRUNTIME_PROGRAM names the "
                        "program openruntime",
                        start->program, or_errno_text(error, words, sizeof words));
    }
  }
  if (sockets[1] >= 0) (void)close(sockets[1]);
  out->socket = sockets[0];
  if (!or_ok(status)) {
    or_worker_end(out, NULL);
    or_worker_tidy(out, NULL);
  }
  return status;
}

/* Both closed in every other child of this process, and out of the way of 0 to 3. */
static or_status_t open_sockets(int sockets[2]) {
  int low[2] = {-1, -1};
  char words[96];
#if defined(SOCK_CLOEXEC)
  const int kind = SOCK_STREAM | SOCK_CLOEXEC;
#else
  const int kind = SOCK_STREAM;
#endif
  const bool opened = socketpair(AF_UNIX, kind, 0, low) == 0;
  int error = errno;
  for (int i = 0; i < 2 && opened; ++i) {
    sockets[i] = fcntl(low[i], F_DUPFD_CLOEXEC, FIRST_HIGH_DESCRIPTOR);
    error = sockets[i] < 0 ? errno : error;
    (void)close(low[i]);
  }
  const bool parent = sockets[0] >= 0 && fcntl(sockets[0], F_SETFL, O_NONBLOCK) == 0;
  if (opened && parent && sockets[1] >= 0) {
#if defined(SO_NOSIGPIPE)
    const int on = 1;
    (void)setsockopt(sockets[0], SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    return or_status_success();
  }
  return or_error(OR_RESOURCE_EXHAUSTED, "no socket for a worker of kernels: %s",
                  or_errno_text(error, words, sizeof words));
}

#define OWN_VARIABLES 8u

/* Folders that a driver may write to, in the place of the user's own. */
typedef struct surroundings_t {
  char texts[OWN_VARIABLES][OR_FILE_PATH_BYTES + 32];
  char *all[OR_WORKER_MAX_VARIABLES + OWN_VARIABLES + 1];
} surroundings_t;

static bool is_own(const char *variable, char *const *own, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (strncmp(variable, own[i], strcspn(own[i], "=") + 1) == 0) return true;
  }
  return false;
}

static char **surround(const or_worker_start_t *start, const char *scratch, surroundings_t *out) {
  static const char *const folders[] = {"HOME", "XDG_CACHE_HOME", "POCL_CACHE_DIR", "CUDA_CACHE_PATH"};
  const char *cache = start->cache[0] != '\0' ? start->cache : scratch;
  size_t count = 0;
  for (size_t i = 0; i < sizeof folders / sizeof *folders; ++i) {
    or_format(out->texts[count], sizeof out->texts[count], "%s=%s", folders[i], cache);
    out->all[count] = out->texts[count];
    ++count;
  }
  or_format(out->texts[count], sizeof out->texts[count], "TMPDIR=%s", scratch);
  out->all[count] = out->texts[count];
  const size_t own = ++count;
  for (size_t i = 0; i < start->environment->count; ++i) {
    if (!is_own(start->environment->variables[i], out->all, own)) out->all[count++] = start->environment->variables[i];
  }
  out->all[count] = NULL;
  return out->all;
}

/* A process group of its own: what its driver starts is killed with it, and a terminal's interrupt does not reach it.
 * The host's handlers and mask of signals stay the host's. 0, or an errno value. */
static int spawn(const or_worker_start_t *start, const char *scratch, int socket, pid_t *pid) {
  static char word[] = "worker";
  char program[OR_FILE_PATH_BYTES], name[64];
  char *arguments[] = {program, word, name, NULL};
  surroundings_t surroundings;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  sigset_t none, all;
  or_format(program, sizeof program, "%s", start->program);
  or_format(name, sizeof name, "%s", start->name);
  (void)sigemptyset(&none);
  (void)sigfillset(&all);
  int error = posix_spawnattr_init(&attributes);
  if (error != 0) return error;
  error = posix_spawn_file_actions_init(&actions);
  if (error != 0) {
    (void)posix_spawnattr_destroy(&attributes);
    return error;
  }
  error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  if (error == 0) error = posix_spawnattr_setpgroup(&attributes, 0);
  if (error == 0) error = posix_spawnattr_setsigmask(&attributes, &none);
  if (error == 0) error = posix_spawnattr_setsigdefault(&attributes, &all);
  for (int i = 0; i <= 2 && error == 0; ++i)
    error = posix_spawn_file_actions_addopen(&actions, i, "/dev/null", O_RDWR, 0);
  if (error == 0) error = posix_spawn_file_actions_adddup2(&actions, socket, OR_WORKER_SOCKET);
  if (error == 0)
    error = posix_spawnp(pid, program, &actions, &attributes, arguments, surround(start, scratch, &surroundings));
  (void)posix_spawn_file_actions_destroy(&actions);
  (void)posix_spawnattr_destroy(&attributes);
  return error;
}

void or_worker_end(or_worker_process_t *process, char *fate) {
  siginfo_t info = {0};
  if (fate != NULL) fate[0] = '\0';
  if (process->socket >= 0) (void)close(process->socket);
  process->socket = -1;
  /* Its number is its own as long as nobody has waited for it: a host that waits for any child may have. */
  if (process->pid > 0 && waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
    if (fate != NULL) let_it_end(process->pid);
    (void)kill(-process->pid, SIGKILL);
    int result = 0;
    do {
      result = waitid(P_PID, (id_t)process->pid, &info, WEXITED);
    } while (result != 0 && errno == EINTR);
    if (result == 0 && fate != NULL) describe(&info, fate);
  }
  process->pid = 0;
}

void or_worker_tidy(or_worker_process_t *process, const or_cancel_t *end) {
  if (process->scratch[0] == '\0') return;
  or_scratch_remove(process->scratch, end);
  (void)close(process->scratch_taken);
  process->scratch[0] = '\0';
}

bool or_worker_has_ended(const or_worker_process_t *process) {
  siginfo_t info = {0};
  return waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

#define END_MS 1000 /* between the end of a process's connection and its own */

/* It closed its connection, so it is on its way; killed now, it would not tell what ended it. */
static void let_it_end(pid_t pid) {
#if defined(SYS_pidfd_open)
  struct pollfd entry = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
  if (entry.fd < 0) return;
  while (poll(&entry, 1, END_MS) < 0 && errno == EINTR) continue;
  (void)close(entry.fd);
#else
  (void)pid;
#endif
}

static void describe(const siginfo_t *info, char *fate) {
  static const struct {
    int signal;
    const char *words;
  } known[] = {
      {SIGSEGV, "a memory access out of bounds"},
      {SIGBUS, "a memory access out of bounds"},
      {SIGABRT, "the compiler or driver gave up"},
      {SIGFPE, "a division by zero"},
      {SIGILL, "an illegal instruction"},
      {SIGXCPU, "processor time used up"},
      {SIGKILL, "killed by the system or a user"},
      {SIGSYS, "a system call that kernels may not make"},
      {SIGTERM, "ended by a user"},
      {SIGXFSZ, "a file that grew too large"},
  };
  if (info->si_code == CLD_EXITED) {
    or_format(fate, OR_WORKER_FATE_BYTES, "ended with code %d", info->si_status);
    return;
  }
  const char *words = "unknown";
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
    if (known[i].signal == info->si_status) words = known[i].words;
  }
  or_format(fate, OR_WORKER_FATE_BYTES, "was ended by signal %d (%s)", info->si_status, words);
}
