#include "cli/explain_state.h"

#include <stdio.h>

#include "cli/cli.h"

void or_cli_print_state(or_state_t *state) {
  or_state_report_t report;
  char bytes[2][OR_CLI_NUMBER_BYTES];
  if (state == NULL) return;
  or_state_explain(state, &report);
  (void)printf("\nstate: %zu tied, %s a token, %s for %lld rows; ", report.tie_count,
               or_cli_bytes(report.row_bytes, bytes[0], sizeof bytes[0]),
               or_cli_bytes((uint64_t)or_state_bytes(state), bytes[1], sizeof bytes[1]), (long long)report.capacity);
  if (report.appends) {
    (void)printf("appended in place, one plan for every length of the past\n");
  } else {
    (void)printf("handed on whole, a plan for each length: %s\n", report.reason);
  }
  for (size_t t = 0; t < report.tie_count; ++t) {
    int32_t grows = 0;
    or_state_tie_t tie = or_state_tie(state, t, &grows);
    (void)printf("  %s -> %s", tie.output, tie.input);
    if (grows >= 0) (void)printf(", grows along dimension %d", grows);
    (void)printf("\n");
  }
}
