#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "kernel/worker.h"
#include "runtime/runtime.h"

/* Whoever started the program without them: else a file or socket of its own would get what is printed. */
static void open_standard_streams(void) {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) < 0) (void)open("/dev/null", O_RDWR); /* takes the lowest that is free */
  }
}

int main(int count, char **arguments) {
  open_standard_streams();
  or_runtime_prepare_process();
  /* No command for people: the library starts it, with a socket in its hands. */
  if (count > 1 && strcmp(arguments[1], "worker") == 0) {
    const int code = or_kernel_worker_main();
    (void)fprintf(stderr, "openruntime: \"worker\" is what the library starts for kernels of users, not a command\n");
    return code;
  }
  return or_cli_main(count - 1, arguments + 1);
}
