/* One case: chosen, run, reported, cleaned up after. And the small helpers that cases use. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/string.h"
#include "cts/cts.h"

/* Whether `text` fits `pattern`, in which '*' stands for any text. */
static bool matches(const char *pattern, const char *text) {
  const char *star = NULL, *resume = NULL;
  while (*text != '\0') {
    if (*pattern == '*') {
      star = pattern++;
      resume = text;
    } else if (*pattern == *text) {
      ++pattern;
      ++text;
    } else if (star != NULL) {
      pattern = star + 1;
      text = ++resume;
    } else {
      return false;
    }
  }
  while (*pattern == '*') ++pattern;
  return *pattern == '\0';
}

static const cts_listed_t *find_listed(const cts_listed_t *list, const char *name) {
  for (; list != NULL && list->pattern != NULL; ++list) {
    if (matches(list->pattern, name)) return list;
  }
  return NULL;
}

static bool matches_one(const char *const *patterns, const char *name) {
  for (; patterns != NULL && *patterns != NULL; ++patterns) {
    if (matches(*patterns, name)) return true;
  }
  return false;
}

/* Whether the backend has to support the case. */
static bool is_offered(const cts_backend_t *backend, const char *name) {
  if (backend->offered != NULL && !matches_one(backend->offered, name)) return false;
  return !matches_one(backend->not_offered, name);
}

/* Operator cases are op/NAME-VERSION/DTYPE and more; others are of no type. */
static bool is_of_types(const char *name, const char *types) {
  if (strncmp(name, "op/", 3) != 0 || strchr(name + 3, '/') == NULL) return true;
  const char *type = strchr(name + 3, '/') + 1;
  const size_t length = strcspn(type, " ");
  for (const char *word = types; *word != '\0'; word += strcspn(word, ","), word += *word == ',') {
    if (strcspn(word, ",") == length && strncmp(word, type, length) == 0) return true;
  }
  return false;
}

static void count_skip(cts_t *cts, const char *reason) {
  ++cts->skipped;
  for (size_t i = 0; i < cts->skip_count; ++i) {
    if (strcmp(cts->skips[i].reason, reason) != 0) continue;
    ++cts->skips[i].count;
    return;
  }
  if (cts->skip_count == CTS_MAX_REASONS) reason = "other reasons";
  cts_skips_t *row = &cts->skips[cts->skip_count < CTS_MAX_REASONS ? cts->skip_count++ : CTS_MAX_REASONS - 1];
  (void)or_format(row->reason, sizeof row->reason, "%s", reason);
  row->count = row->count + 1;
}

static void fail(cts_t *cts, const char *name, const char *message) {
  ++cts->failed;
  printf("FAIL  %s %s: %s\n", cts->backend->name, name, message);
}

/* What the run says, against what the backend's lists say. */
static void judge(cts_t *cts, const char *name, or_status_t status) {
  const cts_listed_t *unsupported = find_listed(cts->backend->unsupported, name);
  const cts_listed_t *expected = find_listed(cts->backend->expected_failures, name);
  char text[CTS_TEXT_BYTES];
  size_t prefix = strlen(CTS_UNSUPPORTED);
  bool refused = strncmp(cts->skip, CTS_UNSUPPORTED, prefix) == 0;
  if (!or_ok(status)) {
    if (expected != NULL) {
      count_skip(cts, or_format(text, sizeof text, "expected failure: %s", expected->reason));
    } else {
      fail(cts, name, or_status_message(status));
    }
  } else if (refused && unsupported == NULL && !is_offered(cts->backend, name)) {
    count_skip(cts, "not offered");
  } else if (refused && unsupported == NULL) {
    fail(cts, name,
         or_format(text, sizeof text, "not supported (%s), and not on the backend's list of unsupported cases",
                   cts->skip + prefix));
  } else if (refused) {
    count_skip(cts, unsupported->reason);
  } else if (cts->skip[0] != '\0') {
    count_skip(cts, cts->skip);
  } else if (unsupported != NULL || expected != NULL) {
    const char *list = unsupported != NULL ? "unsupported cases" : "expected failures";
    fail(cts, name, or_format(text, sizeof text, "passes now: take it off the backend's list of %s", list));
  } else {
    ++cts->passed;
    if (cts->options->verbose)
      printf("pass  %s %s%s%s\n", cts->backend->name, name, cts->note[0] != '\0' ? "  by " : "", cts->note);
  }
  or_status_ignore(status); /* printed or counted */
}

static void note_offered(cts_t *cts, const char *name) {
  const char *const *offered = cts->backend->offered;
  for (size_t i = 0; offered != NULL && offered[i] != NULL && i < CTS_MAX_OFFERED; ++i)
    cts->offered_met[i] = cts->offered_met[i] || matches(offered[i], name);
}

