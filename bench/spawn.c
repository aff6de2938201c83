/* spawn COUNT PROGRAM [ARGUMENT]... starts a program COUNT times, its output thrown away, and prints for each time
 * "SECONDS PEAK_KIB": from its start to its end, and the most memory that was resident. A small process does this
 * because Linux counts a parent's memory at the fork as the child's. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(int argc, char **argv) {
  long count = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
  if (count <= 0) {
    (void)fprintf(stderr, "usage: spawn COUNT PROGRAM [ARGUMENT]...\n");
    return 2;
  }
  for (long i = 0; i < count; ++i) {
    struct rusage usage;
    int state = 0;
    double start = seconds();
    pid_t child = fork();
    if (child == 0) {
      int nowhere = open("/dev/null", O_WRONLY);
      if (nowhere >= 0) (void)dup2(nowhere, STDOUT_FILENO);
      (void)execv(argv[2], argv + 2);
      _exit(127);
    }
    if (child < 0 || wait4(child, &state, 0, &usage) < 0) return 1;
    double end = seconds();
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0) {
      (void)fprintf(stderr, "spawn: %s ended with %d\n", argv[2], WIFEXITED(state) ? WEXITSTATUS(state) : -1);
      return 1;
    }
    (void)printf("%.6f %ld\n", end - start, usage.ru_maxrss);
  }
  return 0;
}
