/* A message of either side, its kind in the first byte: what is taken can be written again and read as the same. */
#include <string.h>

#include "kernel/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Success, or a refusal, which is an answer. */
static bool taken(or_status_t status) {
  const bool ok = or_ok(status);
  or_status_ignore(status); /* whether it is one is all that counts */
  return ok;
}

static void same(or_status_t status, const or_text_t *text, const uint8_t *data, size_t size) {
  const size_t header = sizeof(or_worker_header_t);
  if (!taken(status)) return; /* no memory */
  if (text->length - header != size || (size > 0 && memcmp(text->data + header, data, size) != 0)) __builtin_trap();
}

static void try_requests(unsigned kind, const uint8_t *data, size_t size, or_text_t *text) {
  static or_worker_run_t run;
  or_worker_open_t open;
  or_worker_compile_t compile;
  uint32_t kernel = 0;
  if (kind == OR_WORKER_OPEN && taken(or_worker_parse_open(data, size, &open)))
    same(or_worker_write_open(&open, text), text, data, size);
  if (kind == OR_WORKER_COMPILE && taken(or_worker_parse_compile(data, size, &compile)))
    same(or_worker_write_compile(&compile, text), text, data, size);
  if (kind == OR_WORKER_RUN && taken(or_worker_parse_run(data, size, &run)))
    same(or_worker_write_run(&run, text), text, data, size);
  if (kind == OR_WORKER_FORGET && taken(or_worker_parse_forget(data, size, &kernel)))
    same(or_worker_write_forget(kernel, text), text, data, size);
}

/* Of what a worker answers, codes that are none of its own become others. */
static void try_answers(unsigned kind, const uint8_t *data, size_t size, or_text_t *text) {
  static or_worker_compiled_t compiled;
  or_worker_opened_t opened;
  or_worker_ran_t ran;
  if (kind == OR_WORKER_OPENED && taken(or_worker_parse_opened(data, size, &opened)) &&
      opened.outcome.code != OR_INTERNAL)
    same(or_worker_write_opened(&opened, text), text, data, size);
  if (kind == OR_WORKER_RAN && taken(or_worker_parse_ran(data, size, &ran)) && ran.outcome.code != OR_INTERNAL)
    same(or_worker_write_ran(&ran, text), text, data, size);
  if (kind != OR_WORKER_COMPILED || !taken(or_worker_parse_compiled(data, size, &compiled))) return;
  if (compiled.parameter_count > OR_KERNEL_MAX_PARAMETERS) __builtin_trap();
  if (compiled.outcome.code != OR_INTERNAL) same(or_worker_write_compiled(&compiled, text), text, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  or_text_t text;
  if (size < 1) return 0;
  or_text_init(&text, or_allocator_system());
  try_requests(data[0] % 8u, data + 1, size - 1, &text);
  try_answers(data[0] % 8u, data + 1, size - 1, &text);
  or_text_deinit(&text);
  if (or_status_live_count() != 0) __builtin_trap();
  return 0;
}