void cts_check_offered(cts_t *cts) {
  const char *const *offered = cts->backend->offered;
  for (size_t i = 0; offered != NULL && offered[i] != NULL; ++i) {
    if (i == CTS_MAX_OFFERED || !cts->offered_met[i])
      fail(cts, offered[i], i == CTS_MAX_OFFERED ? "too many patterns are offered" : "offered, but it fits no case");
    if (i == CTS_MAX_OFFERED) return;
  }
}

void cts_case(cts_t *cts, const char *name, cts_run_t run, const void *data) {
  if (cts->options->filter != NULL && strstr(name, cts->options->filter) == NULL) return;
  if (cts->options->types != NULL && !is_of_types(name, cts->options->types)) return;
  ++cts->cases;
  note_offered(cts, name);
  if (cts->options->list) {
    printf("%s %s\n", cts->backend->name, name);
    return;
  }
  or_arena_init(&cts->arena, cts->allocator);
  cts->skip[0] = cts->note[0] = '\0';
  or_status_t status = run(cts, data);
  for (size_t i = 0; i < cts->buffer_count; ++i) or_buffer_release(cts->buffers[i]);
  cts->buffer_count = 0;
  or_arena_deinit(&cts->arena);
  judge(cts, name, status);
}

or_status_t cts_skip(cts_t *cts, const char *reason) {
  (void)or_format(cts->skip, sizeof cts->skip, "%s", reason);
  return or_status_success();
}

or_status_t cts_skip_unsupported(cts_t *cts, const char *reason) {
  (void)or_format(cts->skip, sizeof cts->skip, CTS_UNSUPPORTED "%s", reason);
  return or_status_success();
}

or_status_t cts_expect(or_status_t status, or_status_code_t code, const char *what) {
  or_status_code_t got = or_status_code(status);
  if (got == code) {
    or_status_ignore(status); /* as it should be */
    return or_status_success();
  }
  if (or_ok(status)) return or_error(OR_INTERNAL, "%s: expected %s, got success", what, or_status_mapping(code)->name);
  return or_status_context(status, "%s: expected %s, got %s", what, or_status_mapping(code)->name,
                           or_status_mapping(got)->name);
}

or_status_t cts_buffer(cts_t *cts, or_device_t *device, size_t bytes, or_buffer_t **out) {
  CTS_CHECK(cts->buffer_count < CTS_MAX_BUFFERS, "a case with more than %d buffers", CTS_MAX_BUFFERS);
  CTS_TRY(or_buffer_create(device, bytes, out));
  cts->buffers[cts->buffer_count++] = *out;
  return or_status_success();
}

static or_memory_range_t whole(const or_buffer_t *buffer) {
  return (or_memory_range_t){.memory = or_buffer_memory(buffer), .offset = 0, .bytes = or_buffer_bytes(buffer)};
}

or_status_t cts_bind(cts_t *cts, cts_call_t *call) {
  CTS_CHECK(call->input_count + call->output_count <= 2 * CTS_MAX_BUFFERS, "a call with too many buffers");
  if (call->workspace == NULL && call->executable->workspace_bytes > 0) {
    CTS_TRY(cts_buffer(cts, cts->device, call->executable->workspace_bytes, &call->workspace));
  }
  for (size_t i = 0; i < call->input_count; ++i) call->ranges[i] = whole(call->inputs[i]);
  for (size_t i = 0; i < call->output_count; ++i) call->ranges[call->input_count + i] = whole(call->outputs[i]);
  call->arguments = (or_run_arguments_t){.inputs = call->ranges,
                                         .outputs = call->ranges + call->input_count,
                                         .cancel = call->cancel,
                                         .node_ns = call->node_ns};
  if (call->workspace != NULL) call->arguments.workspace = whole(call->workspace);
  return or_status_success();
}

or_status_t cts_work(void *self, const or_queue_context_t *context) {
  const cts_call_t *call = self;
  return call->executable->run(call->executable->self, context->backend_queue, &call->arguments);
}

typedef struct compilation_t {
  const or_subgraph_t *subgraph;
  or_executable_t *out;
} compilation_t;

static or_status_t compile_work(void *self, const or_queue_context_t *context) {
  const compilation_t *compilation = self;
  return context->backend->compile(context->backend->self, context->backend_queue, compilation->subgraph,
                                   compilation->out);
}

or_status_t cts_compile(cts_t *cts, or_queue_t *queue, const or_subgraph_t *subgraph, or_executable_t *out) {
  (void)cts;
  *out = (or_executable_t){0};
  compilation_t compilation = {subgraph, out};
  CTS_TRY(or_status_context(or_queue_run(queue, compile_work, &compilation), "compile"));
  bool whole_table = out->abi_version == OR_BACKEND_ABI_VERSION && out->struct_size >= sizeof *out &&
                     out->run != NULL && out->node != NULL && out->release != NULL;
  CTS_CHECK(whole_table, "compile: the executable's table is not filled");
  return or_status_success();
}
