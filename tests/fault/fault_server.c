/* The program `openruntime` on a disk that loses what was not synced when the process is killed (disk.h). The linker
 * hands it two calls of the server (cmake/Tests.cmake): the store's options, and what is told of a task, of which the
 * beginning of each execution is written down. What it is to do comes by the environment, so that it is started as the
 * program is:
 *   FAULT_WITNESS      a file that gets one line, the task's id, for each execution
 *   FAULT_THROUGH      of a hundred unsynced writes, how many reach the disk all the same (0)
 *   FAULT_SEED         which ones
 *   FAULT_SYNCHRONOUS  "off": the store never waits for the disk
 *   FAULT_FULL         a file: while it exists, the disk is full
 *   FAULT_DEVICES      how many fake devices there are besides
 *   FAULT_CONTROL      a descriptor for lines to them (devices.h)
 *   FAULT_STUCK_MS     how long a device may go on with what was cancelled
 *   FAULT_MIGRATION    SQL that is one step more of the store's schema: the program of a later version
 *   FAULT_MEMORY       a file of words that say which allocation fails (memory.h); FAULT_TRACE: where that was asked
 * for */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "fault/devices.h"
#include "fault/disk.h"
#include "fault/memory.h"
#include "runtime/runtime.h"
#include "scheduler/scheduler.h"
#include "store/schema_internal.h"

/* The names that the linker gives to what is wrapped. */
or_store_options_t __real_or_store_options(const char *path);
or_store_options_t __wrap_or_store_options(const char *path);
void __real_or_job_tell(or_job_t *job, or_job_event_t event);
void __wrap_or_job_tell(or_job_t *job, or_job_event_t event);

or_status_t __real_or_scheduler_create(const or_scheduler_options_t *options, or_scheduler_t **out);
or_status_t __wrap_or_scheduler_create(const or_scheduler_options_t *options, or_scheduler_t **out);

or_status_t __real_or_schema_migrate(or_database_t *database, const char *const *migrations, int count);
or_status_t __wrap_or_schema_migrate(or_database_t *database, const char *const *migrations, int count);

#define MOST_STEPS 64

static int witness = -1;

static unsigned long number(const char *name) {
  const char *text = getenv(name);
  return text != NULL ? strtoul(text, NULL, 10) : 0;
}

or_store_options_t __wrap_or_store_options(const char *path) {
  const char *synchronous = getenv("FAULT_SYNCHRONOUS");
  or_store_options_t options = __real_or_store_options(path);
  options.vfs = DISK_VFS;
  options.files = &disk_files;
  options.synchronous_off = synchronous != NULL && strcmp(synchronous, "off") == 0;
  return options;
}

void __wrap_or_job_tell(or_job_t *job, or_job_event_t event) {
  char line[OR_TASK_ID_BYTES + 1];
  int length = snprintf(line, sizeof line, "%s\n", or_job_id(job));
  if (event == OR_JOB_STARTED && witness >= 0 && write(witness, line, (size_t)length) != length) abort();
  __real_or_job_tell(job, event);
}

or_status_t __wrap_or_scheduler_create(const or_scheduler_options_t *options, or_scheduler_t **out) {
  or_scheduler_options_t sooner = *options;
  sooner.stuck_ns = (int64_t)number("FAULT_STUCK_MS") * 1000000; /* 0: the default */
  return __real_or_scheduler_create(&sooner, out);
}

or_status_t __wrap_or_schema_migrate(or_database_t *database, const char *const *migrations, int count) {
  const char *more = getenv("FAULT_MIGRATION"), *steps[MOST_STEPS + 1];
  if (more == NULL || count > MOST_STEPS) return __real_or_schema_migrate(database, migrations, count);
  for (int i = 0; i < count; ++i) steps[i] = migrations[i];
  steps[count] = more;
  return __real_or_schema_migrate(database, steps, count + 1);
}

int main(int count, char **arguments) {
  const disk_options_t options = {.through_percent = (unsigned)number("FAULT_THROUGH"),
                                  .seed = number("FAULT_SEED"),
                                  .full_path = getenv("FAULT_FULL")};
  const char *path = getenv("FAULT_WITNESS");
  if (path != NULL) witness = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const int control = getenv("FAULT_CONTROL") != NULL ? (int)number("FAULT_CONTROL") : -1;
  if (!memory_open(getenv("FAULT_MEMORY")) || !devices_open((unsigned)number("FAULT_DEVICES"), control) ||
      !disk_register(&options) || (path != NULL && witness < 0)) {
    (void)fprintf(stderr, "fault_server: can't begin\n");
    return 1;
  }
  or_runtime_prepare_process();
  const int code = or_cli_main(count - 1, arguments + 1);
  if (memory_held() > 0) (void)fprintf(stderr, "fault_server: %zu blocks were not given back\n", memory_held());
  return code == 0 && memory_held() > 0 ? 1 : code;
}
