#include "backends/opencl/tune.h"

#include <inttypes.h>
#include <string.h>

#include "backends/opencl/build_internal.h"
#include "base/file.h"
#include "base/log.h"
#include "base/numbers.h"
#include "base/string.h"
#include "or_config.h"

#define MAX_FILE_BYTES ((size_t)64 << 10)
#define PATH_BYTES 1024u
#define MAX_CHOICE 1000u
/* No candidate is begun after the device has worked so long for one question. Compiling, which is done once, comes on
 * top. */
#define BUDGET_NS INT64_C(100000000)
#define TRIES 4 /* launches for one number */

struct or_cl_tune_t {
  const or_allocator_t *allocator;
  char path[PATH_BYTES]; /* "": nothing is kept */
  char name[512];        /* of the device, its driver and our version */
  or_mutex_t mutex;      /* all below */
  uint32_t count;
  or_cl_tune_entry_t entries[OR_CL_TUNE_MAX_ENTRIES];
};

static void load(or_cl_tune_t *tune);
static void save(or_cl_tune_t *tune);
static or_status_t time_all(or_cl_build_t *build, const or_cl_tune_question_t *question, size_t *choice, bool *timed);

or_status_t or_cl_tune_create(const or_cl_device_t *device, const or_device_facts_t *facts, or_cl_tune_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(device->allocator, sizeof(or_cl_tune_t), &memory);
  if (!or_ok(status)) return status;
  or_cl_tune_t *tune = memory;
  tune->allocator = device->allocator;
  or_mutex_init(&tune->mutex);
  (void)or_format(tune->name, sizeof tune->name, "%s, %s, openruntime %s", facts->name, facts->driver_version,
                  OR_VERSION);
  for (char *at = tune->name; *at != '\0'; ++at) {
    if (*at == '\n') *at = ' ';
  }
  const char *folder = device->backend->host->settings.cache_directory;
  if (folder != NULL && folder[0] != '\0' && strlen(folder) + 64 < sizeof tune->path) {
    uint64_t hash = or_hash_bytes(tune->name, strlen(tune->name), 11);
    (void)or_format(tune->path, sizeof tune->path, "%s/opencl-choices-%016" PRIx64 ".txt", folder, hash);
    load(tune);
  }
  *out = tune;
  return status;
}

void or_cl_tune_free(or_cl_tune_t *tune) {
  if (tune == NULL) return;
  or_mutex_deinit(&tune->mutex);
  or_free(tune->allocator, tune);
}

static const or_cl_tune_entry_t *find(const or_cl_tune_t *tune, const or_cl_tune_question_t *question) {
  for (uint32_t i = 0; i < tune->count; ++i) {
    const or_cl_tune_entry_t *entry = &tune->entries[i];
    if (strcmp(entry->key, question->key) == 0 && entry->choice < question->count) return entry;
  }
  return NULL;
}

or_status_t or_cl_tune_choose(or_cl_build_t *build, const or_cl_tune_question_t *question, size_t *choice) {
  or_cl_tune_t *tune = or_cl_build_device(build)->tune;
  bool timed = false;
  *choice = question->usual;
  or_mutex_lock(&tune->mutex);
  const or_cl_tune_entry_t *known = find(tune, question);
  if (known != NULL) *choice = known->choice;
  bool full = tune->count == OR_CL_TUNE_MAX_ENTRIES;
  or_mutex_unlock(&tune->mutex);
  if (known != NULL || full) return or_status_success();
  /* Two that ask at once time it twice: no lock is held while the device works. */
  or_status_t status = time_all(build, question, choice, &timed);
  if (!or_ok(status) || !timed) return status;
  or_mutex_lock(&tune->mutex);
  if (find(tune, question) == NULL && tune->count < OR_CL_TUNE_MAX_ENTRIES) {
    or_cl_tune_entry_t *entry = &tune->entries[tune->count++];
    (void)or_format(entry->key, sizeof entry->key, "%s", question->key);
    entry->choice = (uint32_t)*choice;
    save(tune);
  }
  or_mutex_unlock(&tune->mutex);
  return status;
}

