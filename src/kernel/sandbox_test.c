/* What a process can no longer do: each test does it in a child. */
#include "kernel/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <asm/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#endif

#include "base/testing.h"

#define NOT_OFFERED 77

/* What `body` ends with: 0 where all was as it should be, NOT_OFFERED where the system has no such bound. */
static void in_child(int (*body)(void)) {
  int status = 0;
  const pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) _exit(body());
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == NOT_OFFERED) {
    print_message("not offered by this system\n");
    skip();
  }
  assert_int_equal(WEXITSTATUS(status), 0);
}

/* The number of the first line that does not hold. */
#define HOLDS(condition)                     \
  do {                                       \
    if (!(condition)) return __LINE__ % 200; \
  } while (0)

static bool opens(const char *path, int flags) {
  const int descriptor = open(path, flags | O_CLOEXEC, 0600);
  if (descriptor >= 0) (void)close(descriptor);
  return descriptor >= 0;
}

static char cache[64], scratch[64];

static int files_body(void) {
  char path[128];
  or_sandbox_begin(2);
  HOLDS(opens("/etc/passwd", O_RDONLY));
  if (!or_sandbox_files(cache, scratch)) return NOT_OFFERED;
  HOLDS(!opens("/etc/passwd", O_RDONLY));
  HOLDS(!opens("/tmp", O_RDONLY | O_DIRECTORY));
  HOLDS(!opens("/proc/1/environ", O_RDONLY));
  HOLDS(!opens("/dev/kmsg", O_RDONLY));
  HOLDS(opens("/proc/self/status", O_RDONLY));
  HOLDS(opens("/usr", O_RDONLY | O_DIRECTORY));
  HOLDS(opens("/dev/null", O_RDWR));
  HOLDS(!opens("/usr/openruntime-test", O_WRONLY | O_CREAT));
  (void)snprintf(path, sizeof path, "%s/x", cache);
  HOLDS(opens(path, O_RDWR | O_CREAT));
  HOLDS(unlink(path) == 0);
  (void)snprintf(path, sizeof path, "%s/x", scratch);
  HOLDS(opens(path, O_RDWR | O_CREAT | O_TRUNC));
  HOLDS(unlink(path) == 0);
  return 0;
}

static void files_are_those_of_drivers_and_its_own(void **state) {
  (void)state;
  (void)snprintf(cache, sizeof cache, "/tmp/openruntime-test-XXXXXX");
  (void)snprintf(scratch, sizeof scratch, "/tmp/openruntime-test-XXXXXX");
  assert_non_null(mkdtemp(cache));
  assert_non_null(mkdtemp(scratch));
  in_child(files_body);
  assert_int_equal(rmdir(cache), 0);
  assert_int_equal(rmdir(scratch), 0);
}

static void *try_socket(void *gate) {
  char byte = 0;
  const int *pipes = gate;
  if (read(pipes[0], &byte, 1) != 1) return gate;
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  return descriptor < 0 && errno == EPERM ? NULL : gate;
}

#if defined(__linux__)
static int reaches_nobody(int descriptor) {
  struct rlimit limit;
  cpu_set_t processors;
  const int parent = getppid();
  CPU_ZERO(&processors);
  CPU_SET(0, &processors);
  HOLDS(prlimit(parent, RLIMIT_CPU, NULL, &limit) < 0 && errno == EPERM);
  HOLDS(prlimit(0, RLIMIT_CPU, NULL, &limit) == 0 && setrlimit(RLIMIT_CPU, &limit) == 0);
  HOLDS(setpriority(PRIO_PROCESS, (id_t)parent, 19) < 0 && errno == EPERM);
  HOLDS(sched_setaffinity(parent, sizeof processors, &processors) < 0 && errno == EPERM);
  HOLDS(fcntl(descriptor, F_SETOWN, parent) < 0 && errno == EPERM); /* a signal of its choice by what is read */
  HOLDS(ioctl(descriptor, FIOSETOWN, &parent) < 0 && errno == EPERM);
  HOLDS(fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0);
  HOLDS(chmod("/dev/null", 0666) < 0 && errno == EPERM);
  HOLDS(fchmod(descriptor, 0600) < 0 && errno == EPERM);
  HOLDS(truncate("/openruntime-test-none", 0) < 0 && errno == EPERM);
  HOLDS(utimensat(AT_FDCWD, "/dev/null", NULL, 0) < 0 && errno == EPERM);
  HOLDS(futimens(descriptor, NULL) == 0 || errno != EPERM); /* of what it has open */
  HOLDS(syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL) < 0 && errno == EPERM);
  return 0;
}
#else
static int reaches_nobody(int descriptor) {
  (void)descriptor;
  return 0;
}
#endif

