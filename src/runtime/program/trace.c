/* What a program's steps did, for whoever records: nodes on the host, and around those of a body the node that has it.
 * Pieces are recorded as plans are. */
#include "base/clock.h"
#include "base/string.h"
#include "runtime/program/program_internal.h"

int64_t or_program_trace_begin(const or_program_t *program) {
  return or_trace_on(or_device_trace(program->host)) ? or_clock_ns() : 0;
}

void or_program_trace_end(const or_program_t *program, const or_node_t *node, const char *kernel, int64_t begin_ns) {
  if (begin_ns == 0) return;
  or_trace_event_t event = {.kind = OR_TRACE_NODE,
                            .scope = or_trace_scope(),
                            .begin_ns = begin_ns,
                            .end_ns = or_clock_ns(),
                            .device = or_device_facts(program->host)->id};
  or_format(event.name, sizeof event.name, "%s", node->name);
  or_format(event.label, sizeof event.label, "%s", node->op);
  or_format(event.kernel, sizeof event.kernel, "%s", kernel);
  or_trace_add(or_device_trace(program->host), &event, 1);
}
