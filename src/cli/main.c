#include <stdlib.h>

#include "cli/cli.h"

/* Looks of an idle thread of libgomp's before it sleeps, some 0.1 ms. Its own default is some 10 ms, in which a thread
 * that shares its core with another waits for a time slice at the end of every layer: on a busy machine ResNet-50 took
 * four times as long. libgomp reads it once, when it is loaded; here no other thread is there yet. */
#define IDLE_LOOKS "4000"

int main(int count, char **arguments) {
  if (getenv("OMP_WAIT_POLICY") == NULL) (void)setenv("GOMP_SPINCOUNT", IDLE_LOOKS, 0);
  return or_cli_main(count - 1, arguments + 1);
}
