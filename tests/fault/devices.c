#include "fault/devices.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/thread.h"
#include "fake/fake.h"
#include "runtime/runtime.h"

/* The names that the linker gives to what is wrapped. */
or_status_t __real_or_runtime_create(const or_runtime_options_t *options, or_runtime_t **out);
or_status_t __wrap_or_runtime_create(const or_runtime_options_t *options, or_runtime_t **out);

static unsigned fakes; /* set before there is another thread */
static FILE *lines;

or_status_t __wrap_or_runtime_create(const or_runtime_options_t *options, or_runtime_t **out) {
  static const or_backend_registration_t both[] = {{"cpu", or_backend_cpu_entry}, {"fake", or_fake_entry}};
  if (fakes == 0) return __real_or_runtime_create(options, out);
  or_runtime_options_t with_fakes = *options;
  with_fakes.backends = NULL;
  return or_runtime_create_with(&with_fakes, both, 2, out);
}

/* From now on they take this operator and no other, or "any". */
static void take_only(const char *name) {
  static char kept[16];
  static const char *const list[] = {kept, NULL};
  (void)snprintf(kept, sizeof kept, "%s", name);
  or_fake_set_supported(strcmp(name, "any") == 0 ? NULL : list);
}

static bool obey(const char *verb, const char *name) {
  static const struct {
    const char *name;
    or_fake_call_t call;
  } calls[] = {{"run", OR_FAKE_RUN}, {"node", OR_FAKE_NODE}, {"alloc", OR_FAKE_ALLOC}};
  if (strcmp(verb, "only") == 0) {
    take_only(name);
    return true;
  }
  for (size_t i = 0; i < sizeof calls / sizeof *calls; ++i) {
    if (strcmp(calls[i].name, name) != 0) continue;
    if (strcmp(verb, "close") == 0) or_fake_close_gate(calls[i].call);
    if (strcmp(verb, "wait") == 0) or_fake_wait_at_gate(calls[i].call, 1);
    if (strcmp(verb, "open") == 0) or_fake_open_gate(calls[i].call);
    if (strcmp(verb, "lose") == 0) or_fake_fail(calls[i].call, 1, OR_DEVICE_LOST);
    if (strcmp(verb, "fail") == 0) or_fake_fail(calls[i].call, 1, OR_INTERNAL);
    return true;
  }
  return false;
}

static void obey_lines(void *unused) {
  char line[64], verb[16], name[16];
  (void)unused;
  while (fgets(line, sizeof line, lines) != NULL) {
    const bool known = sscanf(line, "%15s %15s", verb, name) == 2 && obey(verb, name);
    const char *answer = known ? "ok\n" : "unknown\n";
    if (write(fileno(lines), answer, strlen(answer)) < 0) return;
  }
}

bool devices_open(unsigned count, int control) {
  static or_thread_t thread;
  fakes = count;
  if (count == 0) return true;
  or_fake_reset();
  or_fake_set_devices(count, false);
  if (control < 0) return true;
  lines = fdopen(control, "r");
  if (lines == NULL) return false;
  or_status_t status = or_thread_start(&thread, "fault-lines", obey_lines, NULL);
  const bool started = or_ok(status);
  or_status_ignore(status); /* told */
  return started;
}
