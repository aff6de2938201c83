#include "cli/cli.h"

int main(int count, char **arguments) { return or_cli_main(count - 1, arguments + 1); }