static or_status_t time_all(or_cl_build_t *build, const or_cl_tune_question_t *question, size_t *choice, bool *timed) {
  int64_t least = INT64_MAX, spent = 0;
  for (size_t i = 0; i < question->count && spent < BUDGET_NS; ++i) {
    int64_t ns = INT64_MAX;
    const or_cl_launch_t *launch = question->candidate(question->self, i);
    if (launch == NULL) continue;
    or_status_t status = or_cl_build_time(build, launch, &ns);
    or_status_code_t code = or_status_code(status);
    if (!or_ok(status) && code != OR_INTERNAL && code != OR_RESOURCE_EXHAUSTED) return status;
    or_log(OR_LOG_BACKEND, OR_LOG_DEBUG, "opencl_candidate", "key=%s candidate=%zu ns=%" PRId64 "%s%s", question->key,
           i, or_ok(status) ? ns : -1, or_ok(status) ? "" : " ", or_ok(status) ? "" : or_status_message(status));
    if (or_ok(status)) spent += ns * TRIES;
    if (or_ok(status) && ns < least) {
      least = ns;
      *choice = i;
      *timed = true;
    }
    or_status_ignore(status); /* this candidate is none here */
  }
  return or_status_success();
}

/* --- The file --- */

#define MAGIC "openruntime opencl choices 1\n"

static void load(or_cl_tune_t *tune) {
  char *text = NULL;
  size_t length = 0;
  or_status_t status = or_file_read(tune->allocator, tune->path, MAX_FILE_BYTES, &text, &length);
  if (or_ok(status) && !or_cl_tune_parse(text, length, tune->name, tune->entries, &tune->count)) {
    or_log(OR_LOG_BACKEND, OR_LOG_DEBUG, "opencl_choices_foreign", "path=%s", tune->path);
  }
  or_free(tune->allocator, text);
  or_status_ignore(status); /* not there, or not readable: they are timed */
}

static void save(or_cl_tune_t *tune) {
  or_text_t text;
  or_file_writer_t writer;
  if (tune->path[0] == '\0') return;
  or_text_init(&text, tune->allocator);
  or_status_t status = or_cl_tune_format(tune->name, tune->entries, tune->count, &text);
  /* In the place of whatever is there: to write into a pipe would wait for its reader. */
  if (or_ok(status)) status = or_file_writer_begin(&writer, tune->path, true);
  if (or_ok(status)) status = or_file_writer_end(&writer, or_file_writer_append(&writer, text.data, text.length));
  if (!or_ok(status)) or_log(OR_LOG_BACKEND, OR_LOG_DEBUG, "opencl_choices_not_kept", "%s", or_status_message(status));
  or_status_ignore(status); /* they are timed again next time */
  or_text_deinit(&text);
}

or_status_t or_cl_tune_format(const char *device, const or_cl_tune_entry_t *entries, uint32_t count, or_text_t *out) {
  or_status_t status = or_text_printf(out, MAGIC "%s\n", device);
  for (uint32_t i = 0; or_ok(status) && i < count; ++i) {
    status = or_text_printf(out, "%s %" PRIu32 "\n", entries[i].key, entries[i].choice);
  }
  return or_ok(status) ? or_text_append_string(out, "end\n") : status;
}

static bool take(const char **at, const char *end, const char *text) {
  size_t length = strlen(text);
  if ((size_t)(end - *at) < length || memcmp(*at, text, length) != 0) return false;
  *at += length;
  return true;
}

static bool is_key(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

static bool take_entry(const char **at, const char *end, or_cl_tune_entry_t *entry) {
  size_t length = 0;
  for (; *at < end && is_key(**at); ++*at) {
    if (length + 1 == sizeof entry->key) return false;
    entry->key[length++] = **at;
  }
  entry->key[length] = '\0';
  entry->choice = 0;
  if (length == 0 || !take(at, end, " ") || *at == end || **at < '0' || **at > '9') return false;
  for (; *at < end && **at >= '0' && **at <= '9'; ++*at) {
    entry->choice = entry->choice * 10 + (uint32_t)(**at - '0');
    if (entry->choice > MAX_CHOICE) return false;
  }
  return take(at, end, "\n");
}

bool or_cl_tune_parse(const char *text, size_t length, const char *device, or_cl_tune_entry_t *entries,
                      uint32_t *count) {
  const char *at = text, *end = text + length;
  uint32_t found = 0;
  *count = 0;
  if (!take(&at, end, MAGIC) || !take(&at, end, device) || !take(&at, end, "\n")) return false;
  while (!((size_t)(end - at) == 4 && memcmp(at, "end\n", 4) == 0)) {
    if (found == OR_CL_TUNE_MAX_ENTRIES || !take_entry(&at, end, &entries[found])) return false;
    ++found;
  }
  *count = found;
  return true;
}