static int calls_body(void) {
  int pipes[2], pair[2], others[2];
  pthread_t before;
  void *failed = NULL;
  or_sandbox_begin(2);
  HOLDS(pipe(pipes) == 0);
  HOLDS(pthread_create(&before, NULL, try_socket, pipes) == 0);
  HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  if (!or_sandbox_calls()) return NOT_OFFERED;
  HOLDS(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM);
  HOLDS(socket(AF_INET6, SOCK_DGRAM, 0) < 0 && errno == EPERM);
  HOLDS(socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EPERM);
  HOLDS(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, others) < 0 && errno == EPERM);
  HOLDS(socketpair(AF_UNIX, SOCK_RAW, 0, others) < 0 && errno == EPERM); /* Linux makes datagrams of them */
  HOLDS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, others) == 0);
  HOLDS(sendto(others[0], "x", 1, 0,
               (const struct sockaddr *)&(struct sockaddr_un){.sun_family = AF_UNIX, .sun_path = "/"},
               sizeof(struct sockaddr_un)) < 0);
  HOLDS(kill(getppid(), 0) < 0 && errno == EPERM);
  HOLDS(kill(-1, 0) < 0 && errno == EPERM);
  HOLDS(kill(getpid(), 0) == 0);
  HOLDS(reaches_nobody(pair[0]) == 0);
  HOLDS(setsid() < 0 && errno == EPERM);
  HOLDS(setpgid(0, 0) < 0 && errno == EPERM);
  HOLDS(write(pipes[1], "", 1) == 1); /* threads from before are bound too */
  HOLDS(pthread_join(before, &failed) == 0 && failed == NULL);
  HOLDS(pthread_create(&before, NULL, try_socket, pipes) == 0); /* and new ones still start */
  HOLDS(write(pipes[1], "", 1) == 1);
  HOLDS(pthread_join(before, &failed) == 0 && failed == NULL);
  const pid_t child = fork(); /* drivers start linkers */
  if (child == 0) {
    (void)execl("/bin/true", "true", (char *)NULL);
    _exit(1);
  }
  int status = 1;
  HOLDS(child > 0 && waitpid(child, &status, 0) == child && status == 0);
  return 0;
}

static void calls_reach_no_peer_and_no_other_process(void **state) {
  (void)state;
  in_child(calls_body);
}

static int begin_body(void) {
  struct rlimit limit;
  char folder[8];
  const int inherited = dup(2), kept = 3;
  HOLDS(inherited >= 0 && dup2(2, kept) == kept && dup2(2, 200) == 200);
  or_sandbox_begin(kept);
  HOLDS(fcntl(kept, F_GETFD) >= 0);
  HOLDS(fcntl(200, F_GETFD) < 0);
  HOLDS(getcwd(folder, sizeof folder) != NULL && folder[0] == '/' && folder[1] == '\0');
  HOLDS(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0);
  HOLDS(getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_max <= (rlim_t)1 << 28);
  HOLDS(getpriority(PRIO_PROCESS, 0) > 0);
  return 0;
}

static void what_it_inherited_is_left_behind(void **state) {
  (void)state;
  in_child(begin_body);
}

static int addresses_body(void) {
  if (!or_sandbox_addresses((uint64_t)1 << 28)) return NOT_OFFERED;
  HOLDS(mmap(NULL, (size_t)1 << 31, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
  HOLDS(mmap(NULL, (size_t)1 << 27, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
  return 0;
}

static void address_space_has_an_end(void **state) {
  (void)state;
  in_child(addresses_body);
}

static void processor_time_has_an_end(void **state) {
  (void)state;
  int status = 0;
  const pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    volatile unsigned turns = 0;
    or_sandbox_processor(0);
    for (;;) ++turns;
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGXCPU);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_are_those_of_drivers_and_its_own),
      cmocka_unit_test(calls_reach_no_peer_and_no_other_process),
      cmocka_unit_test(what_it_inherited_is_left_behind),
      cmocka_unit_test(address_space_has_an_end),
      cmocka_unit_test(processor_time_has_an_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
