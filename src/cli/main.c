#include "cli/cli.h"
#include "runtime/runtime.h"

int main(int count, char **arguments) {
  or_runtime_prepare_process();
  return or_cli_main(count - 1, arguments + 1);
}
