/* The tests of rows of numbers once more, by the way that processors without the vectors go: this program has it in the
 * place of the library's, whichever machine it runs on. */
#define OR_RUN_PORTABLE 1
#include "base/numbers_run.c"

#include "base/numbers_run_test.c"
